// Reads in Node's pool of threads: a disk that hangs holds one of these then, and not the thread that asks.
import { readdir, readFile } from 'node:fs/promises'
import { DiskError } from './fs.ts'

/** The text of a file, or null if there is none. Bytes that are no UTF-8 become U+FFFD, as after a crash amid a write. Rejects with DiskError. */
export function readTextAside(file: string): Promise<string | null> {
  return ifThere(readFile(file, 'utf8'), `read ${file}`)
}

/** Names in a folder, none where it is not there. Rejects with DiskError. */
export async function listAside(folder: string): Promise<string[]> {
  return await ifThere(readdir(folder), `list ${folder}`) ?? []
}

async function ifThere<T>(reading: Promise<T>, what: string): Promise<T | null> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw new DiskError(`cannot ${what}`, error)
  }
}
