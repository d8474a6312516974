// `data/metadata.json`: what targets and senders said of their metrics (TYPE, HELP, UNIT), for the time between a start and
// their next word. Targets of a job mostly say the same, so each set of sentences is there once.
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { readTextIfThere, replaceText } from '../lib/std/fs.ts'
import type { Labels } from '../lib/model/labels.ts'
import type { MetricMetadata, MetricType } from '../lib/model/metadata.ts'
import { moveToQuarantine } from './quarantine.ts'

export const METADATA_FILE = 'metadata.json'
const VERSION = 1

/** By metric. */
export type MetadataSet = ReadonlyMap<string, MetricMetadata>

export interface StoredMetadata {
  targets: readonly { labels: Labels; metadata: MetadataSet }[]
  pushed: MetadataSet
}

type Entry = [metric: string, type: MetricType, help: string, unit: string]
type Content = [sets: Entry[][], targets: [labels: string[], set: number][], pushed: Entry[]]

/** As text for `writeMetadata`; equal where nothing has changed. */
export function metadataText({ targets, pushed }: StoredMetadata): string {
  const sets: Entry[][] = []
  const numbers = new Map<string, number>()
  const places = targets.map(({ labels, metadata }): [string[], number] => {
    const entries = entriesOf(metadata)
    const key = JSON.stringify(entries)
    let number = numbers.get(key)
    if (number === undefined) numbers.set(key, (number = sets.push(entries) - 1))
    return [[...labels], number]
  })
  const content: Content = [sets, places, entriesOf(pushed)]
  return `${JSON.stringify({ version: VERSION, crc32: crc32(JSON.stringify(content)), content })}\n`
}

/** Whether a file's text is what was written. */
export function isMetadataSound(text: string): boolean {
  return contentOf(text) !== null
}

/** Throws DiskError; the file is then as it was. */
export function writeMetadata(data: string, text: string): void {
  replaceText(path.join(data, METADATA_FILE), text)
}

/** Nothing where there is no file. One that makes no sense goes to quarantine, and `onDamage` hears of it. Throws DiskError. */
export function readMetadata(data: string, onDamage: (why: string) => void): StoredMetadata {
  const text = readTextIfThere(path.join(data, METADATA_FILE))
  if (text === null) return { targets: [], pushed: new Map() }
  const content = contentOf(text)
  if (content === null) {
    moveToQuarantine(data, [METADATA_FILE], path.join(data, 'quarantine'))
    onDamage(`cannot read ${path.join(data, METADATA_FILE)}: its content does not match its checksum`)
    return { targets: [], pushed: new Map() }
  }
  const [sets, targets, pushed] = content
  const maps = sets.map(mapOf)
  return { targets: targets.map(([labels, set]) => ({ labels, metadata: maps[set]! })), pushed: mapOf(pushed) }
}

/** The checksum says that it is what was written, and so of that shape. */
function contentOf(text: string): Content | null {
  try {
    const file = JSON.parse(text) as { version?: unknown; crc32?: unknown; content?: unknown } | null
    if (file?.version !== VERSION || file.crc32 !== crc32(JSON.stringify(file.content) ?? '')) return null
    return file.content as Content
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

function entriesOf(metadata: MetadataSet): Entry[] {
  return Array.from(metadata, ([metric, { type, help, unit }]): Entry => [metric, type, help, unit])
}

function mapOf(entries: readonly Entry[]): MetadataSet {
  return new Map(entries.map(([metric, type, help, unit]) => [metric, { type, help, unit }]))
}
