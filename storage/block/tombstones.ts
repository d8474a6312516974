// What has been deleted from a block since it was written (FORMAT.md, "tombstones"): readers leave it out, compaction
// writes it no more.
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { listFolder, readWhole, rename, syncFolder, writeSynced } from '../../lib/std/fs.ts'
import { BlockError } from '../errors.ts'
import { TOMBSTONES_FILE } from './block-meta.ts'

const MAGIC = Buffer.from('MONTOMB1')
const HEAD_BYTES = MAGIC.length + 4
const RECORD_BYTES = 24

/** Samples of a series in [from, to] (Unix ms, both inclusive) are deleted. */
export interface Tombstone {
  readonly ref: number
  readonly from: number
  readonly to: number
}

/** None where the block has no such file. Throws BlockError if it is damaged. */
export function readTombstones(folder: string): Tombstone[] {
  if (!listFolder(folder).includes(TOMBSTONES_FILE)) return []
  const file = path.join(folder, TOMBSTONES_FILE)
  const bytes = Buffer.from(readWhole(file))
  const end = bytes.length - 4
  if (end < HEAD_BYTES || bytes.readUInt32LE(end) !== crc32(bytes.subarray(0, end)) || bytes.readUInt32LE(8) * RECORD_BYTES + HEAD_BYTES !== end) {
    throw new BlockError(`cannot read ${file}: ${bytes.length} bytes do not match their checksum; deleted samples may show again`)
  }
  const list: Tombstone[] = []
  for (let at = HEAD_BYTES; at < end; at += RECORD_BYTES) {
    list.push({ ref: bytes.readUInt32LE(at), from: bytes.readDoubleLE(at + 8), to: bytes.readDoubleLE(at + 16) })
  }
  return list
}

/** Replaces a block's tombstones; durable when it returns. Readers that are open keep the ones they know. */
export function writeTombstones(folder: string, list: readonly Tombstone[]): void {
  const end = HEAD_BYTES + list.length * RECORD_BYTES
  const bytes = Buffer.alloc(end + 4)
  bytes.set(MAGIC)
  bytes.writeUInt32LE(list.length, 8)
  for (const [i, { ref, from, to }] of list.entries()) {
    bytes.writeUInt32LE(ref, HEAD_BYTES + i * RECORD_BYTES)
    bytes.writeDoubleLE(from, HEAD_BYTES + i * RECORD_BYTES + 8)
    bytes.writeDoubleLE(to, HEAD_BYTES + i * RECORD_BYTES + 16)
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end)), end)
  const aside = path.join(folder, `.tmp-${TOMBSTONES_FILE}`)
  writeSynced(aside, bytes)
  rename(aside, path.join(folder, TOMBSTONES_FILE))
  syncFolder(folder)
}
