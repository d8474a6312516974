// Objects as files of one folder: written aside, synced, read back, renamed, the folder synced.
import path from 'node:path'
import { DiskError, DiskFile, fileSizeBytes, listFolder, makeFolder, removeFile, removeFiles, rename, syncFolder } from '../../lib/std/fs.ts'
import { ASIDE, checkKey, crcOf, fileContent, isKey, ObjectStoreError, piecesOf, type ObjectContent, type ObjectHead, type ObjectStore } from './object-store.ts'

export class FolderStore implements ObjectStore {
  readonly place: string

  /** Makes the folder when the first object comes: a disk that is not mounted yet must not be written beside. */
  constructor(folder: string) {
    this.place = folder
  }

  put(key: string, content: ObjectContent): Promise<void> {
    return this.#do(`put ${key}`, () => {
      checkKey(key)
      makeFolder(this.place)
      const aside = path.join(this.place, `${key}${ASIDE}`)
      removeFile(aside)
      const file = DiskFile.openForWrite(aside)
      try {
        let at = 0
        for (const piece of piecesOf(content)) {
          file.write(piece, at)
          at += piece.length
        }
        file.syncNow()
      } finally {
        file.close()
      }
      if (!isSame(aside, content)) throw new ObjectStoreError('DAMAGED', `cannot put ${key} into ${this.place}: what was written reads differently`)
      rename(aside, path.join(this.place, key))
      syncFolder(this.place)
    })
  }

  holds(key: string, content: ObjectContent): Promise<boolean> {
    return this.#do(`check ${key}`, () => {
      const file = this.#fileOf(key)
      return file !== null && isSame(file, content)
    })
  }

  get(key: string, fromBytes: number, lengthBytes: number): Promise<Uint8Array> {
    return this.#do(`get ${key}`, () => {
      const file = this.#fileOf(key)
      if (file === null) throw new ObjectStoreError('NOT_FOUND', `cannot get ${key} of ${this.place}: there is no such file`)
      const sizeBytes = fileSizeBytes(file)
      if (fromBytes + lengthBytes > sizeBytes) {
        throw new ObjectStoreError('DAMAGED', `cannot get bytes ${fromBytes} to ${fromBytes + lengthBytes} of ${file}: it has ${sizeBytes}`)
      }
      return fileContent(file, sizeBytes).read(fromBytes, lengthBytes)
    })
  }

  head(key: string): Promise<ObjectHead | null> {
    return this.#do(`look for ${key}`, () => {
      const file = this.#fileOf(key)
      return file === null ? null : { key, sizeBytes: fileSizeBytes(file) }
    })
  }

  list(prefix: string): Promise<ObjectHead[]> {
    return this.#do('list objects', () => this.#names().filter((name) => name.startsWith(prefix))
      .map((key) => ({ key, sizeBytes: fileSizeBytes(path.join(this.place, key)) })))
  }

  async delete(key: string): Promise<void> {
    checkKey(key)
    try {
      if (this.#fileOf(key) !== null) await removeFiles(this.place, [key])
    } catch (error) {
      throw this.#wrapped(`delete ${key}`, error)
    }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #names(): string[] {
    return listFolder(this.place).filter(isKey)
  }

  #fileOf(key: string): string | null {
    checkKey(key)
    return this.#names().includes(key) ? path.join(this.place, key) : null
  }

  #do<T>(what: string, work: () => T): Promise<T> {
    try {
      return Promise.resolve(work())
    } catch (error) {
      return Promise.reject(this.#wrapped(what, error))
    }
  }

  #wrapped(what: string, error: unknown): unknown {
    return error instanceof DiskError ? new ObjectStoreError('UNREACHABLE', `cannot ${what} in ${this.place}: ${error.message}`, error) : error
  }
}

function isSame(file: string, content: ObjectContent): boolean {
  const sizeBytes = fileSizeBytes(file)
  return sizeBytes === content.sizeBytes && crcOf(fileContent(file, sizeBytes)) === crcOf(content)
}
