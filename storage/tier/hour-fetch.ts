// Brings a file of the 1-hour tier back from the object store, where it is to be written anew.
import path from 'node:path'
import { DiskFile, fileSizeBytes, listFolder, removeFile, rename, syncFolder } from '../../lib/std/fs.ts'
import type { ObjectStore } from '../object-store/object-store.ts'
import type { HourFile } from './hour-manifest.ts'

const PIECE_BYTES = 8 << 20

/** Sees to it that the folder has the file. Rejects with ObjectStoreError and DiskError. */
export async function fetchFile({ folder, store }: { folder: string; store: ObjectStore | null }, { name, bytes }: HourFile): Promise<void> {
  const file = path.join(folder, name)
  if (store === null || (listFolder(folder).includes(name) && fileSizeBytes(file) === bytes)) return
  const aside = `${file}.new`
  removeFile(aside)
  const out = DiskFile.openForWrite(aside)
  try {
    for (let at = 0; at < bytes; at += PIECE_BYTES) out.write(await store.get(name, at, Math.min(PIECE_BYTES, bytes - at)), at)
    out.syncNow()
  } finally {
    out.close()
  }
  rename(aside, file)
  syncFolder(folder)
}
