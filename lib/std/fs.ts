// The only door to files: what node:fs lacks for a store. Writes loop over short counts (the kernel may take fewer
// bytes without an error), folders are synced after names change in them, and each failure says which file.
//
//   DiskFile, makeFolder, removeFiles … ─▶ Disk ─▶ node:fs, or a simulation that crashes, tears and refuses (test/sim)
import { isUtf8 } from 'node:buffer'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

type Done = (error: Error | null) => void

/** What lies behind the door: calls of node:fs, as node:fs has them. */
export interface Disk {
  openSync(path: string, flags: string | number, mode?: number): number
  closeSync(fd: number): void
  readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number): number
  /** May take fewer bytes than it is given. */
  writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number
  fdatasync(fd: number, done: Done): void
  fdatasyncSync(fd: number): void
  fsync(fd: number, done: Done): void
  fsyncSync(fd: number): void
  ftruncateSync(fd: number, sizeBytes: number): void
  fstatSync(fd: number): { size: number }
  statSync(path: string): { size: number; nlink: number }
  statfsSync(path: string): { bsize: number; blocks: number; bavail: number; files: number; ffree: number }
  existsSync(path: string): boolean
  mkdirSync(path: string): void
  readdirSync(path: string): string[]
  readFileSync(path: string): Uint8Array
  writeFileSync(path: string, text: string, options: { flag: 'wx' }): void
  rmSync(path: string, options: { force: true }): void
  unlink(path: string, done: Done): void
  renameSync(from: string, to: string): void
  linkSync(from: string, to: string): void
  symlinkSync(target: string, path: string): void
  readlinkSync(path: string): string
  rmdirSync(path: string): void
}

let disk: Disk = fs

/** Puts another disk behind the door, for this thread; returns the one that was there. Files that are open must be the new one's, too. */
export function useDisk(other: Disk): Disk {
  const before = disk
  disk = other
  return before
}

/** A file operation the system refused; `cause` is Node's error, `code` its errno name. */
export class DiskError extends Error {
  readonly code: string

  constructor(what: string, cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    // Node's message names the code first, and the call and paths last: `ENOENT: no such file or directory, open '/x'`.
    // That of rmSync has the paths twice: `EACCES, Permission denied: /x '/x'`.
    const why = cause instanceof Error ? cause.message.replace(/^[A-Z0-9]+, (.)([^:]*): .*$/s, (_, first: string, rest: string) => first.toLowerCase() + rest).replace(/^[A-Z0-9]+: /, '').replace(/, [a-z0-9]+( '.*)?$/s, '') : ''
    super(`${what}: ${[why, why === '' || code === '' ? code : `(${code})`].filter((part) => part !== '').join(' ')}`, { cause })
    this.code = code === '' ? 'EIO' : code
  }
}

const REWRITE_BYTES = 1 << 18

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
    return new DiskFile(path, guarded(`open ${path}`, () => disk.openSync(path, flags, 0o644)))
  }

  static openForRead(path: string): DiskFile {
    return new DiskFile(path, guarded(`open ${path}`, () => disk.openSync(path, 'r')))
  }

  sizeBytes(): number {
    return guarded(`stat ${this.path}`, () => disk.fstatSync(this.#fd).size)
  }

  /** Writes all of `bytes` at `position`, or throws. */
  write(bytes: Uint8Array, position: number): void {
    guarded(`write ${bytes.length} bytes at ${position} of ${this.path}`, () => {
      for (let done = 0; done < bytes.length;) {
        done += disk.writeSync(this.#fd, bytes, done, bytes.length - done, position + done)
      }
    })
  }

  /** Reads up to `length` bytes at `position` into `into`; fewer only at the end of the file. */
  read(into: Uint8Array, position: number, length: number): number {
    return guarded(`read ${length} bytes at ${position} of ${this.path}`, () => {
      let done = 0
      while (done < length) {
        const n = disk.readSync(this.#fd, into, done, length - done, position + done)
        if (n === 0) break
        done += n
      }
      return done
    })
  }

  /**
   * Writes what the file holds in [position, end) once more. Pages whose sync has failed count as clean, and only what is
   * dirty is synced: a sync of what was found on a disk proves nothing without this.
   */
  rewrite(position: number, end: number = this.sizeBytes()): void {
    if (end <= position) return
    const piece = Buffer.alloc(Math.min(REWRITE_BYTES, end - position))
    for (let at = position; at < end;) {
      const n = this.read(piece, at, Math.min(piece.length, end - at))
      if (n === 0) return
      this.write(piece.subarray(0, n), at)
      at += n
    }
  }

  /** Resolves when data and size are on the device. After a rejection the file must not be trusted to sync again. */
  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      disk.fdatasync(this.#fd, (error) => (error ? reject(new DiskError(`cannot sync ${this.path}`, error)) : resolve()))
    })
  }

  syncNow(): void {
    guarded(`sync ${this.path}`, () => disk.fdatasyncSync(this.#fd))
  }

  truncate(sizeBytes: number): void {
    guarded(`truncate ${this.path} to ${sizeBytes}`, () => disk.ftruncateSync(this.#fd, sizeBytes))
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    guarded(`close ${this.path}`, () => disk.closeSync(this.#fd))
  }
}

/**
 * Makes a folder and its parents, and syncs the folder it was made in. One by one: Node's own recursion never ends on
 * file systems that take no folders, such as /proc.
 */
export function makeFolder(folder: string): void {
  if (disk.existsSync(folder)) return
  const parent = path.dirname(folder)
  if (parent !== folder) makeFolder(parent)
  guarded(`make folder ${folder}`, () => disk.mkdirSync(folder))
  syncFolder(parent)
}

/** Makes names created or removed in a folder durable. */
export function syncFolder(folder: string): void {
  guarded(`sync folder ${folder}`, () => {
    const fd = disk.openSync(folder, 'r')
    try {
      disk.fsyncSync(fd)
    } finally {
      disk.closeSync(fd)
    }
  })
}

/** Opens a file for writing, made if it is not there, with a name that outlasts a power cut. */
export function openDurably(file: string): DiskFile {
  const opened = DiskFile.openForWrite(file)
  try {
    syncFolder(path.dirname(file))
  } catch (error) {
    opened.close()
    throw error
  }
  return opened
}

/** Names in a folder, sorted; none if it does not exist. */
export function listFolder(folder: string): string[] {
  return guarded(`list ${folder}`, () => (disk.existsSync(folder) ? disk.readdirSync(folder).toSorted() : []))
}

/** Files in a folder and its folders, sorted, from the folder on, parted by slashes; none if it does not exist. */
export function listTree(folder: string): string[] {
  if (!disk.existsSync(folder)) return []
  const found = guarded(`list ${folder}`, () => fs.readdirSync(folder, { recursive: true, withFileTypes: true }))
  return found.filter((one) => !one.isDirectory()).map((one) => path.relative(folder, path.join(one.parentPath, one.name))).toSorted()
}

/** Whether a file or folder has this name. */
export function pathExists(file: string): boolean {
  return disk.existsSync(file)
}

export function fileSizeBytes(file: string): number {
  return guarded(`stat ${file}`, () => disk.statSync(file).size)
}

/** Whether a file has other names, too, so that removing this one frees nothing. */
export function hasOtherNames(file: string): boolean {
  return guarded(`stat ${file}`, () => disk.statSync(file).nlink > 1)
}

/** Of the file system a folder is on: its size, and what of it this process may still fill. */
export function freeSpace(folder: string): { freeBytes: number; sizeBytes: number } {
  const { bsize, blocks, bavail } = guarded(`ask for the free space of ${folder}`, () => disk.statfsSync(folder))
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize }
}

/** Whether the file system of a folder has no place for another name, though it may have room. Some count none: then false. */
export function isWithoutInodes(folder: string): boolean {
  const { files, ffree } = guarded(`ask for the free inodes of ${folder}`, () => disk.statfsSync(folder))
  return files > 0 && ffree === 0
}

export function removeFile(file: string): void {
  guarded(`remove ${file}`, () => disk.rmSync(file, { force: true }))
}

/** Gives a file or folder another name, in place of what has it. Durable when the folder is synced. */
export function rename(from: string, to: string): void {
  guarded(`rename ${from} to ${to}`, () => disk.renameSync(from, to))
}

/** Gives a file a second name. Durable when the folder is synced. */
export function link(from: string, to: string): void {
  guarded(`link ${from} as ${to}`, () => disk.linkSync(from, to))
}

/** A new, empty folder of this process among the system's temporary ones. */
export function makeTempFolder(name: string): string {
  return guarded('make a temporary folder', () => fs.mkdtempSync(path.join(os.tmpdir(), `${name}-`)))
}

/** Removes a folder with all that is in it. */
export function removeTree(folder: string): void {
  guarded(`remove ${folder}`, () => fs.rmSync(folder, { recursive: true, force: true }))
}

/** Removes a folder of files, if it is there. Holds the thread while their space is freed. */
export function removeFolder(folder: string): void {
  if (!disk.existsSync(folder)) return
  for (const name of listFolder(folder)) removeFile(path.join(folder, name))
  guarded(`remove folder ${folder}`, () => disk.rmdirSync(folder))
}

/**
 * Removes files of one folder off the main thread, and syncs the folder; what is not there is no failure. Freeing the
 * blocks of 64 MiB holds a thread for some 14 ms (ext4). Rejects with DiskError.
 */
export async function removeFiles(folder: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  try {
    for (const name of names) await finished((done) => disk.unlink(path.join(folder, name), (error) => done(isMissing(error) ? null : error)))
    const fd = disk.openSync(folder, 'r')
    try {
      await finished((done) => disk.fsync(fd, done))
    } finally {
      disk.closeSync(fd)
    }
  } catch (cause) {
    throw new DiskError(`cannot remove ${names.join(', ')} of ${folder}`, cause)
  }
}

function finished(start: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())))
}

function isMissing(error: Error | null): boolean {
  return error !== null && 'code' in error && error.code === 'ENOENT'
}

export function readWhole(file: string): Uint8Array {
  return guarded(`read ${file}`, () => disk.readFileSync(file))
}

/** The text of a file, or null if there is none. Bytes that are no UTF-8 become U+FFFD, as after a crash amid a write. */
export function readTextIfThere(file: string): string | null {
  return guarded(`read ${file}`, () => (disk.existsSync(file) ? Buffer.from(disk.readFileSync(file)).toString('utf8') : null))
}

/** The same of a file that people or programs write for Monitor: it must be UTF-8, or two names in it could become one. */
export function readUtf8IfThere(file: string): string | null {
  return guarded(`read ${file}`, () => (disk.existsSync(file) ? utf8(disk.readFileSync(file)) : null))
}

function utf8(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw Object.assign(new Error('the file is not UTF-8'), { code: 'EILSEQ' })
  return Buffer.from(bytes).toString('utf8')
}

/** All that comes on standard input. */
export function readStdin(): string {
  return guarded('read standard input', () => utf8(fs.readFileSync(0)))
}

/** The text of a regular file (readRegular), which must be UTF-8. */
export function readRegularUtf8(file: string): string {
  const bytes = readRegular(file)
  return guarded(`read ${file}`, () => utf8(bytes))
}

/**
 * What a file holds that is read while Monitor serves. It must be a regular one: a pipe without a writer would hold the
 * thread for ever, /dev/zero would fill the memory.
 */
export function readRegular(file: string): Uint8Array {
  return guarded(`read ${file}`, () => {
    // The opening of a pipe waits for its writer, too.
    const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
    try {
      if (!fs.fstatSync(fd).isFile()) throw Object.assign(new Error('it is a pipe, a device or a folder; give a regular file'), { code: 'EINVAL' })
      return fs.readFileSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  })
}

/** Puts a text in place of a file's, durably and whole: a crash leaves the one or the other. */
export function replaceText(file: string, text: string): void {
  const aside = `${file}.new`
  writeSynced(aside, Buffer.from(text))
  rename(aside, file)
  syncFolder(path.dirname(file))
}

/** Makes a file of these bytes, all of them on the device, in place of what has its name; the name may not be there yet. */
export function writeSynced(file: string, bytes: Uint8Array): void {
  removeFile(file)
  const made = DiskFile.openForWrite(file)
  try {
    made.write(bytes, 0)
    made.syncNow()
  } finally {
    made.close()
  }
}

/** Creates a file that must not exist yet; false if it does. */
export function createExclusive(file: string, text: string): boolean {
  try {
    disk.writeFileSync(file, text, { flag: 'wx' })
    return true
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return false
    throw new DiskError(`cannot create ${file}`, cause)
  }
}

/**
 * The same as a symbolic link to a place that is none: it can be made where the disk has no room for a byte. False if the
 * name is taken.
 */
export function createExclusiveLink(file: string, text: string): boolean {
  try {
    disk.symlinkSync(text, file)
    return true
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return false
    throw new DiskError(`cannot create ${file}`, cause)
  }
}

/** The text of such a link, null where there is none. */
export function readLinkIfThere(file: string): string | null {
  try {
    return disk.readlinkSync(file)
  } catch (cause) {
    // EINVAL: a file.
    if (cause instanceof Error && 'code' in cause && (cause.code === 'EINVAL' || cause.code === 'ENOENT')) return null
    throw new DiskError(`cannot read ${file}`, cause)
  }
}

/** Calls `onChange` when a name in a folder appears, goes or changes. Does not keep the process alive. Throws DiskError. */
export function watchFolder(folder: string, onChange: () => void, onError: (error: Error) => void): { close(): void } {
  return guarded(`watch ${folder}`, () => fs.watch(folder, { persistent: false }, onChange).on('error', onError))
}
