// What is kept of a target between two scrapes: its last good body, and of each line in it where it ends, which
// series it is, and its value. A line of the next body that begins with the same bytes is the same series, with no
// parsing, no hashing, no string. The cache outlives reloads of the configuration.
import { HourlyBudget } from '../std/hourly-budget.ts'
import type { Forgetting } from '../../storage/interface.ts'
import { LineTable, TRACKED } from './line-table.ts'
import type { ExpositionFormat } from '../format/exposition-entry.ts'

/** Lines of failed scrapes remembered beyond the number of good ones. */
const TRIED_MAX = 1000
const NO_BODY = new Uint8Array(0)
const NO_VIEW = new DataView(NO_BODY.buffer)

/** What the cache holds of a body: its text, or keys of its series and metadata of its families (entry-reader.ts). */
export type CachedFormat = ExpositionFormat | 'converted-text' | 'converted-openmetrics'

export class ScrapeCache {
  /** Names the target among the writers of a series (SeriesOwners); ≥ 1. */
  readonly ownerId: number
  /** The last body that was stored, or what stands for it. */
  body: Uint8Array = NO_BODY
  /** Covers at least the body, from its first byte on. */
  view: DataView = NO_VIEW
  format: CachedFormat = 'text'
  /** Of the last good answer, decoded. */
  bodyBytes = 0
  readonly lines: LineTable = new LineTable()
  /** Lines whose series gets a staleness marker when it vanishes. */
  trackedCount = 0
  /** False once markers were written for all series: after a failed or empty scrape, until the next good one. */
  isLive = false
  /** Labels or relabeling changed: the lines tell which series were there, but no longer what they are called now. */
  mustRelearn = false
  /** Lines of failed scrapes since the last good one (LineIndex.longHash), which do not count as added again; null if none. */
  tried: Set<number> | null = null
  /** Refs of `up` and its kin; 0 until made. */
  readonly reportRefs: Uint32Array = new Uint32Array(8)
  /** New series that the target may still have this hour. */
  readonly newSeries: HourlyBudget = new HourlyBudget()
  /** Of the store, when the refs here were last known to be live. */
  #forgetEpoch = 0
  #memory: Uint8Array = NO_BODY

  constructor(ownerId: number) {
    this.ownerId = ownerId
  }

  /** Takes copies of a body that was stored and of what was learned of it, into memory it keeps: see BodyBuffers. */
  replace(body: Uint8Array, format: CachedFormat, lines: LineTable, trackedCount: number): void {
    const capacity = this.#memory.length
    if (capacity < body.length || capacity > body.length * 2 + 4096) {
      this.#memory = new Uint8Array(body.length + (body.length >>> 5) + 64)
      this.view = new DataView(this.#memory.buffer)
    }
    this.#memory.set(body)
    this.body = this.#memory.subarray(0, body.length)
    this.format = format
    this.lines.copyFrom(lines)
    this.trackedCount = trackedCount
    this.isLive = true
    this.mustRelearn = false
    this.tried = null
  }

  /**
   * Remembers the new lines of a scrape that failed. A target whose failing bodies name other series each time is
   * forgotten but for its last body, by the measure of Prometheus (scrape.go, iterDone).
   */
  noteTried(lines: readonly number[]): void {
    this.tried ??= new Set()
    for (const line of lines) this.tried.add(line)
    if (this.tried.size > this.lines.count + TRIED_MAX) this.tried = new Set(lines)
  }

  /** Series that were there at the last scrape and are tracked for staleness, each once; none if they are marked already. */
  liveRefs(): Set<number> {
    const refs = new Set<number>()
    if (!this.isLive) return refs
    for (let i = 0; i < this.lines.count; i++) if ((this.lines.infos[i]! & TRACKED) !== 0) refs.add(this.lines.refs[i]!)
    return refs
  }

  /** Learns the series anew if the store has forgotten some of them. */
  checkRefs(forgetting: Forgetting): void {
    if (forgetting.epoch === this.#forgetEpoch) return
    this.#forgetEpoch = forgetting.epoch
    const { refs, infos, count } = this.lines
    let isWhole = this.reportRefs.every((ref) => ref === 0 || forgetting.isLive(ref))
    for (let i = 0; i < count; i++) {
      if (refs[i] === 0 || forgetting.isLive(refs[i]!)) continue
      infos[i]! &= ~TRACKED
      isWhole = false
    }
    if (!isWhole) this.relearn()
  }

  /** The names of the series change, their presence does not. */
  relearn(): void {
    this.mustRelearn = true
    this.reportRefs.fill(0)
  }
}
