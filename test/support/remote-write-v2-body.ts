// Builds remote write 2.0 bodies for tests from the specification; nothing of the reader under test is used.
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { field, varint } from './remote-write-body.ts'
import { histogramField } from './remote-write-histogram.ts'
import { snappyCompress } from './snappy-compress.ts'

export interface SeriesV2 {
  labels: readonly (readonly [name: string, value: string])[]
  /** Sample, Histogram and Exemplar fields, as 2.0 numbers them. */
  fields: readonly Uint8Array[]
}

/** The symbols of one request; the first is the empty text. */
export class Symbols {
  readonly texts: string[] = ['']

  ref(text: string): number {
    const known = this.texts.indexOf(text)
    return known >= 0 ? known : this.texts.push(text) - 1
  }

  /** Packed labels_refs. */
  refs(labels: SeriesV2['labels']): Uint8Array {
    return field(1, ...labels.flatMap((pair) => pair.map((text) => varint(this.ref(text)))))
  }

  fields(): Uint8Array[] {
    return this.texts.map((text) => field(4, Buffer.from(text)))
  }
}

const double = (number: number, value: number): Uint8Array => {
  const bytes = Buffer.alloc(9, number * 8 + 1)
  bytes.writeDoubleLE(value, 1)
  return bytes
}
const int = (number: number, value: number): Uint8Array => Buffer.concat([varint(number * 8), varint(value)])

export const sampleV2 = (value: number, timeMs: number, startMs = 0): Uint8Array => field(2, double(1, value), int(2, timeMs), ...(startMs === 0 ? [] : [int(3, startMs)]))
/** The message is 1.0's, its number is not. */
export const histogramV2 = (h: FloatHistogram, timeMs: number): Uint8Array => Buffer.concat([Uint8Array.of(0x1a), histogramField(h, timeMs).subarray(1)])
export const exemplarV2 = (symbols: Symbols, labels: SeriesV2['labels'], value: number, timeMs: number): Uint8Array => field(4, symbols.refs(labels), double(2, value), int(3, timeMs))
export const metadataV2 = (symbols: Symbols, type: number, help: string, unit: string): Uint8Array => field(5, int(1, type), int(3, symbols.ref(help)), int(4, symbols.ref(unit)))

/** An uncompressed Request. */
export function requestV2(symbols: Symbols, series: readonly SeriesV2[]): Uint8Array {
  const rows = series.map(({ labels, fields }) => field(5, symbols.refs(labels), ...fields))
  return Buffer.concat([...symbols.fields(), ...rows])
}

export function bodyV2(symbols: Symbols, series: readonly SeriesV2[]): Uint8Array {
  return snappyCompress(requestV2(symbols, series))
}
