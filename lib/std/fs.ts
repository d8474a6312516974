// The only door to files: what node:fs lacks for a store. Writes loop over short counts (the kernel may take fewer
// bytes without an error), folders are synced after names change in them, and each failure says which file.
import fs from 'node:fs'
import path from 'node:path'

/** A file operation the system refused; `cause` is Node's error, `code` its errno name. */
export class DiskError extends Error {
  readonly code: string

  constructor(what: string, cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'EIO'
    super(`${what}: ${code}${cause instanceof Error ? ` (${cause.message})` : ''}`, { cause })
    this.code = code
  }
}

function guarded<T>(what: string, f: () => T): T {
  try {
    return f()
  } catch (cause) {
    throw new DiskError(`cannot ${what}`, cause)
  }
}

/** One open file. Positions are explicit; nothing is appended by accident. */
export class DiskFile {
  readonly path: string
  readonly #fd: number
  #isOpen = true

  private constructor(path: string, fd: number) {
    this.path = path
    this.#fd = fd
  }

  static openForWrite(path: string): DiskFile {
    const flags = fs.constants.O_RDWR | fs.constants.O_CREAT
    return new DiskFile(path, guarded(`open ${path}`, () => fs.openSync(path, flags, 0o644)))
  }

  static openForRead(path: string): DiskFile {
    return new DiskFile(path, guarded(`open ${path}`, () => fs.openSync(path, 'r')))
  }

  sizeBytes(): number {
    return guarded(`stat ${this.path}`, () => fs.fstatSync(this.#fd).size)
  }

  /** Writes all of `bytes` at `position`, or throws. */
  write(bytes: Uint8Array, position: number): void {
    guarded(`write ${bytes.length} bytes at ${position} of ${this.path}`, () => {
      for (let done = 0; done < bytes.length;) {
        done += fs.writeSync(this.#fd, bytes, done, bytes.length - done, position + done)
      }
    })
  }

  /** Reads up to `length` bytes at `position` into `into`; fewer only at the end of the file. */
  read(into: Uint8Array, position: number, length: number): number {
    return guarded(`read ${length} bytes at ${position} of ${this.path}`, () => {
      let done = 0
      while (done < length) {
        const n = fs.readSync(this.#fd, into, done, length - done, position + done)
        if (n === 0) break
        done += n
      }
      return done
    })
  }

  /** Resolves when data and size are on the device. After a rejection the file must not be trusted to sync again. */
  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) => (error ? reject(new DiskError(`cannot sync ${this.path}`, error)) : resolve()))
    })
  }

  syncNow(): void {
    guarded(`sync ${this.path}`, () => fs.fdatasyncSync(this.#fd))
  }

  truncate(sizeBytes: number): void {
    guarded(`truncate ${this.path} to ${sizeBytes}`, () => fs.ftruncateSync(this.#fd, sizeBytes))
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    guarded(`close ${this.path}`, () => fs.closeSync(this.#fd))
  }
}

/**
 * Makes a folder and its parents, and syncs the folder it was made in. One by one: Node's own recursion never ends on
 * file systems that take no folders, such as /proc.
 */
export function makeFolder(folder: string): void {
  if (fs.existsSync(folder)) return
  const parent = path.dirname(folder)
  if (parent !== folder) makeFolder(parent)
  guarded(`make folder ${folder}`, () => fs.mkdirSync(folder))
  syncFolder(parent)
}

/** Makes names created or removed in a folder durable. */
export function syncFolder(folder: string): void {
  guarded(`sync folder ${folder}`, () => {
    const fd = fs.openSync(folder, 'r')
    try {
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  })
}

/** Names in a folder, sorted; none if it does not exist. */
export function listFolder(folder: string): string[] {
  return guarded(`list ${folder}`, () => (fs.existsSync(folder) ? fs.readdirSync(folder).toSorted() : []))
}

export function fileSizeBytes(file: string): number {
  return guarded(`stat ${file}`, () => fs.statSync(file).size)
}

export function removeFile(file: string): void {
  guarded(`remove ${file}`, () => fs.rmSync(file, { force: true }))
}

/**
 * Removes files of one folder off the main thread, and syncs the folder; what is not there is no failure. Freeing the
 * blocks of 64 MiB holds a thread for some 14 ms (ext4). Rejects with DiskError.
 */
export async function removeFiles(folder: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  try {
    for (const name of names) await fs.promises.rm(path.join(folder, name), { force: true })
    const handle = await fs.promises.open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw new DiskError(`cannot remove ${names.join(', ')} of ${folder}`, cause)
  }
}

export function readWhole(file: string): Uint8Array {
  return guarded(`read ${file}`, () => fs.readFileSync(file))
}

/** The text of a file, or null if there is none. */
export function readTextIfThere(file: string): string | null {
  return guarded(`read ${file}`, () => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null))
}

/** Creates a file that must not exist yet; false if it does. */
export function createExclusive(file: string, text: string): boolean {
  try {
    fs.writeFileSync(file, text, { flag: 'wx' })
    return true
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return false
    throw new DiskError(`cannot create ${file}`, cause)
  }
}

/** Calls `onChange` when a name in a folder appears, goes or changes. Does not keep the process alive. Throws DiskError. */
export function watchFolder(folder: string, onChange: () => void, onError: (error: Error) => void): { close(): void } {
  return guarded(`watch ${folder}`, () => fs.watch(folder, { persistent: false }, onChange).on('error', onError))
}
