// The groups of a new block, each made of groups of the blocks it is compacted from (compact.ts).
import { assert } from '../../lib/std/assert.ts'
import { BlockError } from '../errors.ts'
import { BatchBuffer } from '../head/batch-buffer.ts'
import type { BlockReader } from './block-reader.ts'

/** Row maps of so many united groups are kept; there are few, of late samples. */
const MAPS_MAX = 256

interface Part {
  readonly source: number
  readonly group: number
  readonly rows: number
  readonly minT: number
  readonly maxT: number
}

export interface MergedGroup {
  /** In the new block; -1 until it is written. */
  number: number
  rows: number
  /** By time where they follow one another, else in the order of the sources. */
  readonly parts: readonly Part[]
  readonly isUnited: boolean
  readonly key: string
}

/** A series of a source. */
export interface SourceSeries {
  readonly source: number
  readonly series: number
}

interface Union {
  times: Float64Array
  /** For each part: the row of each of its rows. */
  places: readonly Uint32Array[]
}

export class MergedGroups {
  readonly #readers: readonly BlockReader[]
  readonly #groups = new Map<string, MergedGroup>()
  readonly #unions = new Map<string, Union>()
  readonly #part = new BatchBuffer()

  constructor(readers: readonly BlockReader[]) {
    this.#readers = readers
  }

  /** The group of a series that the sources have under these numbers. */
  groupOf(same: readonly SourceSeries[]): MergedGroup {
    const parts = same.map(({ source, series }): Part => {
      const { index } = this.#readers[source]!
      return { source, ...index.group(index.groupOf(series)), group: index.groupOf(series) }
    })
    const key = parts.map(({ source, group }) => `${source}:${group}`).join()
    let group = this.#groups.get(key)
    if (group === undefined) {
      const byTime = parts.toSorted((a, b) => a.minT - b.minT)
      const isUnited = byTime.some(({ minT }, i) => i > 0 && minT <= byTime[i - 1]!.maxT)
      group = { number: -1, rows: 0, parts: isUnited ? parts : byTime, isUnited, key }
      group.rows = isUnited ? this.#union(group).times.length : parts.reduce((sum, { rows }) => sum + rows, 0)
      this.#groups.set(key, group)
    }
    return group
  }

  timesOf(group: MergedGroup): Float64Array {
    if (group.isUnited) return this.#union(group).times
    const times = new Float64Array(group.rows)
    let at = 0
    for (const { source, group: number, rows } of group.parts) {
      this.#readTimes(source, number, rows, times, at)
      at += rows
    }
    return times
  }

  /** Reads the series into row 0 of a batch over the group's rows. */
  read(group: MergedGroup, same: readonly SourceSeries[], batch: BatchBuffer): void {
    batch.shape(1, group.rows)
    const seriesOf = (source: number): number => same.find((one) => one.source === source)!.series
    if (!group.isUnited) {
      let base = 0
      for (const { source, rows } of group.parts) {
        this.#readers[source]!.readSeries(seriesOf(source), 0, rows, batch, { s: 0, base })
        base += rows
      }
      return
    }
    batch.beginGaps(0, 0)
    const { places } = this.#union(group)
    group.parts.forEach(({ source, rows }, p) => {
      this.#part.shape(1, rows)
      this.#readers[source]!.readSeries(seriesOf(source), 0, rows, this.#part, { s: 0, base: 0 })
      overlay(this.#part, places[p]!, batch)
    })
  }

  #union(group: Pick<MergedGroup, 'key' | 'parts'>): Union {
    let union = this.#unions.get(group.key)
    if (union === undefined) {
      const columns = group.parts.map(({ source, group: number, rows }) => {
        const times = new Float64Array(rows)
        this.#readTimes(source, number, rows, times, 0)
        return times
      })
      const times = unite(columns)
      union = { times, places: columns.map((column) => placesIn(times, column)) }
      for (const old of this.#unions.size >= MAPS_MAX ? this.#unions.keys() : []) {
        this.#unions.delete(old)
        break
      }
      this.#unions.set(group.key, union)
    }
    return union
  }

  #readTimes(source: number, group: number, rows: number, out: Float64Array, at: number): void {
    const reader = this.#readers[source]!
    if (!reader.readTimes(group, 0, rows, out, at)) throw new BlockError([...reader.leftOut].join('; '))
  }
}

function unite(columns: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(columns.reduce((sum, column) => sum + column.length, 0))
  let at = 0
  for (const column of columns) {
    all.set(column, at)
    at += column.length
  }
  all.sort()
  let n = 0
  for (let i = 0; i < all.length; i++) if (i === 0 || all[i] !== all[i - 1]) all[n++] = all[i]!
  return all.subarray(0, n)
}

function placesIn(times: Float64Array, column: Float64Array): Uint32Array {
  let row = 0
  return Uint32Array.from(column, (t) => {
    while (times[row]! < t) row++
    assert(times[row] === t, `no row at ${t}`)
    return row
  })
}

/** Puts the part's samples where the batch has none yet. */
function overlay(part: BatchBuffer, places: Uint32Array, batch: BatchBuffer): void {
  for (let i = 0; i < part.n; i++) {
    const row = places[i]!
    if (!part.isPresent(0, i) || batch.isPresent(0, row)) continue
    const histogram = part.histogramAt(0, i)
    if (histogram === null) batch.v[row] = part.v[i]!
    else batch.putHistogram(0, row, histogram)
    if (part.startTimes !== null) batch.putStartTime(0, row, part.startTimes[i]!)
    batch.mark(0, row, part.hasGaps[0] === 1 && ((part.stale[i >>> 5]! >>> (i & 31)) & 1) === 1)
  }
}
