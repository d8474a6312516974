// The recorded answers of the reference: gzipped JSON lines, a head and then one query each.
//
//   {"reference":"3.5.3","newer":"3.14.0","set":"floats","seed":1,"digest":"…"}
//   {"root":"rate","query":"rate(x[5m])","at":[start,end,step],"reply":{…}}        reply as the server sent it
//   {…,"reply":{…},"newer":{…}}                                                    the newer version's, where it differs
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { GeneratedQuery } from './query-generator.ts'

export interface GoldenHead {
  /** Version of the reference. */
  reference: string
  /** Version that was asked besides; '' for none. */
  newer: string
  set: string
  seed: number
  /** Of the data set it was recorded over. */
  digest: string
}

export interface GoldenCase extends GeneratedQuery {
  /** The body of the reference's answer. */
  reply: string
  /** The body of the newer version's answer where it differs; null where it does not. */
  newer: string | null
}

interface GoldenLine {
  root: string
  query: string
  at: [number, number, number]
  reply: unknown
  newer?: unknown
}

function pathOf(set: string): string {
  return path.resolve(import.meta.dirname, `../golden/differential-${set}.jsonl.gz`)
}

export function writeGolden(head: GoldenHead, cases: readonly GoldenCase[]): number {
  const lines = cases.map(({ root, query, startMs, endMs, stepMs, reply, newer }) => (
    `{"root":${JSON.stringify(root)},"query":${JSON.stringify(query)},"at":[${startMs},${endMs},${stepMs}],"reply":${reply}${newer === null ? '' : `,"newer":${newer}`}}`
  ))
  const bytes = gzipSync(`${[JSON.stringify(head), ...lines].join('\n')}\n`, { level: 9 })
  writeFileSync(pathOf(head.set), bytes)
  return bytes.length
}

export function readGolden(set: string): { head: GoldenHead; cases: GoldenCase[] } {
  const [first = '', ...lines] = gunzipSync(readFileSync(pathOf(set))).toString('utf8').trimEnd().split('\n')
  const cases = lines.map((line) => {
    const { root, query, at, reply, newer } = JSON.parse(line) as GoldenLine
    return { root, query, startMs: at[0], endMs: at[1], stepMs: at[2], reply: JSON.stringify(reply), newer: newer === undefined ? null : JSON.stringify(newer) }
  })
  return { head: JSON.parse(first) as GoldenHead, cases }
}
