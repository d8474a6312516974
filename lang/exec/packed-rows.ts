// Rows of an instant query on their way to another thread: label sets as symbols of the store, which mean the same there, and the
// few texts that only the query made.
//
//   symbols  3 17 5 20 │ 3 18 9 2³¹ │ …     ends  4 8 …     texts  2³¹ ─▶ texts[0]
import { LOCAL_SYMBOLS, type LabelTable } from './label-table.ts'
import type { DenseRows } from './dense.ts'
import { FLOAT } from './operator.ts'

export interface PackedRows {
  /** Symbols mean what they meant at this version of the store's ids. */
  idsVersion: number
  symbols: Uint32Array<ArrayBuffer>
  ends: Uint32Array<ArrayBuffer>
  texts: string[]
  values: Float64Array<ArrayBuffer>
}

/** null where they are no floats alone. */
export function packRows({ series, values, kinds }: DenseRows, labels: LabelTable): PackedRows | null {
  const floats = Array.from(series.keys()).filter((s) => kinds[s] === FLOAT)
  if (kinds.some((kind) => kind > FLOAT)) return null
  const ends = new Uint32Array(floats.length)
  let length = 0
  floats.forEach((s, row) => (ends[row] = length += labels.length(series[s]!)))
  const symbols = new Uint32Array(length)
  const texts: string[] = []
  const places = new Map<number, number>()
  floats.forEach((s, row) => labels.copyPairs(series[s]!, symbols, row === 0 ? 0 : ends[row - 1]!))
  for (let i = 0; i < length; i++) {
    const symbol = symbols[i]!
    if (symbol < LOCAL_SYMBOLS) continue
    if (!places.has(symbol)) places.set(symbol, texts.push(labels.textOf(symbol)) - 1)
    symbols[i] = LOCAL_SYMBOLS + places.get(symbol)!
  }
  return { idsVersion: labels.idsVersion, symbols, ends, texts, values: Float64Array.from(floats, (s) => values[s]!) }
}

/** null where symbols have come to mean something else since. */
export function unpackRows({ idsVersion, symbols, ends, texts, values }: PackedRows, labels: LabelTable): DenseRows | null {
  if (idsVersion !== labels.idsVersion) return null
  const own = texts.map((text) => labels.intern(text))
  const set = symbols.map((symbol) => (symbol < LOCAL_SYMBOLS ? symbol : own[symbol - LOCAL_SYMBOLS]!))
  const series = ends.map((end, row) => labels.ofSymbols(set.subarray(row === 0 ? 0 : ends[row - 1]!, end)))
  return { series, values, kinds: new Uint8Array(ends.length).fill(FLOAT) }
}
