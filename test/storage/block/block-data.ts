// Series for blocks, as plain lists, and a block made of them.
import { labelsFromRecord, type Labels } from '../../../lib/model/labels.ts'
import { GroupBlockBuilder } from '../../../storage/block/block-builder.ts'
import type { BlockMeta, BlockOrigin } from '../../../storage/block/block-meta.ts'
import { BatchBuffer } from '../../../storage/head/batch-buffer.ts'
import type { LabelSource } from '../../../storage/interface.ts'

export const STALE_MARK = 'stale'
/** A value, a staleness marker, or nothing at all. */
export type Cell = number | typeof STALE_MARK | null

export interface TestSeries {
  ref: number
  labels: Labels
  cells: readonly Cell[]
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

export function batchOf(times: readonly number[], series: readonly (readonly Cell[])[]): BatchBuffer {
  const batch = new BatchBuffer()
  batch.shape(series.length, times.length)
  batch.t.set(times)
  series.forEach((cells, s) => {
    cells.forEach((cell, i) => {
      if (typeof cell === 'number') batch.v[s * times.length + i] = cell
      if (typeof cell !== 'number') batch.beginGaps(s, i)
      if (batch.hasGaps[s] === 1 && cell !== null) batch.mark(s, i, cell === STALE_MARK)
    })
  })
  return batch
}

/** What a batch says of a series. */
export function cellsOf(batch: BatchBuffer, s: number): Cell[] {
  const words = (batch.n + 31) >>> 5
  return Array.from({ length: batch.n }, (_, i) => {
    const bit = (bits: Uint32Array): boolean => ((bits[s * words + (i >>> 5)]! >>> (i & 31)) & 1) === 1
    if (batch.hasGaps[s] === 1 && !bit(batch.present)) return null
    return batch.hasGaps[s] === 1 && bit(batch.stale) ? STALE_MARK : batch.v[s * batch.n + i]!
  })
}

export const ORIGIN: BlockOrigin = { level: 1, sources: [], coveredGeneration: 1, coveredT: 0 }

export async function writeBlock(
  folder: string, groups: readonly TestGroup[], number = 1, isCompressed = false, origin: BlockOrigin = ORIGIN,
): Promise<{ name: string; meta: BlockMeta }> {
  const labels = new TestLabels()
  const builder = new GroupBlockBuilder({ folder, number, isCompressed }, labels)
  for (const { times, series } of groups) {
    const batch = batchOf(times, series.map(({ cells }) => cells))
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
