// The head: everything of the store that is still being written. Main's side; readers see only the shared heap and
// the segment files (head-querier.ts).
import { assert } from '../../lib/std/assert.ts'
import type { Clock } from '../../lib/std/clock.ts'
import type { Random } from '../../lib/std/random.ts'
import type { Labels } from '../../lib/model/labels.ts'
import { isSameHistogram, type FloatHistogram } from '../../lib/model/histogram.ts'
import type { Log } from '../log/log.ts'
import type { ReplayedRow } from '../log/log-replay.ts'
import { CHUNK_ROWS } from '../codec/chunk-encode.ts'
import type { GroupDefinition, SeriesFile } from '../log/series-file.ts'
import { Arena } from './arena.ts'
import { CutState } from './cut-state.ts'
import { FoundLabels } from './found-labels.ts'
import { Group, type GroupGround } from './group.ts'
import type { GroupKind } from './group-record.ts'
import { HeadSeries } from './head-series.ts'
import { isCut, type Published } from './published.ts'
import { SegmentDamageError, SegmentReader } from './segment-read.ts'
import type { SegmentHead, SegmentWriter } from './segment-file.ts'
import { ROOT_GROUP_COUNT, type PagedU32, type SharedHeap } from './shared-heap.ts'
import { SymbolWriter } from './symbols.ts'
import { RowWriter, kindsOf } from './row-writer.ts'

export interface HeadOptions {
  heap: SharedHeap
  clock: Clock
  /** For the salts of definitions. */
  random: Random
  definitions: SeriesFile
  segments: SegmentWriter
  folder: string
  retentionMs: number
  outOfOrderMs: number
  seriesLimit: number
  /** The blocks there are. */
  published: Published
}

/** A sample that may have been stored before; its value counts unless it is a histogram. */
interface OldSample {
  value: number
  isStale: boolean
  histogram: FloatHistogram | null
}

/** A group whose first definition is lost: nothing is ever put into it. */
const LOST: GroupKind = { isLate: false, generation: 0 }

export class Head {
  readonly heap: SharedHeap
  readonly clock: Clock
  readonly arena: Arena
  readonly series: HeadSeries
  readonly cuts: CutState
  /** By id; at place 0, and where a group was dissolved, stands one that is always empty. */
  readonly groups: Group[] = []
  retentionMs: number
  outOfOrderMs: number
  lateSamples: number = 0
  flushedSegments: number = 0
  readonly #symbols: SymbolWriter
  readonly #definitions: SeriesFile
  readonly #ground: GroupGround
  readonly #groupRecord: PagedU32
  readonly #late = new Map<number, Group>()
  readonly #newestWhenMoved = new Map<number, number>()
  readonly #reader: SegmentReader
  readonly #replayWriter: RowWriter
  readonly #foundLabels: FoundLabels
  readonly #random: Random
  readonly #seriesLimit: number
  #log: Log | null = null

  constructor(options: HeadOptions) {
    this.heap = options.heap
    this.clock = options.clock
    this.#random = options.random
    this.arena = new Arena(options.heap)
    this.#symbols = new SymbolWriter(options.heap, this.arena)
    this.series = new HeadSeries(options.heap, this.arena, this.#symbols)
    this.cuts = new CutState(options.heap, this.arena, options.published)
    this.#definitions = options.definitions
    this.#ground = { heap: options.heap, arena: this.arena, segments: options.segments, newestT: -Infinity }
    this.#groupRecord = options.heap.paged('groupRecord')
    this.#reader = new SegmentReader(options.folder)
    this.#replayWriter = new RowWriter(options.heap, this.arena, null)
    this.#foundLabels = new FoundLabels(this.#symbols)
    this.retentionMs = options.retentionMs
    this.outOfOrderMs = options.outOfOrderMs
    this.#seriesLimit = options.seriesLimit
    this.groups.push(new Group(this.#ground, 0, { isLate: false, generation: 0 }))
  }

  /** The log that rows go to; null while it is replayed. */
  get log(): Log | null {
    return this.#log
  }

  /** Ends the replay. What was found is kept, however much it is; the limit of series holds for new ones. */
  openLog(log: Log): void {
    this.#log = log
    this.#inSegments.clear()
    this.series.limit = this.#seriesLimit
  }

  /** Of a series, made if it is new. Throws LogError where nothing is taken, SeriesLimitError. */
  ref(labels: Labels): number {
    const known = this.series.find(labels)
    if (known !== 0) return known
    this.#log?.assertWritable()
    const ref = this.series.add(labels)
    this.#definitions.addSeries(ref, labels)
    return ref
  }

  makeGroup(refs: Uint32Array, isLate: boolean): Group {
    const kind = { isLate, generation: this.cuts.generation }
    const group = this.#addGroup(this.groups.length, kind)
    this.#define({ group: group.id, firstColumn: 0, refs, ...kind, salt: this.#random.u32() })
    return group
  }

  addColumns(group: Group, refs: Uint32Array): void {
    const { id, columns, isLate, generation } = group
    this.#define({ group: id, firstColumn: columns, refs, isLate, generation, salt: this.#random.u32() })
  }

  #define(definition: GroupDefinition): void {
    const group = this.groups[definition.group]!
    // Once a group has columns they are defined on disk, whatever fails after that: rows name the definition's salt.
    group.addColumns(definition.refs, definition.salt)
    this.#definitions.addGroup(definition)
    this.#assignColumns(group, definition)
  }

  #addGroup(id: number, kind: GroupKind): Group {
    this.#groupRecord.reserve(id, (units) => this.arena.allocate(units))
    const group = new Group(this.#ground, id, kind)
    this.groups[id] = group
    this.#groupRecord.set(id, group.record.unit)
    Atomics.store(this.heap.u32, ROOT_GROUP_COUNT, id)
    return group
  }

  #assignColumns(group: Group, { refs, firstColumn: first }: GroupDefinition): void {
    for (let i = 0; i < refs.length; i++) {
      if (group.isLate) {
        this.series.addMembership(refs[i]!, group.id, first + i)
        this.#late.set(refs[i]!, group)
      } else {
        if (this.series.groupOf(refs[i]!) !== 0) this.moveOut(refs[i]!)
        this.series.assign(refs[i]!, group.id, first + i)
        // What the series sent before it came here is older than any row of this group will be.
        group.maxT = Math.max(group.maxT, this.fenceOf(refs[i]!))
      }
    }
  }

  /** The group of one column that takes a series' late samples of a time. */
  lateGroupOf(ref: number, t: number): Group {
    const late = this.#late.get(ref)
    return late && !this.isFrozen(late, t) ? late : this.makeGroup(Uint32Array.of(ref), true)
  }

  /** True if a group takes no sample at t any more: it is being cut, or is in blocks. */
  isFrozen(group: Group, t: number): boolean {
    return isCut(this.cuts.frozen, group.generation, t)
  }

  /** Takes all series out of a group; their next samples place them anew. */
  breakUp(group: Group): void {
    for (let c = 0; c < group.columns; c++) {
      const ref = this.heap.u32[group.refsWord + c]!
      if (ref !== 0) this.moveOut(ref)
    }
  }

  /** Time of a series' newest in-order sample, wherever it was stored; -Infinity if it has none. */
  newestOf(ref: number): number {
    const current = this.series.groupOf(ref)
    let newest = current === 0 ? -Infinity : this.#newestIn(this.groups[current]!, this.series.columnOf(ref))
    this.series.olderPlaces(ref, (id, column) => {
      const group = this.groups[id]!
      if (!group.isLate && group.maxT > newest) newest = Math.max(newest, this.#newestIn(group, column))
    })
    return newest
  }

  /** Reads segments only where the block does not tell. */
  #newestIn(group: Group, c: number): number {
    for (let r = group.rows - 1; r >= 0; r--) if (group.hasSample(r, c)) return group.timeOf(r)
    if (group.segmentMaxT === -Infinity) return -Infinity
    try {
      return this.#reader.newestInColumn(this.heap, group.record.segment, c)
    } catch (error) {
      // Unreadable: take the newest the segments can hold, so that order is kept.
      if (error instanceof SegmentDamageError) return group.segmentMaxT
      throw error
    }
  }

  /** Takes a series out of its group, so that its next sample places it anew. `newest`: its newest sample, where known. */
  moveOut(ref: number, newest?: number): void {
    const group = this.groups[this.series.groupOf(ref)]!
    const column = this.series.columnOf(ref)
    this.forgetPlaces(ref)
    // First what can fail: a vacated column whose series still points at it would take no sample for ever.
    this.series.unassign(ref)
    group.vacate(column)
    if (newest === undefined) this.#newestWhenMoved.delete(ref)
    else this.#newestWhenMoved.set(ref, newest)
  }

  /** Drops what a series remembers of groups that are gone. */
  forgetPlaces(ref: number): void {
    this.series.forgetPlaces(ref, (id) => this.groups[id] === this.groups[0])
  }

  /** What a column of a group has in segments at t: null nothing, else whether it equals the given sample. */
  isStoredAs(group: Group, c: number, t: number, sample: OldSample): boolean | null {
    if (t > group.segmentMaxT) return null
    try {
      const found = this.#reader.sampleAt(this.heap, group.record.segment, c, t)
      if (found === 0) return null
      if (found === 2 || sample.isStale) return (found === 2) === sample.isStale
      const { foundHistogram } = this.#reader
      if (foundHistogram === null || sample.histogram === null) return foundHistogram === sample.histogram && Object.is(this.#reader.found[0], sample.value)
      return isSameHistogram(foundHistogram, sample.histogram)
    } catch (error) {
      if (error instanceof SegmentDamageError) return null
      throw error
    }
  }

  /** A time that no in-order sample stored elsewhere is newer than; cheap, so it may be later than the newest. */
  fenceOf(ref: number): number {
    if (!this.series.hasOlderPlaces(ref)) return -Infinity
    const known = this.#newestWhenMoved.get(ref)
    if (known !== undefined) return known
    let fence = -Infinity
    this.series.olderPlaces(ref, (id) => {
      const group = this.groups[id]!
      if (!group.isLate && group.maxT > fence) fence = group.maxT
    })
    return fence
  }

  /** After replay, when all groups know their newest time. */
  fenceMovedSeries(): void {
    for (let ref = 1; ref <= this.series.count; ref++) {
      const group = this.groups[this.series.groupOf(ref)]
      if (group && this.series.hasOlderPlaces(ref)) group.maxT = Math.max(group.maxT, this.fenceOf(ref))
    }
  }

  /** Encodes a group's rows to disk; returns the share of its columns that had samples. */
  flushGroup(group: Group): number {
    if (group.rows === 0) return 1
    const used = group.flush(this.#log ? this.#log.nextLsn : this.replayLsn)
    this.flushedSegments++
    return used
  }

  /** LSN of the row being replayed. */
  replayLsn: number = 0
  /** Stretches of the log, [first, flushed), whose rows each group has in verified segments. */
  readonly #inSegments = new Map<number, { first: number; flushed: number }[]>()

  /** A definition of the series file; see DefinitionVisitor. */
  replaySeries(ref: number, bytes: Buffer, at: number, count: number): number {
    const behind = this.#foundLabels.read(bytes, at, count)
    // A lost definition loses its own series alone: refs between are kept as series without labels.
    while (this.series.count + 1 < ref) this.series.add([])
    if (ref === this.series.count + 1) this.series.restore(this.#foundLabels.found, count)
    return behind
  }

  /** The next ref, whose definition is lost, gets what blocks know of it; both are as if it had been there. */
  redefine(ref: number, labels: Labels): void {
    while (this.series.count + 1 < ref) this.series.add([])
    if (ref === this.series.count + 1) this.series.add(this.series.find(labels) === 0 ? labels : [])
    this.#definitions.addSeries(ref, labels)
  }

  replayGroup(definition: GroupDefinition): void {
    const { group: id, firstColumn, refs, isLate, generation, salt } = definition
    for (let next = this.groups.length; next <= id; next++) this.#addGroup(next, next === id ? { isLate, generation } : LOST)
    this.cuts.note(generation)
    const group = this.groups[id]!
    if (group.columns !== firstColumn || !refs.every((ref) => ref > 0 && ref <= this.series.count)) return
    group.addColumns(refs, salt)
    this.#assignColumns(group, definition)
  }

  /** End of the log that any segment knows of: LSNs below it were given out. */
  newestSegmentLsn: number = 0

  replaySegment(head: SegmentHead, mustBeVerified: boolean): boolean {
    const group = this.groups[head.group]
    if (!group || head.rows > CHUNK_ROWS || group.saltOf(head.columns) !== head.salt) return false
    // A damaged one of late: its rows are still in the log, which is cut only behind what is synced.
    if (mustBeVerified && !head.isVerified) return false
    if (!isCut(this.cuts.cover, group.generation, head.maxT)) group.linkFound({ ...head, previous: 0 })
    this.newestSegmentLsn = Math.max(this.newestSegmentLsn, head.flushedLsn)
    if (!head.isVerified) return true
    const stretches = this.#inSegments.get(head.group)
    const stretch = { first: head.firstLsn, flushed: head.flushedLsn }
    if (stretches) stretches.push(stretch)
    else this.#inSegments.set(head.group, [stretch])
    return true
  }

  #isInSegment(group: number, lsn: number): boolean {
    return this.#inSegments.get(group)?.some(({ first, flushed }) => lsn >= first && lsn < flushed) ?? false
  }

  /** Puts a logged row back, unless it is in a segment. Returns its samples, 0 if it was not needed or made no sense. */
  replayRow(lsn: number, row: ReplayedRow): number {
    const group = this.groups[row.group]
    this.replayLsn = lsn
    if (!group || row.first + row.n > group.columns || !group.knowsSalt(row.salt) || this.#isInSegment(row.group, lsn)) return 0
    if (isCut(this.cuts.cover, group.generation, row.t)) return 0
    const refs = this.heap.u32.slice(group.refsWord + row.first, group.refsWord + row.first + row.n)
    const stale = row.stale && new Uint8Array(row.n).map((_, i) => (row.stale![i >>> 5]! >>> (i & 31)) & 1)
    const run = { refs, values: row.values, stale, histograms: row.histograms, startTimes: row.startTimes, t: row.t }
    let r = group.rows - 1
    while (r >= 0 && group.timeOf(r) !== row.t) r--
    if (r < 0 && (group.mustFlush || group.columns > group.layout.cap)) this.flushGroup(group)
    const isNew = r < 0
    // Its segment was lost while a later one was not: the row stands behind newer ones from now on.
    if (isNew && row.t <= group.maxT) group.record.markUnordered()
    group.reserveKinds(kindsOf(run, 0, row.n))
    if (isNew) r = group.beginRow(row.t)
    const writer = this.#replayWriter
    const verdicts = new Uint8Array(row.n)
    writer.begin(group, run, 0, row.n)
    let samples = 0
    for (let i = 0; i < row.n;) {
      const isThere = (k: number): boolean => row.present === null || ((row.present[k >>> 5]! >>> (k & 31)) & 1) === 1
      if (!isThere(i)) {
        i++
        continue
      }
      let end = i + 1
      while (end < row.n && isThere(end)) end++
      if (row.first + i < group.layout.cap) writer.merge(group, r, run, i, Math.min(end, group.layout.cap - row.first) - i, row.first + i, verdicts)
      samples += end - i
      i = end
    }
    if (isNew) group.publishRow(r)
    writer.finish(group, r, this.clock.monotonic())
    if (lsn < group.firstLsn) {
      group.firstLsn = lsn
      group.firstAtMs = this.clock.monotonic()
    }
    return samples
  }

  /** Time of the newest sample of all. */
  get newestT(): number {
    return this.#ground.newestT
  }

  /**
   * Lets go of a group that holds nothing any more. Its id is not given again: logged rows and series that were in it may
   * still name it, and find an empty one. Its series are placed anew by their next samples.
   */
  dissolve(group: Group): void {
    assert(group.isEmpty, `group ${group.id} is let go with ${group.rows} rows`)
    for (let c = 0; c < group.columns; c++) {
      const ref = this.heap.u32[group.refsWord + c]!
      if (ref === 0) continue
      if (!group.isLate) this.series.leave(ref, group.id)
      else if (this.#late.get(ref) === group) this.#late.delete(ref)
    }
    const empty = this.groups[0]!
    this.groups[group.id] = empty
    Atomics.store(this.heap.u32, this.#groupRecord.wordOf(group.id), empty.record.unit)
    group.release()
  }
}
