// The store of one group of rule tests: a real one in a folder of its own, gone when the tests are done. Samples are loaded
// as time goes on, so that no query sees what has not happened yet.
import { histogramText } from '../../../lang/func/histogram-text.ts'
import { formatValue } from '../../../lang/reply/number-text.ts'
import { parseMetric } from '../../../lang/parse/parse.ts'
import { SeriesTextError } from '../../../lang/parse/histogram-text.ts'
import { parseSeriesValues, type SeriesValue } from '../../../lang/parse/series-values.ts'
import { labelPairs, sampleAt } from '../../../storage/batch-sample.ts'
import { Database } from '../../../storage/database.ts'
import { StoreQueryable } from '../../../storage/store-querier.ts'
import { compareLabels, type Labels } from '../../model/labels.ts'
import { FakeClock } from '../../std/clock.ts'
import { makeTempFolder, removeTree } from '../../std/fs.ts'
import { durationText } from '../../template/go-time.ts'
import { labelsText } from './expectations.ts'
import { RuleWriteError, type WrittenRow } from '../group.ts'
import { labelsKey } from '../rule.ts'
import { RuleWriter } from '../rule-writer.ts'
import { StoredHints } from './stored-hints.ts'

/** Address space of the head; what is not written costs nothing. */
const HEAD_BYTES = 1 << 30
/** After all times that tests speak of: no sample is in the future. */
const NOW_MS = 8e15

interface LoadedSeries {
  labels: Labels
  values: readonly SeriesValue[]
}

export class TestStore {
  readonly queryable: StoreQueryable
  readonly #folder: string
  readonly #db: Database
  readonly #writer: RuleWriter
  readonly #series: readonly LoadedSeries[]
  readonly #startMs: number
  readonly #intervalMs: number
  readonly #hints = new Map<string, StoredHints>()
  /** Samples before this are loaded. */
  #loadedCount = 0

  /** Throws ParseError, SeriesTextError for what is no series. */
  constructor(lines: readonly { series: string; values: string }[], startMs: number, intervalMs: number) {
    const series = lines.map(loadedSeries)
    // Of two lines for one series the later one counts.
    this.#series = [...new Map(series.map((one) => [labelsKey(one.labels), one])).values()]
    this.#startMs = startMs
    this.#intervalMs = intervalMs
    this.#folder = makeTempFolder('monitor-rule-test')
    this.#db = new Database({ folder: this.#folder, retentionMs: Infinity, headBytesMax: HEAD_BYTES, reserveBytes: 0, clock: new FakeClock(NOW_MS) })
    this.queryable = new StoreQueryable(this.#db.handle(), 0)
    this.#writer = new RuleWriter(this.#db)
  }

  /** Loads all samples up to and at a time. */
  loadUntil(untilMs: number): void {
    const count = Math.max(...this.#series.map(({ values }) => values.length), 0)
    for (; this.#loadedCount < count; this.#loadedCount++) {
      const timeMs = this.#startMs + this.#loadedCount * this.#intervalMs
      if (timeMs > untilMs) return
      const rows = this.#series.flatMap(({ labels, values }) => rowOf(labels, values[this.#loadedCount]))
      if (rows.length > 0) this.write(timeMs, rows)
    }
  }

  /** Throws RuleWriteError where the store is full. */
  write(timeMs: number, rows: readonly WrittenRow[]): Uint8Array {
    try {
      return this.#writer.write(timeMs, rows.map((row) => this.#stored(row)))
    } catch (cause) {
      throw new RuleWriteError(cause instanceof Error ? cause.message : String(cause), { cause })
    }
  }

  /** All live samples after the start, until the first whole second behind `untilMs` (from the start), as promtool's `--debug` prints them. */
  dumpText(untilMs: number): string {
    const endMs = Math.floor((untilMs + 1000) / 1000) * 1000
    const range = { startMs: this.#startMs + 1, endMs: this.#startMs + endMs }
    const querier = this.queryable.querier()
    try {
      const series: { labels: Labels; text: string }[] = []
      const selection = querier.select([{ name: '__name__', op: '!=', value: '' }], range.startMs, range.endMs, { ...range, stepMs: 0, rangeMs: 0, func: '' })
      for (let batch = selection.next(); batch !== null; batch = selection.next()) {
        for (let s = 0; s < batch.seriesCount; s++) {
          const labels = labelPairs(querier, selection.refs[batch.index[s]!]!).flat()
          const lines: string[] = []
          for (let i = 0; i < batch.n; i++) {
            const sample = sampleAt(batch, s, i)
            if (sample !== null && sample !== 'stale') lines.push(`${typeof sample === 'number' ? formatValue(sample) : histogramText(sample)} @[${batch.t[i]}]`)
          }
          if (lines.length > 0) series.push({ labels, text: `${labelsText(labels)} =>\n${lines.join('\n')}\n` })
        }
      }
      const sorted = series.toSorted((a, b) => compareLabels(a.labels, b.labels))
      return `DEBUG: Dump of all data (input_series and rules) at ${durationText(BigInt(endMs) * 1_000_000n)}:\n${sorted.map(({ text }) => text).join('')}`
    } finally {
      querier.close()
    }
  }

  async close(): Promise<void> {
    this.queryable.close()
    await this.#db.close()
    removeTree(this.#folder)
  }

  /** Histograms get the hints with which Prometheus' store would give them back. */
  #stored(row: WrittenRow): WrittenRow {
    const key = labelsKey(row.labels)
    let hints = this.#hints.get(key)
    if (hints === undefined) this.#hints.set(key, (hints = new StoredHints()))
    if (row.histogram !== null) return { ...row, histogram: hints.histogram(row.histogram) }
    if (row.value === null) hints.stale()
    else hints.float()
    return row
  }
}

function loadedSeries(line: { series: string; values: string }): LoadedSeries {
  const series = { labels: parseMetric(line.series), values: parseSeriesValues(line.values) }
  if (series.labels.length === 0 && series.values.some(({ kind }) => kind !== 'gap')) {
    throw new SeriesTextError(`series ${JSON.stringify(line.series)} has an empty labelset; give it a name or a label`)
  }
  return series
}

function rowOf(labels: Labels, value: SeriesValue | undefined): WrittenRow[] {
  switch (value?.kind) {
    case 'float': return [{ labels, value: value.value, histogram: null }]
    case 'histogram': return [{ labels, value: 0, histogram: value.histogram }]
    case 'stale': return [{ labels, value: null, histogram: null }]
    case 'gap': case undefined: return []
  }
}
