// What the head's index is made of: which metrics, labels and pairs have the most series. One pass over all pairs.
import type { Cardinality, CardinalityEntry } from '../interface.ts'
import { readSegmentPlace, snapshotGroup } from './group-record.ts'
import { ROOT_FORGOTTEN, ROOT_GROUP_COUNT, ROOT_SERIES_COUNT, type SharedHeap } from './shared-heap.ts'
import type { SymbolReader } from './symbols.ts'

/** The `limit` largest of each kind. Runs in a reader that holds its epoch. */
export function headCardinality(heap: SharedHeap, symbols: SymbolReader, limit: number): Cardinality {
  const metrics = new Largest(limit)
  const pairs = new Largest(limit)
  const values = new Largest(limit)
  const bytes = new Largest(limit)
  const length = heap.indexTable('symbolLength', symbols.side)
  const metricName = symbols.find('__name__')
  for (let name = 1; name <= symbols.symbolCount; name++) {
    let valueCount = 0
    let valueBytes = 0
    for (let pair = symbols.firstPairOf(name); pair !== 0; pair = symbols.nextPairOf(pair)) {
      const series = symbols.postingsCount(pair)
      valueCount++
      valueBytes += series * (textBytes(length.get(name)) + textBytes(length.get(symbols.valueOf(pair))))
      if (name === metricName) metrics.offer(pair, series)
      pairs.offer(pair, series)
    }
    if (valueCount === 0) continue
    values.offer(name, valueCount)
    bytes.offer(name, valueBytes)
  }
  const textOfValue = (pair: number): string => symbols.text(symbols.valueOf(pair))
  const text = (name: number): string => symbols.text(name)
  return {
    series: Atomics.load(heap.u32, ROOT_SERIES_COUNT) - Atomics.load(heap.u32, ROOT_FORGOTTEN), pairs: symbols.pairTotal, ...extent(heap),
    seriesByMetric: metrics.list(textOfValue), valuesByLabel: values.list(text), bytesByLabel: bytes.list(text),
    seriesByPair: pairs.list((pair) => `${text(symbols.nameOf(pair))}=${textOfValue(pair)}`),
  }
}

/** What a text of a label takes in Prometheus' index: its length goes before it (prometheus model/labels/labels_stringlabels.go). */
function textBytes(length: number): number {
  return length + (length < 255 ? 1 : 4)
}

/** Oldest and newest time, and the encoded columns of all groups. */
function extent(heap: SharedHeap): Pick<Cardinality, 'chunks' | 'minT' | 'maxT'> {
  const records = heap.paged('groupRecord')
  let chunks = 0
  let minT = Infinity
  let maxT = -Infinity
  const groups = Atomics.load(heap.u32, ROOT_GROUP_COUNT)
  for (let id = 1; id <= groups; id++) {
    const snapshot = snapshotGroup(heap, id, records.get(id))
    minT = Math.min(minT, snapshot.minT)
    maxT = Math.max(maxT, snapshot.maxT)
    if (snapshot.rows > 0) chunks += snapshot.columns
    for (let at = snapshot.segment; at !== 0;) {
      const place = readSegmentPlace(heap, at)
      chunks += place.columns
      at = place.previous
    }
  }
  return { chunks, minT, maxT }
}

/** Keeps the largest of what it is offered; equal ones in the order they came. */
class Largest {
  readonly #limit: number
  /** [id, count] in descending order. */
  readonly #kept: [number, number][] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  offer(id: number, count: number): void {
    const kept = this.#kept
    if (kept.length === this.#limit && count <= kept.at(-1)![1]) return
    let at = kept.length
    while (at > 0 && kept[at - 1]![1] < count) at--
    kept.splice(at, 0, [id, count])
    if (kept.length > this.#limit) kept.pop()
  }

  list(textOf: (id: number) => string): CardinalityEntry[] {
    return this.#kept.map(([id, count]) => ({ name: textOf(id), value: count }))
  }
}
