// What is deleted while a block lies in quarantine: noted beside it, so that it stays deleted when the block comes back, rebuilt
// by a repair or put back by hand (FORMAT.md).
//
//   delete ─▶ quarantine/<block>/deletions.json      repair, start ─▶ tombstones of the block in its place
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { listFolder, readTextIfThere, removeFile, replaceText } from '../lib/std/fs.ts'
import { parseBlockName } from './block/block-meta.ts'
import { PageCache } from './block/page-cache.ts'
import { readTombstones, writeTombstones } from './block/tombstones.ts'
import { refsIn, type Deletion } from './block-delete.ts'
import { BlockError } from './errors.ts'
import { isSets } from './tier/hour-manifest.ts'

export const DELETIONS_FILE = 'deletions.json'
const VERSION = 1
const ANY_REF: Uint32Array = new Uint32Array(0)

/** Before anything is deleted. Throws DiskError; BlockError where what was noted before cannot be read. */
export function noteInQuarantine(quarantine: string, { sets, from, to }: Deletion): void {
  for (const name of listFolder(quarantine)) {
    const block = parseBlockName(name)
    if (block === null || block.maxT < from || block.minT > to) continue
    const folder = path.join(quarantine, name)
    const deletions = [...readDeletions(folder), { sets, from, to }]
    replaceText(path.join(folder, DELETIONS_FILE), `${JSON.stringify({ version: VERSION, deletions, crc32: crc32(JSON.stringify(deletions)) })}\n`)
  }
}

/** None where there is no list. Throws BlockError if it is damaged, DiskError. */
export function readDeletions(folder: string): Deletion[] {
  const file = path.join(folder, DELETIONS_FILE)
  const text = readTextIfThere(file)
  if (text === null) return []
  try {
    const value: unknown = JSON.parse(text)
    const { version, deletions, crc32: sum } = Object(value) as Record<string, unknown>
    if (version === VERSION && Array.isArray(deletions) && deletions.every(isDeletion) && sum === crc32(JSON.stringify(deletions))) return deletions
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new BlockError(`cannot read ${file}: it does not match its checksum; move it away, and delete once more what was deleted since the block lay there`)
}

/** Samples of `block` that the list beside `noted` names are deleted from it. Returns of how many series. Throws BlockError, DiskError. */
export function deleteNoted(noted: string, block: string): number {
  const cache = new PageCache()
  const fresh = readDeletions(noted).flatMap(({ sets, from, to }) => refsIn(block, ANY_REF, sets, cache).map((ref) => ({ ref, from, to })))
  if (fresh.length > 0) writeTombstones(block, [...readTombstones(block), ...fresh])
  return new Set(fresh.map(({ ref }) => ref)).size
}

/** The same of a block that was put back as it was. */
export function deleteOwnNoted(block: string): number {
  const count = deleteNoted(block, block)
  removeFile(path.join(block, DELETIONS_FILE))
  return count
}

function isDeletion(value: unknown): value is Deletion {
  const { sets, from, to } = Object(value) as Record<string, unknown>
  return isSets(sets) && typeof from === 'number' && typeof to === 'number'
}
