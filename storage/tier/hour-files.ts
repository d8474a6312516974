// The files of the 1-hour tier as one thread reads them: the manifest as it is when a querier begins, sidecars, and column
// chunks, from the archive's folder, from another folder, or from a bucket through a fetching thread.
//
// What cannot be read is left out, and `leftOut` says so. A bucket that does not answer is not asked again for a while.
import path from 'node:path'
import type { Clock } from '../../lib/std/clock.ts'
import { DiskError, DiskFile, listFolder } from '../../lib/std/fs.ts'
import { LruMap } from '../../lib/std/lru-map.ts'
import type { ObjectRange, RangeFetcher } from '../object-store/fetch-thread.ts'
import { withAdvice } from '../lost-times.ts'
import { timeSpan } from '../time-span.ts'
import { HourColumns } from './hour-columns.ts'
import { HourIndex, HourIndexError, assertSidecarOf } from './hour-index.ts'
import { footerFault } from './hour-verify.ts'
import { matchingLabels } from './match-labels.ts'
import { ROWS_MAX } from './parquet-writer.ts'
import { EMPTY_MANIFEST, numberOf, readManifest, type HourDeletion, type HourFile, type HourManifest } from './hour-manifest.ts'

export interface ChunkPlace {
  file: HourFile
  offset: number
  bytes: number
}

/** Where files are that are not in the archive's folder. */
export type HourStore = { folder: string } | RangeFetcher | null

const HOUR_MS = 3_600_000
/** Chunks that lie so close are read as one: a read, or a request, costs more than the bytes between. */
const GAP_BYTES_MAX = 64 << 10
const REMOTE_GAP_BYTES_MAX = 512 << 10
const READ_BYTES_MAX = 8 << 20
/** Chunks of a bucket that a thread keeps: what a dashboard asks for again. */
const CACHE_BYTES_MAX = 32 << 20
const CACHE_CHUNKS_MAX = 1 << 16
/** A bucket that failed is not asked for so long, or so many times as long as it was waited for: of the queries of a minute one waits. */
const SILENCE_MS = 10_000
const SILENCE_SHARE = 3
const CHECKED_MAX = 4096
const DELETIONS_MAX = 256
const COLUMNS_MAX = 1024
/** Labels that a thread holds between queries. */
const COLUMNS_BYTES_MAX = 32 << 20

/** Rows of some series of a file in buckets that touch [from, to] are gone. */
export interface DeletedRows {
  from: number
  to: number
  /** Whether that is said of the series whose rows begin there. */
  has: (group: number, firstRow: number) => boolean
}

/** Chunks on their way. */
export interface StartedRead {
  wanted: readonly ChunkPlace[]
  /** Those that were kept, by position; null where there was none. */
  found: (Uint8Array | null)[]
  /** Positions of those in a folder; they are read at the end. */
  near: readonly number[]
  /** Positions of those that another read has asked for; they are kept then, if it has ended before. */
  awaited: readonly number[]
  remote: readonly Run[]
  /** Of the fetcher, NOT_ASKED where there was nothing to ask. */
  fetch: number
}

const NOT_ASKED = 0

interface Run {
  file: HourFile
  offset: number
  bytes: number
  /** Positions of the chunks in it. */
  chunks: number[]
}

export class HourFiles {
  readonly #folder: string
  readonly #store: HourStore
  readonly #clock: Clock
  readonly leftOut: Set<string> = new Set<string>()
  #manifest: HourManifest = EMPTY_MANIFEST
  /** What the archive's folder has. */
  #local: ReadonlySet<string> = new Set<string>()
  /** Sidecars whose checksums held. */
  readonly #checked = new LruMap<true>(CHECKED_MAX)
  /** Files whose footers were seen to be theirs. */
  readonly #owned = new LruMap<true>(CHECKED_MAX)
  readonly #cache = new LruMap<Uint8Array>(CACHE_CHUNKS_MAX)
  #cachedBytes = 0
  /** Chunks that were asked for and have not come, as the cache names them. */
  readonly #asked = new Set<string>()
  #silentUntilMs = -Infinity
  readonly #columns = new LruMap<HourColumns>(COLUMNS_MAX)
  /** By file and matchers: places of the series that match. */
  readonly #deleted = new LruMap<ReadonlySet<number>>(DELETIONS_MAX)

  constructor(folder: string, store: HourStore, clock: Clock) {
    this.#folder = folder
    this.#store = store
    this.#clock = clock
  }

  /** A querier begins: what is there is looked up, and what was left out before is forgotten. */
  begin(): HourManifest {
    this.leftOut.clear()
    if (this.#store !== null && 'forget' in this.#store) this.#store.forget()
    this.#asked.clear()
    this.#forgetLabels()
    try {
      this.#manifest = readManifest(this.#folder)
      this.#local = new Set(listFolder(this.#folder))
      // Its thread starts while labels are looked up.
      if (this.#store !== null && 'wake' in this.#store && this.#manifest.files.some(({ name }) => !this.#local.has(name))) this.#store.wake()
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof SyntaxError)) throw error
      this.#manifest = EMPTY_MANIFEST
      this.leftOut.add(withAdvice(`the 1-hour tier cannot be read: ${error.message}`))
    }
    return this.#manifest
  }

  #forgetLabels(): void {
    const held = this.names.flatMap((name) => this.#columns.get(name) ?? [])
    let bytes = held.reduce((sum, columns) => sum + columns.heldBytes, 0)
    for (const columns of held) {
      if (bytes <= COLUMNS_BYTES_MAX) break
      bytes -= columns.heldBytes
      columns.forget()
    }
  }

  /** Files that may have buckets that end in (mint, maxt]; of two that have the same bucket the one that counts comes last. */
  reaching(mint: number, maxt: number): HourFile[] {
    return this.#manifest.files.filter((file) => file.minT <= maxt && file.maxT > mint).toSorted((a, b) => numberOf(a.name) - numberOf(b.name))
  }

  /** The series of a file by their labels. */
  columnsOf(file: HourFile): HourColumns {
    let columns = this.#columns.get(file.name)
    if (columns === undefined) {
      columns = new HourColumns(file.name, (use) => this.withIndex(file, use))
      this.#columns.set(file.name, columns)
    }
    return columns
  }

  /** Names of the files as they were looked up last. */
  get names(): string[] {
    return this.#manifest.files.map(({ name }) => name)
  }

  get isEmpty(): boolean {
    return this.#manifest.files.length === 0
  }

  /** Buckets that begin at it or later are on this machine, Unix ms. */
  get localFrom(): number {
    if (this.#isFolder()) return -Infinity
    return this.#manifest.files.reduce((newest, { name, maxT }) => (this.#local.has(name) ? newest : Math.max(newest, maxT)), -Infinity)
  }

  /** Deletions that a file does not have in its rows yet, and which of its series they are of: of any where its labels cannot be read, as none is to come back. */
  deletionsOf(file: HourFile): DeletedRows[] {
    const number = numberOf(file.name)
    const open = this.#manifest.deletions.filter(({ below, from, to }) => number < below && to > file.minT - HOUR_MS && from <= file.maxT)
    return open.map((deletion) => {
      const key = `${file.name} ${JSON.stringify(deletion.sets)}`
      let places = this.#deleted.get(key)
      if (places === undefined) {
        places = this.withIndex(file, (index) => placesOf(index, deletion)) ?? undefined
        if (places === undefined) return { from: deletion.from, to: deletion.to, has: () => true }
        this.#deleted.set(key, places)
      }
      const known = places
      return { from: deletion.from, to: deletion.to, has: (group, firstRow) => known.has(group * ROWS_MAX + firstRow) }
    })
  }

  /** What `use` makes of a file's sidecar; null if it cannot be read. */
  withIndex<T>(file: HourFile, use: (index: HourIndex) => T): T | null {
    let index: HourIndex | null = null
    try {
      index = new HourIndex(path.join(this.#folder, `${file.name}.index`), this.#checked.get(file.name) !== undefined)
      assertSidecarOf(index, file)
      return use(index)
    } catch (error) {
      if (!(error instanceof HourIndexError || error instanceof DiskError)) throw error
      this.#leaveOut(file, error.message)
      return null
    } finally {
      index?.close()
    }
  }

  /** The checksums of a sidecar held: all that it has was read. */
  markChecked(file: HourFile): void {
    this.#checked.set(file.name, true)
  }

  /** Begins to read chunks: what comes from a bucket is on its way then. */
  start(wanted: readonly ChunkPlace[]): StartedRead {
    for (const { file } of wanted) if (file.damaged !== undefined) this.leftOut.add(withAdvice(`rows of the 1-hour tier were made while some of the samples could not be read: ${file.damaged}`))
    const found: (Uint8Array | null)[] = wanted.map((place) => this.#cache.get(keyOf(place)) ?? null)
    const missing = wanted.keys().filter((i) => found[i] === null).toArray()
    const isNear = (i: number): boolean => this.#local.has(wanted[i]!.file.name) || this.#isFolder()
    const far = missing.filter((i) => !isNear(i))
    const [awaited, unasked] = [true, false].map((is) => far.filter((i) => this.#asked.has(keyOf(wanted[i]!)) === is)) as [number[], number[]]
    for (const i of unasked) this.#asked.add(keyOf(wanted[i]!))
    const remote = coalesce(wanted, unasked, REMOTE_GAP_BYTES_MAX)
    return { wanted, found, near: missing.filter(isNear), awaited, remote, fetch: this.#beginFetch(remote) }
  }

  /** Chunks in the order asked for; null for those that cannot be had. Once. */
  finish({ wanted, found, near, awaited, remote, fetch }: StartedRead): (Uint8Array | null)[] {
    for (const i of awaited) found[i] = this.#cache.get(keyOf(wanted[i]!)) ?? null
    const missing = awaited.filter((i) => found[i] === null)
    for (const run of coalesce(wanted, near, GAP_BYTES_MAX)) {
      const bytes = this.#readFile(run)
      if (bytes === 'gone') missing.push(...run.chunks)
      else this.#spread(run, bytes, wanted, found)
    }
    const late = coalesce(wanted, missing, REMOTE_GAP_BYTES_MAX)
    const lateFetch = this.#beginFetch(late)
    const fetched = [...this.#takeFetched(remote, fetch), ...this.#takeFetched(late, lateFetch)]
    for (const [r, run] of [...remote, ...late].entries()) {
      this.#spread(run, fetched[r]!, wanted, found)
      for (const i of run.chunks) {
        this.#asked.delete(keyOf(wanted[i]!))
        if (found[i] !== null) this.#keep(keyOf(wanted[i]!), found[i]!)
      }
    }
    return found
  }

  /** Says that chunks of a file were no good; what is kept of them is fetched anew for the next query, as it may have been damaged on its way. */
  reportDamage(file: HourFile, chunks: readonly ChunkPlace[], why: string): void {
    for (const key of chunks.map(keyOf)) {
      this.#cachedBytes -= this.#cache.get(key)?.length ?? 0
      this.#cache.delete(key)
    }
    this.#leaveOut(file, why)
  }

  close(): void {
    if (this.#store !== null && 'close' in this.#store) this.#store.close()
  }

  #isFolder(): boolean {
    return this.#store !== null && 'folder' in this.#store
  }

  /** 'gone': it has just been taken from the folder, since the bucket has it. */
  #readFile({ file, offset, bytes }: Run): Uint8Array | null | 'gone' {
    const isHere = this.#local.has(file.name)
    const folder = !isHere && this.#store !== null && 'folder' in this.#store ? this.#store.folder : this.#folder
    try {
      const open = DiskFile.openForRead(path.join(folder, file.name))
      try {
        const out = new Uint8Array(bytes)
        const fault = this.#footerFault(file, open)
        if (fault !== '') this.#leaveOut(file, fault)
        else if (open.read(out, offset, bytes) === bytes) return out
        else this.#leaveOut(file, `it is shorter than ${offset + bytes} bytes`)
      } finally {
        open.close()
      }
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      if (isHere && error.code === 'ENOENT' && this.#store !== null) return 'gone'
      this.#leaveOut(file, error.message)
    }
    return null
  }

  /** Pages of another file may lie where this one's do: each file is looked at once. */
  #footerFault(file: HourFile, open: DiskFile): string {
    if (this.#owned.get(file.name) !== undefined) return ''
    const fault = this.withIndex(file, (index) => footerFault(open, index)) ?? ''
    if (fault === '') this.#owned.set(file.name, true)
    return fault
  }

  #beginFetch(runs: readonly Run[]): number {
    if (runs.length === 0 || this.#store === null || 'folder' in this.#store || this.#clock.monotonic() < this.#silentUntilMs) return NOT_ASKED
    return this.#store.begin(rangesOf(runs))
  }

  #takeFetched(runs: readonly Run[], fetch: number): (Uint8Array | null)[] {
    if (runs.length === 0) return []
    if (this.#store === null || 'folder' in this.#store) {
      return runs.map(({ file }) => this.#leaveOut(file, this.#store === null ? 'it is not in the folder, and no other place is configured' : 'it is neither in the folder nor in the other one'))
    }
    if (this.#clock.monotonic() < this.#silentUntilMs) return runs.map(({ file }) => this.#leaveOut(file, 'the bucket did not answer just now', true))
    // Another query has begun meanwhile, or the bucket was silent then.
    const from = this.#clock.monotonic()
    const fetched = (fetch === NOT_ASKED ? null : this.#store.take(fetch)) ?? this.#store.take(this.#store.begin(rangesOf(runs)))!
    const now = this.#clock.monotonic()
    if (fetched.every((bytes) => typeof bytes === 'string')) this.#silentUntilMs = now + Math.max(SILENCE_MS, SILENCE_SHARE * (now - from))
    return fetched.map((bytes, r) => (typeof bytes === 'string' ? this.#leaveOut(runs[r]!.file, bytes, true) : bytes))
  }

  #spread(run: Run, bytes: Uint8Array | null, wanted: readonly ChunkPlace[], found: (Uint8Array | null)[]): void {
    if (bytes === null) return
    for (const i of run.chunks) {
      const from = wanted[i]!.offset - run.offset
      found[i] = bytes.subarray(from, from + wanted[i]!.bytes)
    }
  }

  /** A copy: a view would keep all of what it was read with. */
  #keep(key: string, chunk: Uint8Array): void {
    this.#cachedBytes += chunk.length - (this.#cache.set(key, chunk.slice())?.length ?? 0)
    while (this.#cachedBytes > CACHE_BYTES_MAX) this.#cachedBytes -= this.#cache.dropOldest()!.length
  }

  /** A bucket that does not answer is no matter of the data folder. */
  #leaveOut({ name, minT, maxT }: HourFile, why: string, isOfBucket: boolean = false): null {
    const sentence = `rows of the 1-hour tier ${timeSpan(minT - HOUR_MS, maxT)} are missing, all or some: ${name} was left out: ${why}`
    this.leftOut.add(isOfBucket ? sentence : withAdvice(sentence))
    return null
  }
}

function placesOf(index: HourIndex, { sets }: HourDeletion): Set<number> {
  const matches = matchingLabels(sets)
  // One without rows stands where the next one's begin.
  return new Set(index.series().filter(({ rows, labels }) => rows > 0 && matches(labels)).map(({ group, firstRow }) => group * ROWS_MAX + firstRow))
}

/** Of a chunk. */
function keyOf({ file, offset }: ChunkPlace): string {
  return `${file.name}:${offset}`
}

function rangesOf(runs: readonly Run[]): ObjectRange[] {
  return runs.map(({ file, offset, bytes }) => ({ key: file.name, offset, bytes }))
}

/** Reads that cover those chunks, each of one file. */
function coalesce(wanted: readonly ChunkPlace[], missing: readonly number[], gapBytesMax: number): Run[] {
  const runs: Run[] = []
  for (const names of Map.groupBy(missing, (i) => wanted[i]!.file.name).values()) {
    let run: Run | null = null
    for (const i of names.toSorted((a, b) => wanted[a]!.offset - wanted[b]!.offset)) {
      const { file, offset, bytes } = wanted[i]!
      if (run !== null && offset - (run.offset + run.bytes) <= gapBytesMax && offset + bytes - run.offset <= READ_BYTES_MAX) {
        run.bytes = Math.max(run.bytes, offset + bytes - run.offset)
        run.chunks.push(i)
      } else {
        run = { file, offset, bytes, chunks: [i] }
        runs.push(run)
      }
    }
  }
  return runs
}
