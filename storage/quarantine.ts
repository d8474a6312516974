// Where what cannot be read goes: nothing damaged is deleted, since somebody may still get something out of it.
import path from 'node:path'
import { link, listFolder, makeFolder, rename, syncFolder, writeSynced } from '../lib/std/fs.ts'

const ASIDE = '.tmp-replacement'
/** Behind the name of a block of the 1-minute tier: a repair tries blocks of raw samples by their names. */
export const OF_MINUTES = '.1m'

/** Moves files or folders of `folder`, under a free name (theirs and `suffix`) beside what is there. Durable when it returns. Throws DiskError. */
export function moveToQuarantine(folder: string, names: readonly string[], quarantine: string, suffix: string = ''): void {
  if (names.length === 0) return
  makeFolder(quarantine)
  for (const name of names) rename(path.join(folder, name), freeName(quarantine, `${name}${suffix}`))
  syncFolder(quarantine)
  syncFolder(folder)
}

/** Gives a file other bytes, and keeps it as it was under a free name: both or neither, also after a crash. Throws DiskError. */
export function replaceKeeping(file: string, bytes: Uint8Array, quarantine: string): void {
  makeFolder(quarantine)
  const aside = path.join(quarantine, ASIDE)
  writeSynced(aside, bytes)
  link(file, freeName(quarantine, path.basename(file)))
  syncFolder(quarantine)
  rename(aside, file)
  syncFolder(path.dirname(file))
}

function freeName(folder: string, name: string): string {
  const taken = new Set(listFolder(folder))
  let free = name
  for (let n = 2; taken.has(free); n++) free = `${name}.${n}`
  return path.join(folder, free)
}
