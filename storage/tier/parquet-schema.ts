// What a Parquet file of the 1-hour tier holds: a row per series and hour.
//
//   labels  MAP<string, string>      the series, __name__ included
//   t       TIMESTAMP(ms, UTC)       end of the bucket, which covers (t - 1 h, t]
//   count   INT32                    samples; the columns up to last_t are NULL where it is 0
//   sum, m2, min, max, first, last, correction, p99  DOUBLE     increase = last - first + correction
//   first_t, last_t  TIMESTAMP       of the first and the last sample
//   stale_at_end  BOOLEAN            the newest entry of the bucket is a staleness marker
//   sketch  BYTE_ARRAY               mergeable quantile sketch (FORMAT.md, "Sketch"), empty where count is 0
//
// Sorted by labels, then t. Chunks of some row groups, a stripe, stand column by column (STRIPE_ORDER). Those of sketches stand together
// behind all others: what reads no sketches reads past none.
import type { BucketColumn } from './bucket.ts'
import { ThriftWriter, type ThriftStruct, type ThriftValue } from './parquet-thrift.ts'

export type ColumnKind = 'key' | 'value' | 'time' | 'count' | 'double' | 'flag' | 'sketch'

export interface ParquetColumn {
  path: readonly string[]
  kind: ColumnKind
  /** NULL where count is 0. */
  isOptional: boolean
  /** '' for what BucketColumns does not have. */
  bucketColumn: BucketColumn | ''
}

const flat = (name: string, kind: ColumnKind, bucketColumn: BucketColumn | '', isOptional: boolean): ParquetColumn => ({ path: [name], kind, bucketColumn, isOptional })

/** Leaves of the schema, in the order of their chunks. */
export const PARQUET_COLUMNS: readonly ParquetColumn[] = [
  { path: ['labels', 'key_value', 'key'], kind: 'key', bucketColumn: '', isOptional: false },
  { path: ['labels', 'key_value', 'value'], kind: 'value', bucketColumn: '', isOptional: false },
  flat('t', 'time', '', false),
  flat('count', 'count', 'count', false),
  flat('stale_at_end', 'flag', 'staleAtEnd', false),
  flat('first_t', 'time', 'firstT', true),
  flat('last_t', 'time', 'lastT', true),
  flat('sum', 'double', 'sum', true),
  flat('m2', 'double', 'm2', true),
  flat('min', 'double', 'min', true),
  flat('max', 'double', 'max', true),
  flat('first', 'double', 'first', true),
  flat('last', 'double', 'last', true),
  flat('correction', 'double', 'correction', true),
  flat('p99', 'double', 'p99', true),
  flat('sketch', 'sketch', '', false),
]
export const TIME_COLUMN = 2
export const COUNT_COLUMN = 3
export const STALE_COLUMN = 4
export const SKETCH_COLUMN: number = PARQUET_COLUMNS.length - 1

/** Columns as their chunks stand in a stripe: what each query reads, and is small, is next to what most queries read; labels are for others. */
export const STRIPE_ORDER: readonly number[] = ['t', 'count', 'stale_at_end', 'first_t', 'last_t', 'correction', 'last', 'first', 'sum', 'max', 'min', 'm2', 'p99', 'labels'].flatMap((name) => {
  return PARQUET_COLUMNS.flatMap(({ path }, c) => (path[0] === name ? [c] : []))
})

/** Physical types by their number. */
const BOOLEAN = 0
const INT32 = 1
const INT64 = 2
const DOUBLE = 5
const BYTE_ARRAY = 6
const TYPES: Readonly<Record<ColumnKind, number>> = { key: BYTE_ARRAY, value: BYTE_ARRAY, time: INT64, count: INT32, double: DOUBLE, flag: BOOLEAN, sketch: BYTE_ARRAY }

const REQUIRED = 0
const OPTIONAL = 1
const REPEATED = 2
const UTF8 = 0
const MAP = 1
const TIMESTAMP_MILLIS = 9
export const ZSTD = 6

/** Where a column's pages of a row group are. */
export interface ColumnChunk {
  offset: number
  bytes: number
  plainBytes: number
  values: number
  encoding: number
  /** Bytes of the dictionary page at `offset`, 0 if there is none. */
  dictionaryBytes: number
}

export interface RowGroup {
  rows: number
  /** As PARQUET_COLUMNS. */
  chunks: readonly ColumnChunk[]
  minT: number
  maxT: number
}

const i32 = (value: number): ThriftValue => ({ i32: value })
const i64 = (value: number): ThriftValue => ({ i64: value })

export interface PageShape {
  plainBytes: number
  bytes: number
  crc: number
  values: number
  encoding: number
}

/** A page's head; `isDictionary` for the page of a chunk's distinct values. */
export function pageHead({ plainBytes, bytes, crc, values, encoding }: PageShape, isDictionary: boolean): Uint8Array {
  const rest: ThriftStruct = isDictionary
    ? [[7, { struct: [[1, i32(values)], [2, i32(encoding)]] }]]
    : [[5, { struct: [[1, i32(values)], [2, i32(encoding)], [3, i32(3)], [4, i32(3)]] }]]
  const writer = new ThriftWriter()
  // The format has the CRC as a signed number.
  writer.struct([[1, i32(isDictionary ? 2 : 0)], [2, i32(plainBytes)], [3, i32(bytes)], [4, i32(crc | 0)], ...rest])
  return writer.bytes
}

/** What stands at the end of the file, but for its length and the closing magic. */
export function footer(groups: readonly RowGroup[], notes: readonly (readonly [key: string, value: string])[]): Uint8Array {
  const writer = new ThriftWriter()
  writer.struct([
    [1, i32(2)],
    [2, { list: schema() }],
    [3, i64(groups.reduce((sum, { rows }) => sum + rows, 0))],
    [4, { list: groups.map((group) => ({ struct: rowGroup(group) })) }],
    [5, { list: notes.map(([key, value]) => ({ struct: [[1, key], [2, value]] })) }],
    [6, 'Monitor'],
  ])
  return writer.bytes
}

function schema(): ThriftValue[] {
  const empty: ThriftValue = { struct: [] }
  const text: ThriftStruct = [[6, i32(UTF8)], [10, { struct: [[1, empty]] }]]
  const label = (name: string): ThriftValue => ({ struct: [[1, i32(BYTE_ARRAY)], [3, i32(REQUIRED)], [4, name], ...text] })
  return [
    { struct: [[4, 'schema'], [5, i32(PARQUET_COLUMNS.length - 1)]] },
    { struct: [[3, i32(REQUIRED)], [4, 'labels'], [5, i32(1)], [6, i32(MAP)], [10, { struct: [[2, empty]] }]] },
    { struct: [[3, i32(REPEATED)], [4, 'key_value'], [5, i32(2)]] },
    label('key'),
    label('value'),
    ...PARQUET_COLUMNS.slice(2).map(({ path, kind, isOptional }): ThriftValue => {
      const utc: ThriftStruct = [[6, i32(TIMESTAMP_MILLIS)], [10, { struct: [[8, { struct: [[1, true], [2, { struct: [[1, empty]] }]] }]] }]]
      return { struct: [[1, i32(TYPES[kind])], [3, i32(isOptional ? OPTIONAL : REQUIRED)], [4, path[0]!], ...(kind === 'time' ? utc : [])] }
    }),
  ]
}

function rowGroup({ rows, chunks, minT, maxT }: RowGroup): ThriftStruct {
  const columns = chunks.map((chunk, c): ThriftValue => {
    const { path, kind } = PARQUET_COLUMNS[c]!
    const encodings = [...new Set([chunk.encoding, 3, ...(chunk.dictionaryBytes > 0 ? [0] : [])])].map(i32)
    const dictionary: ThriftStruct = chunk.dictionaryBytes > 0 ? [[11, i64(chunk.offset)]] : []
    const statistics: ThriftStruct = c === TIME_COLUMN ? [[12, { struct: [[3, i64(0)], [5, int64(maxT)], [6, int64(minT)]] }]] : []
    return {
      struct: [[2, i64(chunk.offset)], [3, {
        struct: [
          [1, i32(TYPES[kind])], [2, { list: encodings }], [3, { list: path }], [4, i32(ZSTD)], [5, i64(chunk.values)],
          [6, i64(chunk.plainBytes)], [7, i64(chunk.bytes)], [9, i64(chunk.offset + chunk.dictionaryBytes)], ...dictionary, ...statistics,
        ],
      }]],
    }
  })
  const sum = (of: (chunk: ColumnChunk) => number): number => chunks.reduce((total, chunk) => total + of(chunk), 0)
  return [[1, { list: columns }], [2, i64(sum(({ plainBytes }) => plainBytes))], [3, i64(rows)], [6, i64(sum(({ bytes }) => bytes))]]
}

function int64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(BigInt(value))
  return bytes
}
