// The head of an HTTP/1.x answer (RFC 9112 §4, §5), read from its bytes: of a dozen lines few are needed as texts, and texts,
// lists of lines and patterns took a third of the time of a request whose code is cold.
import { HttpError } from './http-error.ts'

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const COLON = 0x3a
const ZERO = 0x30
const SHOWN_MAX = 60

/** What is read of the headers; others are only checked. */
export interface Headers extends Record<string, string | undefined> {
  'content-type': string | undefined
  'content-encoding': string | undefined
  'content-length': string | undefined
  'transfer-encoding': string | undefined
  'keep-alive': string | undefined
  connection: string | undefined
  location: string | undefined
}

export interface Head {
  /** Of HTTP/1.x. */
  minor: number
  status: number
  reason: string
  headers: Headers
}

const READ = (['content-type', 'content-encoding', 'content-length', 'transfer-encoding', 'keep-alive', 'connection', 'location'] as const)
  .map((name) => ({ name, codes: Buffer.from(name) }))
/** Lower case of each byte that a header's name may have; 0 for others. */
const NAME_BYTES = Uint8Array.from({ length: 256 }, (_, c) => (/[!#$%&'*+.^_`|~\w-]/.test(String.fromCharCode(c)) && c < 0x80 ? String.fromCharCode(c).toLowerCase().charCodeAt(0) : 0))
const BEGIN = Buffer.from('HTTP/1.')

/** Where the first empty line ends, -1 where none has yet; looked for from a place on. */
export function endOfHead(bytes: Buffer, from: number, n: number): number {
  for (let at = from; at < n; at++) {
    if (bytes[at] !== LF) continue
    if (at + 1 < n && bytes[at + 1] === LF) return at + 2
    if (at + 2 < n && bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3
  }
  return -1
}

/** What has come so far may still become a head. */
export function mustBeHead(bytes: Buffer, from: number, n: number): void {
  for (let i = 0; i < BEGIN.length && from + i < n; i++) {
    if (bytes[from + i] !== BEGIN[i]) throw malformed(`it begins with ${shown(bytes, from, n)}`)
  }
}

/** Reads bytes[from, end), which end in an empty line. Of values that come twice the first counts, but for those that say where the body ends. */
export function readHead(bytes: Buffer, from: number, end: number): Head {
  let next = lineEnd(bytes, from)
  const status = readStatus(bytes, from, next)
  const headers: Headers = {
    'content-type': undefined, 'content-encoding': undefined, 'content-length': undefined, 'transfer-encoding': undefined, 'keep-alive': undefined,
    connection: undefined, location: undefined,
  }
  const minor = bytes[from + 7]! - ZERO
  const reason = next - from > 13 ? bytes.toString('latin1', from + 13, next) : ''
  for (let at = behind(bytes, next); ; at = behind(bytes, next)) {
    next = lineEnd(bytes, at)
    if (behind(bytes, next) >= end) return { minor, status, reason, headers }
    readHeader(bytes, at, next, headers)
  }
}

/** Where the line at `at` ends, its CR LF or LF left out. */
function lineEnd(bytes: Buffer, at: number): number {
  let end = at
  while (bytes[end] !== LF) end++
  return end > at && bytes[end - 1] === CR ? end - 1 : end
}

/** Behind the end of a line. */
function behind(bytes: Buffer, lineEnd: number): number {
  return bytes[lineEnd] === CR ? lineEnd + 2 : lineEnd + 1
}

/** `HTTP/1.1 200 OK`, the reason or the last blank left out. */
function readStatus(bytes: Buffer, from: number, end: number): number {
  let isGood = end - from >= 12 && (end - from === 12 || bytes[from + 12] === SPACE) && bytes[from + 8] === SPACE && (bytes[from + 7]! >> 1) === ZERO >> 1
  for (let i = 0; i < BEGIN.length; i++) isGood &&= bytes[from + i] === BEGIN[i]
  let status = 0
  for (let i = 9; i < 12; i++) {
    const digit = bytes[from + i]! - ZERO
    if (digit < 0 || digit > 9) isGood = false
    status = status * 10 + digit
  }
  for (let i = from + 12; i < end; i++) if (bytes[i] === CR) isGood = false
  if (!isGood || status < 100) throw malformed(`its first line is ${shown(bytes, from, end)}`)
  return status
}

function readHeader(bytes: Buffer, from: number, end: number, headers: Headers): void {
  let colon = from
  while (colon < end && NAME_BYTES[bytes[colon]!] !== 0) colon++
  let isGood = colon > from && bytes[colon] === COLON && colon < end
  let first = colon + 1
  while (first < end && (bytes[first] === SPACE || bytes[first] === TAB)) first++
  let last = end
  while (last > first && (bytes[last - 1] === SPACE || bytes[last - 1] === TAB)) last--
  for (let i = first; i < last; i++) {
    const c = bytes[i]!
    if ((c < SPACE && c !== TAB) || c === 0x7f) isGood = false
  }
  if (!isGood) throw malformed(`a header is ${shown(bytes, from, end)}`)
  for (const { name, codes } of READ) {
    if (codes.length !== colon - from || !isNamed(bytes, from, codes)) continue
    const value = bytes.toString('latin1', first, last)
    const before = headers[name]
    if (name === 'content-length' && before !== undefined && before !== value) throw malformed('it has two values of Content-Length')
    if (before === undefined) headers[name] = value
    else if (name === 'transfer-encoding' || name === 'connection') headers[name] = `${before}, ${value}`
    return
  }
}

function isNamed(bytes: Buffer, from: number, codes: Uint8Array): boolean {
  for (let i = 0; i < codes.length; i++) if (NAME_BYTES[bytes[from + i]!] !== codes[i]) return false
  return true
}

function shown(bytes: Buffer, from: number, end: number): string {
  return JSON.stringify(bytes.toString('latin1', from, Math.min(end, from + SHOWN_MAX)))
}

export function malformed(why: string): HttpError {
  return new HttpError('PROTOCOL', `malformed HTTP response: ${why}`)
}
