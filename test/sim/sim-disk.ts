// A disk in memory behind the door of lib/std/fs: it counts calls, refuses some of them, and ends at one of them, by a
// power cut or by the end of its process. All from one seed.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Disk } from '../../lib/std/fs.ts'
import type { Random } from '../../lib/std/random.ts'
import { SimFile, type Survival } from './sim-file.ts'
import { SimFolder, SimNames, type SimNode } from './sim-names.ts'

/** What the disk does wrong, at the first call it can do it at from call `at` on. */
export type Fault =
  | { at: number; kind: 'EIO' }
  /** Takes fewer bytes than it is given, and says so. */
  | { at: number; kind: 'short' }
  /** Refuses a sync once; later ones succeed and say nothing of what is lost. */
  | { at: number; kind: 'sync' }
  /** Full up to the call `until`. */
  | { at: number; kind: 'ENOSPC'; until: number }

export interface SimDiskOptions {
  random: Random
  names?: SimNames
  faults?: readonly Fault[]
  /** The call at which all ends; it may be half done. */
  endsAt?: number
}

type Done = (error: Error | null) => void
/** Descriptors are never given twice, not by the next disk either: one that outlived its disk opens nothing. */
let nextFd = 1000

export class SimDisk implements Disk {
  readonly names: SimNames
  calls = 0
  /** Faults that have happened. */
  readonly happened: Fault[] = []
  isDead = false
  readonly #random: Random
  #faults: Fault[]
  readonly #endsAt: number
  readonly #open = new Map<number, SimNode>()

  constructor({ random, names = new SimNames(), faults = [], endsAt = Infinity }: SimDiskOptions) {
    this.#random = random
    this.names = names
    this.#faults = [...faults]
    this.#endsAt = endsAt
  }

  /** Ends now, if it has not yet: every later call fails. */
  end(): void {
    this.isDead = true
  }

  /** Names and files after a power cut. */
  afterPowerCut(survival: Survival): SimNames {
    return this.names.afterPowerCut(this.#random, survival)
  }

  openSync(path: string, flags: string | number): number {
    this.#begin('open', typeof flags === 'number')
    let node = this.names.find(path)
    if (typeof flags === 'number') {
      if (node?.kind === 'folder') throw failure('EISDIR', `open ${path}`)
      if (node === null) {
        node = new SimFile()
        this.#name(path, node)
      }
    }
    if (node === null) throw failure('ENOENT', `open ${path}`)
    this.#open.set(nextFd, node)
    return nextFd++
  }

  closeSync(fd: number): void {
    this.#begin('close')
    this.#node(fd)
    this.#open.delete(fd)
  }

  readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number): number {
    this.#begin('read')
    return this.#file(fd).read(into, offset, length, position)
  }

  writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    const file = this.#file(fd)
    const part = (): void => file.write(bytes.subarray(offset, offset + this.#random.int(length)), position)
    const fault = this.#begin('write', true, part)
    const taken = fault?.kind === 'short' ? 1 + this.#random.int(length) : length
    file.write(bytes.subarray(offset, offset + taken), position)
    return taken
  }

  ftruncateSync(fd: number, sizeBytes: number): void {
    this.#begin('truncate', true)
    this.#file(fd).truncate(sizeBytes)
  }

  fdatasyncSync(fd: number): void {
    this.#begin('sync', false, () => this.#failSync(fd))
    this.#sync(fd)
  }

  fsyncSync(fd: number): void {
    this.fdatasyncSync(fd)
  }

  fdatasync(fd: number, done: Done): void {
    void this.#answer(done, () => this.#later(fd))
  }

  fsync(fd: number, done: Done): void {
    void this.#answer(done, () => this.#later(fd))
  }

  fstatSync(fd: number): { size: number } {
    this.#begin('stat')
    return { size: this.#file(fd).size }
  }

  statSync(path: string): { size: number; nlink: number } {
    this.#begin('stat')
    const file = this.#fileAt(path, 'stat')
    return { size: file.size, nlink: this.names.namesOf(file) }
  }

  /** Full or empty. */
  statfsSync(): { bsize: number; blocks: number; bavail: number; files: number; ffree: number } {
    this.#begin('statfs')
    const full = this.#faults.find((fault) => fault.kind === 'ENOSPC' && fault.at <= this.calls && this.calls < fault.until)
    if (full && !this.happened.includes(full)) this.happened.push(full)
    return { bsize: 4096, blocks: 1 << 20, bavail: full ? 0 : 1 << 20, files: 0, ffree: 0 }
  }

  /** As Node's, it never throws. */
  existsSync(path: string): boolean {
    return !this.isDead && this.names.find(path) !== null
  }

  mkdirSync(path: string): void {
    this.#begin('mkdir', true)
    if (this.names.find(path) !== null) throw failure('EEXIST', `mkdir ${path}`)
    this.#name(path, new SimFolder())
  }

  readdirSync(path: string): string[] {
    this.#begin('list')
    const node = this.names.find(path)
    if (node?.kind !== 'folder') throw failure('ENOENT', `list ${path}`)
    return [...node.live.keys()]
  }

  readFileSync(path: string): Uint8Array {
    this.#begin('read')
    return this.#fileAt(path, 'read').contents()
  }

  writeFileSync(path: string, text: string): void {
    this.#begin('open', true)
    if (this.names.find(path) !== null) throw failure('EEXIST', `create ${path}`)
    const file = new SimFile()
    this.#name(path, file)
    this.#begin('write', true)
    file.write(Buffer.from(text), 0)
  }

  rmSync(path: string): void {
    this.#begin('remove')
    const place = this.names.parentOf(path)
    if (place?.folder.live.has(place.name)) this.names.change([{ ...place, node: null }])
  }

  renameSync(from: string, to: string): void {
    this.#begin('rename', true)
    const node = this.names.find(from)
    const source = this.names.parentOf(from)
    const target = this.names.parentOf(to)
    if (node === null || source === null || target === null) throw failure('ENOENT', `rename ${from} to ${to}`)
    // POSIX: of two names of one file both stay.
    if (this.names.find(to) === node) return
    this.names.change([{ ...source, node: null }, { ...target, node }])
  }

  /** As a file: what it is asked to hold is all that counts. */
  symlinkSync(target: string, path: string): void {
    this.writeFileSync(path, target)
  }

  readlinkSync(path: string): string {
    throw failure('EINVAL', `read the link ${path}`)
  }

  linkSync(from: string, to: string): void {
    this.#begin('link', true)
    const node = this.names.find(from)
    const target = this.names.parentOf(to)
    if (node === null || target === null) throw failure('ENOENT', `link ${from} as ${to}`)
    if (this.names.find(to) !== null) throw failure('EEXIST', `link ${from} as ${to}`)
    this.names.change([{ ...target, node }])
  }

  rmdirSync(path: string): void {
    this.#begin('remove')
    const node = this.names.find(path)
    if (node?.kind !== 'folder') throw failure('ENOENT', `remove folder ${path}`)
    if (node.live.size > 0) throw failure('ENOTEMPTY', `remove folder ${path}`)
    this.names.change([{ ...this.names.parentOf(path)!, node: null }])
  }

  unlink(path: string, done: Done): void {
    void this.#answer(done, async () => {
      await nextTurn()
      this.#begin('remove')
      const place = this.names.parentOf(path)
      if (!place?.folder.live.has(place.name)) throw failure('ENOENT', `unlink ${path}`)
      this.names.change([{ ...place, node: null }])
    })
  }

  /** Counts a call; throws what it fails with. `half`: what a call that fails may have done. */
  #begin(call: string, needsSpace = false, half?: () => void): Fault | null {
    if (this.isDead) throw failure('EIO', `${call} after the end`)
    if (++this.calls >= this.#endsAt) {
      this.isDead = true
      if (this.#random.int(2) === 0) half?.()
      throw failure('EIO', `${call} at the end`)
    }
    const at = this.#faults.findIndex((fault) => fault.at <= this.calls && canStrike(fault, call, needsSpace))
    if (at < 0) return null
    const fault = this.#faults[at]!
    if (!this.happened.includes(fault)) this.happened.push(fault)
    if (fault.kind !== 'ENOSPC') this.#faults = this.#faults.filter((other) => other !== fault)
    else if (this.calls >= fault.until) {
      this.#faults = this.#faults.filter((other) => other !== fault)
      return null
    }
    if (fault.kind === 'short') return fault
    half?.()
    throw failure(fault.kind === 'sync' ? 'EIO' : fault.kind, call)
  }

  /** The device takes its time; what is written meanwhile is not part of the sync. */
  async #later(fd: number): Promise<void> {
    const node = this.#node(fd)
    const seq = node.kind === 'file' ? node.seq : 0
    for (let turns = this.#random.int(3); turns >= 0; turns--) await nextTurn()
    this.#begin('sync', false, () => this.#failSync(fd))
    this.#sync(fd, seq)
  }

  async #answer(done: Done, call: () => Promise<void>): Promise<void> {
    let failed: Error | null = null
    try {
      await call()
    } catch (error) {
      failed = error as Error
    }
    done(failed)
  }

  #sync(fd: number, seq?: number): void {
    const node = this.#node(fd)
    if (node.kind === 'folder') this.names.synced(node)
    else node.synced(seq ?? node.seq)
  }

  #failSync(fd: number): void {
    const node = this.#node(fd)
    if (node.kind === 'file' && !this.isDead) node.failed(node.seq)
  }

  #name(path: string, node: SimNode): void {
    const place = this.names.parentOf(path)
    if (place === null) throw failure('ENOENT', path)
    this.names.change([{ ...place, node }])
  }

  #node(fd: number): SimNode {
    const node = this.#open.get(fd)
    if (!node) throw failure('EBADF', `descriptor ${fd}`)
    return node
  }

  #file(fd: number): SimFile {
    const node = this.#node(fd)
    if (node.kind === 'folder') throw failure('EISDIR', `descriptor ${fd}`)
    return node
  }

  #fileAt(path: string, call: string): SimFile {
    const node = this.names.find(path)
    if (node === null) throw failure('ENOENT', `${call} ${path}`)
    if (node.kind === 'folder') throw failure('EISDIR', `${call} ${path}`)
    return node
  }
}

function canStrike(fault: Fault, call: string, needsSpace: boolean): boolean {
  switch (fault.kind) {
    case 'EIO': return call === 'write' || call === 'read' || call === 'open' || call === 'remove' || call === 'rename'
    case 'short': return call === 'write'
    case 'sync': return call === 'sync'
    case 'ENOSPC': return needsSpace
  }
}

function failure(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: simulated, ${what}`), { code })
}
