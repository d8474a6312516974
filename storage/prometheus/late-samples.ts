// Samples that Prometheus took out of order and has in no block yet (`wbl/`), in memory: there are few of them.
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import type { Labels } from '../../lib/model/labels.ts'
import { BLOCK_RANGE_MS } from '../block-plan.ts'
import type { SeriesSource } from '../import/copy-series.ts'
import { pushSample, type SeriesSamples } from '../import/series-samples.ts'

interface LateSample {
  v: number
  histogram: FloatHistogram | null
}

export class LateSamples {
  /** By id. */
  readonly #labels: Labels[] = []
  /** By id and time. */
  readonly #samples = new Map<number, Map<number, LateSample>>()

  /** Ids count up from 0. */
  addSeries(labels: Labels): void {
    this.#labels.push(labels)
  }

  /** Of two at one time the first stays. */
  add(id: number, t: number, v: number, histogram: FloatHistogram | null): void {
    const own = this.#samples.get(id) ?? new Map<number, LateSample>()
    this.#samples.set(id, own)
    if (!own.has(t)) own.set(t, { v, histogram })
  }

  has(id: number, t: number): boolean {
    return this.#samples.get(id)?.has(t) === true
  }

  /** Takes out what lies in stretches [mint, maxt], by id. */
  drop(deleted: ReadonlyMap<number, readonly (readonly [number, number])[]>): void {
    for (const [id, stretches] of deleted) {
      const own = this.#samples.get(id)
      for (const t of own?.keys() ?? []) if (stretches.some(([mint, maxt]) => t >= mint && t <= maxt)) own!.delete(t)
    }
  }

  /** A source for each range of a block that has samples, ascending. */
  stretches(): SeriesSource[] {
    const ranges = new Set<number>()
    for (const own of this.#samples.values()) for (const t of own.keys()) ranges.add(Math.floor(t / BLOCK_RANGE_MS))
    return [...ranges].toSorted((a, b) => a - b).map((range) => ({
      refs: () => this.#samples.keys(),
      read: (id, out) => this.#read(id, range, out),
    }))
  }

  #read(id: number, range: number, out: SeriesSamples): Labels {
    out.count = 0
    const times = [...this.#samples.get(id)!.keys()].filter((t) => Math.floor(t / BLOCK_RANGE_MS) === range)
    for (const t of times.toSorted((a, b) => a - b)) {
      const { v, histogram } = this.#samples.get(id)!.get(t)!
      pushSample(out, t, v, histogram)
    }
    return this.#labels[id]!
  }
}
