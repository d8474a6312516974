// The sources of a stitched row: raw samples, and rows of buckets.
import type { Selection } from '../../storage/interface.ts'
import type { BucketBatch, BucketSelection, TierName } from '../../storage/tier/bucket.ts'
import type { BucketPoints } from './bucket-points.ts'
import type { BucketTail } from './bucket-tail.ts'
import { ABSENT } from './operator.ts'
import type { QueryScope } from './query-scope.ts'
import type { RowFiller } from './selected-rows.ts'
import type { StepSamples } from './step-samples.ts'
import { positionsOf, unionOf, type SpanReader, type SpanRows } from './stitched-rows.ts'
import type { TierSpan } from './tier-plan.ts'

type Scope = Pick<QueryScope, 'budget' | 'tierUse'>

/** Samples of a selection, or what is handed up as such. */
export class SampleReader implements SpanReader {
  readonly from: number
  readonly refs: Uint32Array
  readonly #span: TierSpan
  readonly #selection: Selection
  readonly #filler: RowFiller
  /** Where the samples come from. */
  readonly #tier: TierName
  readonly #scope: Scope

  constructor(span: TierSpan, source: { selection: Selection; filler: RowFiller; tier: TierName }, scope: Scope) {
    this.from = span.from
    this.refs = source.selection.refs
    this.#span = span
    this.#selection = source.selection
    this.#filler = source.filler
    this.#tier = source.tier
    this.#scope = scope
  }

  read(rows: SpanRows): void {
    this.#scope.tierUse?.addSteps(this.#tier, this.#span.to - this.#span.from)
    this.readOnly(null, rows)
  }

  /** Only series i with a 1 in `only`; all where it is null. */
  readOnly(only: Uint8Array | null, { values, kinds, starts }: SpanRows): void {
    const { budget, tierUse } = this.#scope
    const filler = this.#filler
    const row = { values, kinds, at: 0 }
    for (let batch = this.#selection.next(); batch !== null; batch = this.#selection.next()) {
      budget.check()
      filler.startBatch(batch)
      let loaded = 0
      const readBefore = filler.samplesRead
      for (let s = 0; s < batch.seriesCount; s++) {
        const i = batch.index[s]!
        if (only !== null && only[i] === 0) continue
        row.at = starts[i]!
        loaded += filler.fill(batch, s, row)
        if (budget.stepSamples !== null) filler.countSteps(row, this.from, budget.stepSamples)
      }
      const read = readBefore === undefined ? loaded : filler.samplesRead! - readBefore
      budget.addSamples(loaded, read)
      tierUse?.addRows(this.#tier, read)
    }
  }
}

/** What makes points of a series' rows of buckets. */
export interface BucketFiller {
  startBatch(batch: BucketBatch): void
  /** Writes the row of series `s` and, behind it, `tail`; kinds are zeroed. Returns whether raw samples must be asked. */
  fill(batch: BucketBatch, s: number, tail: { batch: BucketBatch; s: number } | null, row: { values: Float64Array; kinds: Uint8Array; at: number }): boolean
  /** Tells of the rows looked at for each step of the series filled last, which is `first` steps behind the query's first. */
  countSteps(row: { values: Float64Array; kinds: Uint8Array; at: number }, first: number, steps: StepSamples): void
  /** Of the tier, so far. */
  readonly rowsRead: number
  /** Rows in the windows of all steps so far, or points: what statistics call samples. */
  readonly samplesRead: number
}

export interface BucketSource {
  selection: BucketSelection
  filler: BucketFiller
  /** Raw samples behind the last bucket; null where windows end with buckets. */
  tail: { refs: Uint32Array; make: () => BucketTail } | null
  /** Raw samples of the same steps: for series in doubt where they are all there, with a tail for those without buckets. */
  raw: (() => SampleReader) | null
  /** Called at the end; `hasRows`: the tier answered for some series. */
  warn: (hasRows: boolean) => void
}

export class BucketReader implements SpanReader {
  readonly from: number
  readonly refs: Uint32Array
  readonly #span: TierSpan
  readonly #source: BucketSource
  readonly #scope: Scope

  constructor(span: TierSpan, source: BucketSource, scope: Scope) {
    this.from = span.from
    this.refs = source.tail === null ? source.selection.refs : unionOf([source.selection.refs, source.tail.refs])
    this.#span = span
    this.#source = source
    this.#scope = scope
  }

  read(rows: SpanRows): void {
    const { tier, from, to } = this.#span
    const { tail, raw, warn } = this.#source
    this.#scope.tierUse?.addSteps(tier.name, to - from)
    const asked = new Uint8Array(this.refs.length).fill(tail === null ? 0 : 1)
    warn(this.#readBuckets(rows, asked))
    if (raw === null || !asked.includes(1)) return
    askRaw(raw(), this.refs, asked, rows, to - from)
  }

  /** Sets `asked` of the series that raw samples must answer; returns whether there were rows of buckets. */
  #readBuckets({ values, kinds, starts }: SpanRows, asked: Uint8Array): boolean {
    const { selection, filler } = this.#source
    const { budget, tierUse } = this.#scope
    const own = positionsOf(selection.refs, this.refs)
    const tail = this.#tail()
    const row = { values, kinds, at: 0 }
    let hasRows = false
    for (let batch = selection.next(); batch !== null; batch = selection.next()) {
      budget.check()
      filler.startBatch(batch)
      const rowsBefore = filler.rowsRead
      const samplesBefore = filler.samplesRead
      for (let s = 0; s < batch.seriesCount; s++) {
        if (!hasRow(batch, s)) continue
        const i = own[batch.index[s]!]!
        const tailS = tail === null ? -1 : tail.positions[i]!
        hasRows = true
        row.at = starts[i]!
        const isInDoubt = filler.fill(batch, s, tail !== null && tailS >= 0 ? { batch: tail.batch, s: tailS } : null, row)
        asked[i] = isInDoubt && this.#span.isRawThere ? 1 : 0
        if (budget.stepSamples !== null) filler.countSteps(row, this.from, budget.stepSamples)
      }
      budget.addSamples(0, filler.samplesRead - samplesBefore)
      tierUse?.addRows(this.#span.tier.name, filler.rowsRead - rowsBefore)
    }
    budget.releaseBytes(tail?.bytes ?? 0)
    return hasRows
  }

  #tail(): { batch: BucketBatch; positions: Int32Array; bytes: number } | null {
    const { tail } = this.#source
    if (tail === null) return null
    const made = tail.make()
    this.#scope.tierUse?.addRows('raw', made.samples)
    return { batch: made.rows, positions: positionsOf(this.refs, tail.refs), bytes: made.bytes }
  }
}

/** Lets raw samples answer the series i of `refs` with a 1 in `asked`. */
function askRaw(reader: SampleReader, refs: Uint32Array, asked: Uint8Array, { values, kinds, starts }: SpanRows, steps: number): void {
  const positions = positionsOf(reader.refs, refs)
  const only = new Uint8Array(positions.length)
  const own = new Int32Array(positions.length)
  positions.forEach((position, i) => {
    if (position < 0 || asked[position] === 0) return
    only[i] = 1
    own[i] = starts[position]!
    kinds.fill(ABSENT, own[i]!, own[i]! + steps)
  })
  reader.readOnly(only, { values, kinds, starts: own })
}

function hasRow({ n, columns: { count, staleAtEnd } }: BucketBatch, s: number): boolean {
  for (let k = s * n; k < (s + 1) * n; k++) if (count[k]! > 0 || staleAtEnd[k] === 1) return true
  return false
}

/** First and last samples of buckets, and behind a tail's begin raw ones; what has no buckets is asked of `raw`. */
export class PointsReader implements SpanReader {
  readonly from: number
  readonly refs: Uint32Array
  readonly #span: TierSpan
  readonly #points: BucketPoints
  readonly #reader: SampleReader
  readonly #raw: SampleReader | null
  readonly #warn: BucketSource['warn']

  constructor(span: TierSpan, source: { points: BucketPoints; filler: RowFiller; raw: SampleReader | null; warn: BucketSource['warn'] }, scope: Scope) {
    const { points, raw } = source
    this.from = span.from
    this.refs = raw === null ? points.refs : unionOf([points.refs, raw.refs])
    this.#span = span
    this.#points = points
    this.#reader = new SampleReader(span, { selection: points, filler: source.filler, tier: span.tier.name }, scope)
    this.#raw = raw
    this.#warn = source.warn
  }

  read(rows: SpanRows): void {
    const positions = positionsOf(this.#points.refs, this.refs)
    const { values, kinds, starts } = rows
    this.#reader.read({ values, kinds, starts: positions.map((position) => starts[position]!) })
    this.#warn(this.#points.seen.includes(1))
    if (this.#raw === null) return
    const asked = new Uint8Array(this.refs.length).fill(1)
    positions.forEach((position, i) => {
      if (this.#points.seen[i] === 1) asked[position] = 0
    })
    askRaw(this.#raw, this.refs, asked, rows, this.#span.to - this.#span.from)
  }
}
