// Files by way of Node's pool of threads: a disk that hangs holds one of these then, and not the thread that asks.
import { mkdir, open, readdir, readFile, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { DiskError } from './fs.ts'

/** The text of a file, or null if there is none. Bytes that are no UTF-8 become U+FFFD, as after a crash amid a write. Rejects with DiskError. */
export function readTextAside(file: string): Promise<string | null> {
  return ifThere(readFile(file, 'utf8'), `read ${file}`)
}

/** Names in a folder, none where it is not there. Rejects with DiskError. */
export async function listAside(folder: string): Promise<string[]> {
  return await ifThere(readdir(folder), `list ${folder}`) ?? []
}

/** A file that is only written behind its end. Calls come one after the other; each rejects with DiskError. */
export class AppendFile {
  readonly #path: string
  readonly #handle: FileHandle
  #sizeBytes: number

  private constructor(file: string, handle: FileHandle, sizeBytes: number) {
    this.#path = file
    this.#handle = handle
    this.#sizeBytes = sizeBytes
  }

  /** Made if it is not there, with the folder that it is in. */
  static open(file: string): Promise<AppendFile> {
    return guardedAside(`open ${file}`, async () => {
      await mkdir(path.dirname(file)).catch((error: unknown) => {
        if (!hasCode(error, 'EEXIST')) throw error
      })
      const handle = await open(file, 'a')
      return new AppendFile(file, handle, (await handle.stat()).size)
    })
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  append(bytes: Uint8Array): Promise<void> {
    return guardedAside(`write ${bytes.length} bytes behind ${this.#path}`, async () => {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#handle.write(bytes, done)
        done += bytesWritten
        this.#sizeBytes += bytesWritten
      }
    })
  }

  /** Takes out all that it has. */
  clear(): Promise<void> {
    return guardedAside(`truncate ${this.#path}`, async () => {
      await this.#handle.truncate(0)
      this.#sizeBytes = 0
    })
  }

  close(): Promise<void> {
    return guardedAside(`close ${this.#path}`, () => this.#handle.close())
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
