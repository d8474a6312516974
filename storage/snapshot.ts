// A snapshot: `data/snapshots/<name>/`, a data folder of its own that holds what the blocks hold now. Files of blocks never
// change, so they are there a second time by hard links: a snapshot is made in a moment and takes no space.
//
//   .tmp-<name>/ ─▶ series/definitions (copied) │ blocks/<block>/…, tiers/1m/<block>/… (linked), change.json ─▶ synced ─▶ <name>/
import path from 'node:path'
import { faultPoint } from '../lib/std/fault-point.ts'
import { DiskFile, link, listFolder, makeFolder, removeFolder, rename, syncFolder } from '../lib/std/fs.ts'
import { TEMPORARY_PREFIX, parseBlockName } from './block/block-meta.ts'
import { BlockFolder, STAGED } from './block-folder.ts'

const COPY_BYTES = 1 << 20

/** Throws DiskError; then there is no snapshot of that name. */
export function writeSnapshot(data: string, { blocks, minutes }: { blocks: BlockFolder; minutes: BlockFolder }, name: string): void {
  const snapshots = path.join(data, 'snapshots')
  removeUnfinished(snapshots)
  const aside = path.join(snapshots, `${TEMPORARY_PREFIX}${name}`)
  makeFolder(path.join(aside, 'series'))
  copyFile(path.join(data, 'series', 'definitions'), path.join(aside, 'series', 'definitions'))
  syncFolder(path.join(aside, 'series'))
  linkBlocks(blocks, path.join(aside, 'blocks'))
  makeFolder(path.join(aside, 'tiers'))
  linkBlocks(minutes, path.join(aside, 'tiers', '1m'))
  syncFolder(path.join(aside, 'tiers'))
  syncFolder(aside)
  faultPoint('snapshot.linked')
  rename(aside, path.join(snapshots, name))
  syncFolder(snapshots)
}

function linkBlocks(from: BlockFolder, target: string): void {
  const { cover, droppedT, due, blocks } = from.state
  makeFolder(target)
  for (const { folder } of blocks) {
    makeFolder(path.join(target, folder))
    for (const file of listFolder(path.join(from.path, folder))) link(path.join(from.path, folder, file), path.join(target, folder, file))
    syncFolder(path.join(target, folder))
  }
  new BlockFolder(target, () => undefined).commit({ cover, droppedT, due, install: [], remove: [] })
  syncFolder(target)
}

/** What a crash, or a disk that refused, left half made. */
function removeUnfinished(snapshots: string): void {
  for (const name of listFolder(snapshots).filter((one) => one.startsWith(TEMPORARY_PREFIX))) {
    const aside = path.join(snapshots, name)
    const blocks = [path.join(aside, 'blocks'), path.join(aside, 'tiers', '1m')]
    // The rest are files.
    const isFolder = (one: string): boolean => one === STAGED || parseBlockName(one) !== null
    for (const each of blocks) for (const folder of listFolder(each).filter(isFolder)) removeFolder(path.join(each, folder))
    for (const folder of [...blocks, path.join(aside, 'tiers'), path.join(aside, 'series'), aside]) removeFolder(folder)
  }
}

/** A file that may grow meanwhile: what it has at the start. */
function copyFile(from: string, to: string): void {
  const source = DiskFile.openForRead(from)
  const target = DiskFile.openForWrite(to)
  try {
    const buffer = Buffer.alloc(COPY_BYTES)
    const end = source.sizeBytes()
    for (let at = 0; at < end;) {
      const n = source.read(buffer, at, Math.min(COPY_BYTES, end - at))
      target.write(buffer.subarray(0, n), at)
      at += n
    }
    target.syncNow()
  } finally {
    source.close()
    target.close()
  }
}
