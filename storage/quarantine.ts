// Where what cannot be read goes: nothing damaged is deleted, since somebody may still get something out of it.
import path from 'node:path'
import { listFolder, makeFolder, rename, syncFolder } from '../lib/std/fs.ts'

/** Moves files or folders of `folder`, under a free name beside what is there. Durable when it returns. Throws DiskError. */
export function moveToQuarantine(folder: string, names: readonly string[], quarantine: string): void {
  if (names.length === 0) return
  makeFolder(quarantine)
  for (const name of names) rename(path.join(folder, name), freeName(quarantine, name))
  syncFolder(quarantine)
  syncFolder(folder)
}

function freeName(folder: string, name: string): string {
  const taken = new Set(listFolder(folder))
  let free = name
  for (let n = 2; taken.has(free); n++) free = `${name}.${n}`
  return path.join(folder, free)
}
