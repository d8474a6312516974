// The head: everything of the store that is still being written. Main's side; readers see only the shared heap and
// the segment files (head-querier.ts).
import { assert } from '../../lib/std/assert.ts'
import type { Clock } from '../../lib/std/clock.ts'
import type { Random } from '../../lib/std/random.ts'
import type { Labels } from '../../lib/model/labels.ts'
import { isSameHistogram, type FloatHistogram } from '../../lib/model/histogram.ts'
import type { Log } from '../log/log.ts'
import type { SeriesFile } from '../log/series-file.ts'
import type { DefinitionVisitor, GroupDefinition } from '../log/series-frames.ts'
import { Arena } from './arena.ts'
import { silentColumns } from './silent-columns.ts'
import { CutState } from './cut-state.ts'
import { Group, type GroupGround } from './group.ts'
import { GroupIds } from './group-ids.ts'
import type { GroupKind } from './group-record.ts'
import { HeadSeries } from './head-series.ts'
import { isCut, type Cut, type Published } from './published.ts'
import { SeriesLoader } from './definitions-load.ts'
import { SegmentDamageError, SegmentReader } from './segment-read.ts'
import type { SegmentWriter } from './segment-file.ts'
import { ROOT_GROUP_COUNT, type PagedU32, type SharedHeap } from './shared-heap.ts'

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
  /** No higher ref is given; by default what the heap's tables take. */
  refMax?: number | undefined
  /** The blocks there are. */
  published: Published
}

/** A sample that may have been stored before; its value counts unless it is a histogram. */
interface OldSample {
  value: number
  isStale: boolean
  histogram: FloatHistogram | null
}

export class Head {
  readonly heap: SharedHeap
  readonly clock: Clock
  readonly arena: Arena
  readonly series: HeadSeries
  readonly cuts: CutState
  readonly groupIds: GroupIds
  /** By id; at place 0, and where a group was dissolved, stands one that is always empty. */
  readonly groups: Group[] = []
  retentionMs: number
  outOfOrderMs: number
  lateSamples: number = 0
  flushedSegments: number = 0
  /** Groups let go of since start. */
  dissolved: number = 0
  readonly definitions: SeriesFile
  readonly #ground: GroupGround
  readonly #groupRecord: PagedU32
  readonly #late = new Map<number, Group>()
  readonly #newestWhenMoved = new Map<number, number>()
  readonly #reader: SegmentReader
  readonly #random: Random
  readonly #seriesLimit: number
  #log: Log | null = null

  constructor(options: HeadOptions) {
    this.heap = options.heap
    this.clock = options.clock
    this.#random = options.random
    this.arena = new Arena(options.heap)
    this.series = new HeadSeries(options.heap, this.arena, options.refMax ?? Infinity)
    this.groupIds = new GroupIds(this.arena)
    const cuts = this.cuts = new CutState(options.heap, this.arena, options.published)
    this.#inBlocksBefore = options.published.cover
    this.definitions = options.definitions
    this.#ground = { heap: options.heap, arena: this.arena, segments: options.segments, newestT: -Infinity, oldestT: Infinity, get generation() { return cuts.generation }, made: 0 }
    this.#groupRecord = options.heap.paged('groupRecord')
    this.#reader = new SegmentReader(options.folder)
    this.retentionMs = options.retentionMs
    this.outOfOrderMs = options.outOfOrderMs
    this.#seriesLimit = options.seriesLimit
    this.groups.push(new Group(this.#ground, 0, { isLate: false, generation: 0 }))
  }

  /** The log that rows go to; null while it is replayed. */
  get log(): Log | null {
    return this.#log
  }

  /** Ends the replay. What was found is kept, however much it is; the limit of series holds for new ones. `segmentFile`: the newest. */
  openLog(log: Log, segmentFile: number): void {
    this.#log = log
    this.groupIds.found([...this.groups.keys()].filter((id) => id > 0 && this.groups[id] === this.groups[0]), { lsn: log.nextLsn, segmentFile })
    this.series.index.endLoad()
    this.series.limit = this.#seriesLimit
  }

  /** Of a series, made if it is new. Throws LogError where nothing is taken, SeriesLimitError. */
  ref(labels: Labels): number {
    const known = this.series.find(labels)
    if (known !== 0) return known
    this.#log?.assertWritable()
    const ref = this.series.add(labels)
    this.definitions.addSeries(ref, labels, this.series.index.idsOf(ref))
    return ref
  }

  makeGroup(refs: Uint32Array, isLate: boolean): Group {
    const kind = { isLate, generation: this.cuts.generation }
    const again = this.groupIds.next
    const group = this.#addGroup(again === 0 ? this.groups.length : again, kind)
    if (again !== 0) this.groupIds.take()
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
    this.definitions.addGroup(definition)
    this.#assignColumns(group, definition)
  }

  #addGroup(id: number, kind: GroupKind): Group {
    this.#groupRecord.reserve(id, (units) => this.arena.allocate(units))
    const group = new Group(this.#ground, id, kind)
    this.groups[id] = group
    Atomics.store(this.heap.u32, this.#groupRecord.wordOf(id), group.record.unit)
    Atomics.store(this.heap.u32, ROOT_GROUP_COUNT, Math.max(id, this.heap.u32[ROOT_GROUP_COUNT]!))
    return group
  }

  /** Nothing is, or ever will be, in this group. */
  #putEmpty(id: number): void {
    this.#groupRecord.reserve(id, (units) => this.arena.allocate(units))
    const empty = this.groups[0]!
    this.groups[id] = empty
    Atomics.store(this.heap.u32, this.#groupRecord.wordOf(id), empty.record.unit)
    Atomics.store(this.heap.u32, ROOT_GROUP_COUNT, Math.max(id, this.heap.u32[ROOT_GROUP_COUNT]!))
  }

  #assignColumns(group: Group, { refs, firstColumn: first }: GroupDefinition): void {
    for (let i = 0; i < refs.length; i++) {
      if (refs[i] === 0) continue
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

  /**
   * True if a late sample of the series may be as new. Of conflicting samples the first stays, and late ones are read beneath
   * those in order: where the head has let go of what made them late, a sample at their time must not come in order.
   */
  hasLateFrom(ref: number, t: number): boolean {
    return this.#late.size > 0 && (this.#late.get(ref)?.maxT ?? -Infinity) >= t
  }

  /** Samples that are in blocks have been deleted since the start, or are about to be. */
  hasDeleted: boolean = false
  /** What was in blocks at the start; who knows what has been deleted of it. */
  readonly #inBlocksBefore: Cut

  /** True if what a group has at t still is in blocks, and may be deleted there. */
  mayBeDeleted(group: Group, t: number): boolean {
    return (this.hasDeleted && this.isFrozen(group, t)) || isCut(this.#inBlocksBefore, group.generation, t)
  }

  /** True if a group takes no sample at t any more: it is being cut, or is in blocks. */
  isFrozen(group: Group, t: number): boolean {
    return isCut(this.cuts.frozen, group.generation, t)
  }

  /** Takes all series out of a group; their next samples place them anew. */
  breakUp(group: Group): void {
    for (let c = 0; c < group.columns; c++) {
      const ref = this.heap.u32[group.refsWord + c]!
      if (ref !== 0 && this.series.groupOf(ref) === group.id) this.moveOut(ref)
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

  /** Hears of each series that leaves a column. */
  onMoved: ((ref: number, group: number, column: number) => void) | null = null

  /** Takes a series out of its group, so that its next sample places it anew. `newest`: its newest sample, where known. */
  moveOut(ref: number, newest?: number): void {
    const group = this.groups[this.series.groupOf(ref)]!
    const column = this.series.columnOf(ref)
    this.forgetPlaces(ref)
    // First what can fail: a vacated column whose series still points at it would take no sample for ever.
    this.series.unassign(ref)
    group.vacate(column)
    this.onMoved?.(ref, group.id, column)
    if (newest === undefined) this.#newestWhenMoved.delete(ref)
    else this.#newestWhenMoved.set(ref, newest)
  }

  /** Drops what a series remembers of groups that are gone. */
  forgetPlaces(ref: number): void {
    this.series.forgetPlaces(ref, (id) => this.groups[id] === this.groups[0])
  }

  /** Takes series out of a group that have had no sample after a cut, whose samples readers take from blocks by now. */
  vacateSilent(group: Group, cut: Cut): void {
    if (group.isLate || group.columns === 0 || group.generation > cut.generation) return
    for (const c of silentColumns(group, this.heap.u32, cut.t, this.cuts.generation)) {
      this.series.leave(this.heap.u32[group.refsWord + c]!, group.id)
      group.vacate(c)
    }
  }

  /** Forgets series that are idle; see HeadSeries.forget. */
  forget(refs: readonly number[]): void {
    for (const ref of refs) {
      this.#newestWhenMoved.delete(ref)
      this.#late.delete(ref)
    }
    this.series.forget(refs)
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

  /** Closes segment files that appends have looked into. */
  readonly close = (): void => this.#reader.close()

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
    for (let ref = 1; ref <= this.series.newest; ref++) {
      ref = this.series.endOfDead(ref)
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
  /** End of the log that any segment knows of: LSNs below it were given out. */
  newestSegmentLsn: number = 0

  /** Takes what the file of definitions says. */
  definitionVisitor(): DefinitionVisitor {
    const { series } = this
    const loader = new SeriesLoader(series)
    return {
      begin: (count) => series.index.beginLoad(count),
      // So much of the file is left: tables that grow over and over are moved as often, a quarter of the time this takes.
      progress: (share) => (series.index.growth = 1 / share),
      renumbered: (times) => (series.renumberings = times),
      given: (ref) => series.skipTo(ref),
      series: (frame) => loader.take(frame),
      group: (definition) => this.replayGroup(definition),
    }
  }

  /** The next ref, whose definition is lost, gets what blocks know of it; both are as if it had been there. */
  redefine(ref: number, labels: Labels): void {
    this.series.skipTo(ref - 1)
    if (labels.length === 0) {
      this.series.skipTo(ref)
      return
    }
    const known = this.series.find(labels)
    if (known !== 0) this.series.forget([known])
    this.series.add(labels)
    this.definitions.addSeries(ref, labels, this.series.index.idsOf(ref))
  }

  replayGroup(definition: GroupDefinition): void {
    const { group: id, firstColumn, refs, isLate, generation, salt } = definition
    for (let next = this.groups.length; next <= id; next++) this.#putEmpty(next)
    this.cuts.note(generation)
    if (refs.length === 0) return
    if (this.groups[id] === this.groups[0] && firstColumn === 0) this.#addGroup(id, { isLate, generation })
    const group = this.groups[id]!
    if (group === this.groups[0]) this.groupIds.inDefinitions.add(id)
    if (group.columns !== firstColumn || !refs.every((ref) => ref <= this.series.newest)) return
    // Columns whose series has been forgotten are vacant.
    const known = refs.map((ref) => (this.series.isLive(ref) ? ref : 0))
    group.addColumns(known, salt)
    this.#assignColumns(group, { ...definition, refs: known })
  }

  /** Time of the newest sample of all. */
  get newestT(): number {
    return this.#ground.newestT
  }

  /** No sample that came since the start, or was found at it, is older. */
  get oldestT(): number {
    return this.#ground.oldestT
  }

  /**
   * Lets go of a group that holds nothing any more. Until its id is given again (group-ids.ts) logged rows and series that
   * were in it may name it, and find an empty one. Its series are placed anew by their next samples.
   */
  dissolve(group: Group): void {
    assert(group.isEmpty, `group ${group.id} is let go with ${group.rows} rows`)
    for (let c = 0; c < group.columns; c++) {
      const ref = this.heap.u32[group.refsWord + c]!
      if (ref === 0) continue
      if (!group.isLate) this.series.leave(ref, group.id)
      else if (this.#late.get(ref) === group) this.#late.delete(ref)
    }
    this.#putEmpty(group.id)
    this.groupIds.end(group.id)
    this.dissolved++
    group.release()
  }
}
