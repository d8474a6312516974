// Series for blocks, as plain lists, and a block made of them.
import { EMPTY_HISTOGRAM, HINT_GAUGE, denseBuckets, type FloatHistogram } from '../../../lib/model/histogram.ts'
import { labelsFromRecord, type Labels } from '../../../lib/model/labels.ts'
import type { Random } from '../../../lib/std/random.ts'
import { GroupBlockBuilder } from '../../../storage/block/block-builder.ts'
import type { BlockMeta, BlockOrigin } from '../../../storage/block/block-meta.ts'
import { BatchBuffer } from '../../../storage/head/batch-buffer.ts'
import type { LabelSource } from '../../../storage/interface.ts'

export const STALE_MARK = 'stale'
/** A value, a native histogram, a staleness marker, or nothing at all. */
export type Cell = number | FloatHistogram | typeof STALE_MARK | null

export interface TestSeries {
  ref: number
  labels: Labels
  cells: readonly Cell[]
  /** Unix ms by cell, 0 where not known. */
  startTimes?: readonly number[]
}

export interface TestGroup {
  times: readonly number[]
  series: readonly TestSeries[]
}

/** Symbols for the labels of the series given. */
export class TestLabels implements LabelSource {
  readonly #symbols = new Map<string, number>()
  readonly #texts: string[] = ['']
  readonly #labels = new Map<number, Labels>()

  add(ref: number, labels: Labels): void {
    this.#labels.set(ref, labels)
    for (const text of labels) this.#intern(text)
  }

  #intern(text: string): void {
    if (!this.#symbols.has(text)) this.#symbols.set(text, this.#texts.push(text) - 1)
  }

  symbolOf(text: string): number {
    return this.#symbols.get(text) ?? 0
  }

  textOf(symbol: number): string {
    return this.#texts[symbol]!
  }

  labelsOf(ref: number, out: Uint32Array): number {
    const labels = this.#labels.get(ref)!
    labels.forEach((text, i) => { out[i] = this.symbolOf(text) })
    return labels.length
  }
}

export function batchOf(times: readonly number[], series: readonly TestSeries[]): BatchBuffer {
  const batch = new BatchBuffer()
  batch.shape(series.length, times.length)
  batch.t.set(times)
  series.forEach(({ cells, startTimes }, s) => {
    cells.forEach((cell, i) => {
      if (cell === null || cell === STALE_MARK) batch.beginGaps(s, i)
      else if (typeof cell === 'number') batch.v[s * times.length + i] = cell
      else batch.putHistogram(s, i, cell)
      if (batch.hasGaps[s] === 1 && cell !== null) batch.mark(s, i, cell === STALE_MARK)
      if (startTimes !== undefined && cell !== null) batch.putStartTime(s, i, startTimes[i]!)
    })
  })
  return batch
}

/** What a batch says of a series. */
export function cellsOf(batch: BatchBuffer, s: number): Cell[] {
  const words = (batch.n + 31) >>> 5
  return Array.from({ length: batch.n }, (_, i) => {
    if (!batch.isPresent(s, i)) return null
    if (batch.hasGaps[s] === 1 && ((batch.stale[s * words + (i >>> 5)]! >>> (i & 31)) & 1) === 1) return STALE_MARK
    return batch.histogramAt(s, i) ?? batch.v[s * batch.n + i]!
  })
}

export function startTimesOf(batch: BatchBuffer, s: number): number[] {
  return Array.from({ length: batch.n }, (_, i) => (batch.isPresent(s, i) ? batch.startTimes?.[s * batch.n + i] ?? 0 : 0))
}

/** A native histogram of some counts. */
export function histogramOf(random: Random): FloatHistogram {
  const counts = Array.from({ length: 1 + random.int(6) }, () => random.int(50))
  const positive = denseBuckets(random.int(3), counts)
  const count = counts.reduce((sum, n) => sum + n, 0)
  return { ...EMPTY_HISTOGRAM, schema: random.int(10) === 0 ? 1 : 3, count, sum: random.int(1000) / 10, positive, hint: random.int(20) === 0 ? HINT_GAUGE : EMPTY_HISTOGRAM.hint }
}

export const ORIGIN: BlockOrigin = { level: 1, sources: [], coveredGeneration: 1, coveredT: 0 }

export async function writeBlock(
  folder: string, groups: readonly TestGroup[], number = 1, isCompressed = false, origin: BlockOrigin = ORIGIN,
): Promise<{ name: string; meta: BlockMeta }> {
  const labels = new TestLabels()
  const builder = new GroupBlockBuilder({ folder, number, isCompressed }, labels)
  for (const { times, series } of groups) {
    const batch = batchOf(times, series)
    builder.beginGroup(batch.t, batch.n)
    series.forEach(({ ref, labels: own }, s) => {
      labels.add(ref, own)
      builder.addSeries(ref, batch, s)
    })
  }
  const made = await builder.finish(origin)
  if (made === null) throw new Error('a block without samples')
  return made
}

export function named(name: string, labels: Record<string, string> = {}): Labels {
  return labelsFromRecord({ __name__: name, ...labels })
}
