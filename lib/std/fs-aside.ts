// Files by way of Node's pool of threads: a disk that hangs holds one of these then, and not the thread that asks.
import fs from 'node:fs'
import { mkdir, readdir, readFile, rename, stat, unlink } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { DiskError } from './fs.ts'

// Descriptors, not FileHandles: these are closed where nothing names them any more, as at the end of a test, and warn of it.
const [open, write, fstat, ftruncate, close] = [promisify(fs.open), promisify(fs.write), promisify(fs.fstat), promisify(fs.ftruncate), promisify(fs.close)]

/** The text of a file, or null if there is none. Bytes that are no UTF-8 become U+FFFD, as after a crash amid a write. Rejects with DiskError. */
export function readTextAside(file: string): Promise<string | null> {
  return ifThere(readFile(file, 'utf8'), `read ${file}`)
}

/** Names in a folder, none where it is not there. Rejects with DiskError. */
export async function listAside(folder: string): Promise<string[]> {
  return await ifThere(readdir(folder), `list ${folder}`) ?? []
}

/** 0 where there is none. Rejects with DiskError. */
export async function sizeBytesAside(file: string): Promise<number> {
  return (await ifThere(stat(file), `stat ${file}`))?.size ?? 0
}

/** Does nothing where there is none. Rejects with DiskError. */
export async function removeAside(file: string): Promise<void> {
  await ifThere(unlink(file), `remove ${file}`)
}

/** Gives a file another name, in place of what has it; does nothing where there is none. Rejects with DiskError. */
export async function renameAside(from: string, to: string): Promise<void> {
  await ifThere(rename(from, to), `rename ${from} to ${to}`)
}

/** A file that is only written behind its end. Calls come one after the other; each rejects with DiskError. */
export class AppendFile {
  readonly #path: string
  readonly #fd: number
  #sizeBytes: number

  private constructor(file: string, fd: number, sizeBytes: number) {
    this.#path = file
    this.#fd = fd
    this.#sizeBytes = sizeBytes
  }

  /** Made if it is not there, with the folder that it is in. */
  static open(file: string): Promise<AppendFile> {
    return guardedAside(`open ${file}`, async () => {
      await mkdir(path.dirname(file)).catch((error: unknown) => {
        if (!hasCode(error, 'EEXIST')) throw error
      })
      const fd = await open(file, 'a', 0o644)
      return new AppendFile(file, fd, (await fstat(fd)).size)
    })
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  append(bytes: Uint8Array): Promise<void> {
    return guardedAside(`write ${bytes.length} bytes behind ${this.#path}`, async () => {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await write(this.#fd, bytes, done, bytes.length - done, null)
        done += bytesWritten
        this.#sizeBytes += bytesWritten
      }
    })
  }

  /** Takes out all that it has. */
  clear(): Promise<void> {
    return guardedAside(`truncate ${this.#path}`, async () => {
      await ftruncate(this.#fd, 0)
      this.#sizeBytes = 0
    })
  }

  close(): Promise<void> {
    return guardedAside(`close ${this.#path}`, () => close(this.#fd))
  }
}

function ifThere<T>(reading: Promise<T>, what: string): Promise<T | null> {
  return guardedAside(what, async () => {
    try {
      return await reading
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return null
      throw error
    }
  })
}

async function guardedAside<T>(what: string, f: () => Promise<T>): Promise<T> {
  try {
    return await f()
  } catch (error) {
    throw new DiskError(`cannot ${what}`, error)
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
