// A snapshot: `data/snapshots/<name>/`, a data folder of its own that holds what the blocks hold now. Files of blocks never
// change, so they are there a second time by hard links: a snapshot is made in a moment and takes no space.
//
//   .tmp-<name>/ ─▶ exemplars/…, series/definitions (copied) │ blocks/<block>/…, tiers/1m/<block>/…, archive/…, metadata.json (linked),
//                   their lists │ what was made for it (moved) ─▶ synced ─▶ <name>/
import path from 'node:path'
import { faultPoint } from '../lib/std/fault-point.ts'
import { DiskError, DiskFile, fileSizeBytes, link, listFolder, makeFolder, pathExists, readTextIfThere, removeFolder, rename, replaceText, syncFolder } from '../lib/std/fs.ts'
import { TEMPORARY_PREFIX, parseBlockName } from './block/block-meta.ts'
import { keepFolderId, readFolderId } from './folder-id.ts'
import { BlockFolder, STAGED } from './block-folder.ts'
import { FORMAT_FILE } from './format-mark.ts'
import { METADATA_FILE } from './metadata-file.ts'
import { readManifest, readStored, writeManifest, writeStored } from './tier/hour-manifest.ts'

const COPY_BYTES = 1 << 20
const HOURS = 'archive'
const EXEMPLARS = 'exemplars'
const META = 'meta'

/** A file of `meta/` that was made for a snapshot, and its name in that one's. */
export interface MovedFile {
  from: string
  to: string
}

/** Bytes of what a snapshot has a second time: definitions, exemplars, and what is made for it of the file of `meta/` that has its name. */
export function copiedBytes(data: string, moved: MovedFile | null): number {
  const bytesIn = (folder: string): number => listFolder(folder).reduce((sum, name) => sum + sizeIfThere(path.join(folder, name)), 0)
  // What SQLite's log holds yet may come to the copy.
  const meta = moved === null ? 0 : ['', '-wal'].reduce((sum, suffix) => sum + sizeIfThere(path.join(data, META, moved.to + suffix)), 0)
  return sizeIfThere(path.join(data, 'series', 'definitions')) + bytesIn(path.join(data, EXEMPLARS)) + meta
}

function sizeIfThere(file: string): number {
  try {
    return fileSizeBytes(file)
  } catch (error) {
    if (!(error instanceof DiskError && error.code === 'ENOENT')) throw error
    return 0
  }
}

/** Throws DiskError; then there is no snapshot of that name. */
export function writeSnapshot(data: string, { blocks, minutes }: { blocks: BlockFolder; minutes: BlockFolder }, { name, moved }: { name: string; moved: MovedFile | null }): void {
  const snapshots = path.join(data, 'snapshots')
  removeUnfinished(snapshots)
  const aside = path.join(snapshots, `${TEMPORARY_PREFIX}${name}`)
  makeFolder(aside)
  // Before the definitions: those of all series that have exemplars are written by then.
  copyExemplars(path.join(data, EXEMPLARS), path.join(aside, EXEMPLARS))
  makeFolder(path.join(aside, 'series'))
  copyFile(path.join(data, 'series', 'definitions'), path.join(aside, 'series', 'definitions'))
  const id = readFolderId(data)
  if (id !== '') keepFolderId(aside, id)
  syncFolder(path.join(aside, 'series'))
  const mark = readTextIfThere(path.join(data, FORMAT_FILE))
  if (mark !== null) replaceText(path.join(aside, FORMAT_FILE), mark)
  linkBlocks(blocks, path.join(aside, 'blocks'))
  makeFolder(path.join(aside, 'tiers'))
  linkBlocks(minutes, path.join(aside, 'tiers', '1m'))
  syncFolder(path.join(aside, 'tiers'))
  linkHours(path.join(data, HOURS), path.join(aside, HOURS))
  if (pathExists(path.join(data, METADATA_FILE))) link(path.join(data, METADATA_FILE), path.join(aside, METADATA_FILE))
  if (moved !== null) {
    makeFolder(path.join(aside, META))
    rename(path.join(data, META, moved.from), path.join(aside, META, moved.to))
    syncFolder(path.join(aside, META))
  }
  syncFolder(aside)
  faultPoint('snapshot.linked')
  rename(aside, path.join(snapshots, name))
  syncFolder(snapshots)
}

function linkBlocks(from: BlockFolder, target: string): void {
  const { cover, droppedT, due, blocks, lost } = from.state
  makeFolder(target)
  for (const { folder } of blocks) {
    makeFolder(path.join(target, folder))
    for (const file of listFolder(path.join(from.path, folder))) link(path.join(from.path, folder, file), path.join(target, folder, file))
    syncFolder(path.join(target, folder))
  }
  new BlockFolder(target, () => undefined).commit({ cover, droppedT, due, lost, install: [], remove: [] })
  syncFolder(target)
}

function copyExemplars(from: string, target: string): void {
  const names = listFolder(from)
  if (names.length === 0) return
  makeFolder(target)
  for (const name of names) {
    try {
      copyFile(path.join(from, name), path.join(target, name))
    } catch (error) {
      // The others have its place in the ring by now.
      if (!(error instanceof DiskError && error.code === 'ENOENT')) throw error
    }
  }
  syncFolder(target)
}

/** Files of the 1-hour tier that are in the folder; those that are only in a bucket stay there for both. */
function linkHours(from: string, target: string): void {
  const manifest = readManifest(from)
  makeFolder(target)
  const here = listFolder(from)
  for (const name of manifest.files.flatMap((file) => [file.name, `${file.name}.index`]).filter((one) => here.includes(one))) {
    try {
      link(path.join(from, name), path.join(target, name))
    } catch (error) {
      // It has just left the folder for the bucket.
      if (!(error instanceof DiskError && error.code === 'ENOENT')) throw error
    }
  }
  writeStored(target, readStored(from))
  writeManifest(target, { ...manifest, replaced: [] })
}

/** What a crash, or a disk that refused, left half made. */
function removeUnfinished(snapshots: string): void {
  for (const name of listFolder(snapshots).filter((one) => one.startsWith(TEMPORARY_PREFIX))) {
    const aside = path.join(snapshots, name)
    const blocks = [path.join(aside, 'blocks'), path.join(aside, 'tiers', '1m')]
    // The rest are files.
    const isFolder = (one: string): boolean => one === STAGED || parseBlockName(one) !== null
    for (const each of blocks) for (const folder of listFolder(each).filter(isFolder)) removeFolder(path.join(each, folder))
    for (const folder of [...blocks, ...[HOURS, EXEMPLARS, 'tiers', 'series', META].map((one) => path.join(aside, one)), aside]) removeFolder(folder)
  }
}

/** A file that may grow meanwhile: what it has at the start. */
function copyFile(from: string, to: string): void {
  const source = DiskFile.openForRead(from)
  try {
    const target = DiskFile.openForWrite(to)
    try {
      copyBytes(source, target)
      target.syncNow()
    } finally {
      target.close()
    }
  } finally {
    source.close()
  }
}

function copyBytes(source: DiskFile, target: DiskFile): void {
  const buffer = Buffer.alloc(COPY_BYTES)
  const end = source.sizeBytes()
  for (let at = 0; at < end;) {
    const n = source.read(buffer, at, Math.min(COPY_BYTES, end - at))
    if (n === 0) throw new DiskError(`cannot copy ${source.path}: it ended at ${at} of ${end} bytes while it was read`, null)
    target.write(buffer.subarray(0, n), at)
    at += n
  }
}
