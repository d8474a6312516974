// Writes what rules give into the store, on the thread that owns it. Readers see the rows when `write` returns; they are
// logged as scraped ones are, without waiting for the disk.
import type { Appender } from '../../storage/interface.ts'
import type { FloatHistogram } from '../model/histogram.ts'
import type { WrittenRow } from './group.ts'

export class RuleWriter {
  readonly #appender: Appender

  constructor(appender: Appender) {
    this.#appender = appender
  }

  /** A verdict (storage/interface.ts) for each row. Throws what the appender throws, with nothing written. */
  write(timeMs: number, rows: readonly WrittenRow[]): Uint8Array {
    const verdicts = new Uint8Array(rows.length)
    const histograms: (FloatHistogram | null)[] = rows.map(({ histogram }) => histogram)
    this.#appender.append({
      count: rows.length,
      refs: Uint32Array.from(rows, ({ labels }) => this.#appender.series(labels)),
      values: Float64Array.from(rows, ({ value }) => value ?? 0),
      t: timeMs, times: null,
      stale: Uint8Array.from(rows, ({ value }) => (value === null ? 1 : 0)),
      histograms: histograms.some((histogram) => histogram !== null) ? histograms : null,
    }, verdicts)
    return verdicts
  }
}
