// A DNS server on loopback that answers from a table: enough of RFC 1035 for questions about one name.
import dgram from 'node:dgram'
import { onTestFinished } from 'vitest'
import type { DnsType } from '../../lib/std/dns.ts'

const TYPES: Readonly<Record<DnsType, number>> = { A: 1, NS: 2, MX: 15, AAAA: 28, SRV: 33 }
const SERVFAIL = 2
const NXDOMAIN = 3

/** `SRV _a._tcp.x`: `['10 node1.x 9100']` as in zone files, a broken server or one that does not answer, or nothing; names that stand nowhere do not exist. */
export type DnsTable = Map<string, readonly string[] | 'SERVFAIL' | 'silence'>

export interface DnsServer {
  /** For setServers. */
  address: string
  table: DnsTable
  /** `A name`, in order. */
  asked: string[]
}

export async function dnsServer(): Promise<DnsServer> {
  const table: DnsTable = new Map()
  const asked: string[] = []
  const socket = dgram.createSocket('udp4')
  socket.on('message', (question, { port, address }) => {
    const bytes = answer(question, table, asked)
    if (bytes !== null) socket.send(bytes, port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => void socket.close())
  return { address: `127.0.0.1:${socket.address().port}`, table, asked }
}

function answer(question: Buffer, table: DnsTable, asked: string[]): Buffer | null {
  const labels: string[] = []
  let at = 12
  for (; question[at] !== 0; at += question[at]! + 1) labels.push(question.toString('latin1', at + 1, at + 1 + question[at]!))
  const name = labels.join('.').toLowerCase()
  const type = (Object.keys(TYPES) as DnsType[]).find((one) => TYPES[one] === question.readUInt16BE(at + 1)) ?? 'A'
  asked.push(`${type} ${name}`)
  const found = table.get(`${type} ${name}`)
  if (found === 'silence') return null
  const exists = [...table.keys()].some((key) => key.endsWith(` ${name}`))
  const records = Array.isArray(found) ? (found as readonly string[]).map((text) => data(type, text)) : []
  const head = Buffer.from(question.subarray(0, 12))
  // An answer, recursion available; one question, the records, nothing else.
  head.writeUInt16BE(0x8180 | (found === 'SERVFAIL' ? SERVFAIL : exists ? 0 : NXDOMAIN), 2)
  ;[1, records.length, 0, 0].forEach((count, i) => head.writeUInt16BE(count, 4 + 2 * i))
  return Buffer.concat([head, question.subarray(12, at + 5), ...records.map((bytes) => {
    const row = Buffer.alloc(12)
    row.writeUInt16BE(0xc00c, 0)
    row.writeUInt16BE(TYPES[type], 2)
    row.writeUInt16BE(1, 4)
    row.writeUInt32BE(0, 6)
    row.writeUInt16BE(bytes.length, 10)
    return Buffer.concat([row, bytes])
  })])
}

function data(type: DnsType, text: string): Buffer {
  const words = text.split(' ')
  const numbers = words.slice(0, -1).flatMap((word) => [Number(word) >> 8, Number(word) & 255])
  const last = words.at(-1)!
  if (type === 'A') return Buffer.from(last.split('.').map(Number))
  if (type === 'AAAA') return Buffer.from(last.split(':').flatMap((word) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 255]))
  return Buffer.concat([Buffer.from(numbers), ...last.split('.').filter((label) => label !== '').map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0])])
}
