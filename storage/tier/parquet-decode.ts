// Column chunks of our own Parquet files back to values: pages by their heads, checked, unpacked, decoded into columns of one
// row group. (Other readers read the files by their footer; this one is led by the sidecar.)
import { crc32 } from 'node:zlib'
import { unzstdInto } from '../../lib/std/zstd.ts'
import { unpackBits, unzigzag } from '../codec/bits.ts'
import { BYTE_STREAM_SPLIT, DELTA_BINARY_PACKED, DELTA_BLOCK, DELTA_MINIBLOCKS, PLAIN } from './parquet-encode.ts'
import type { ColumnKind, ParquetColumn } from './parquet-schema.ts'
import { readStruct, type ReadStruct } from './parquet-thrift.ts'

const MINIBLOCK = DELTA_BLOCK / DELTA_MINIBLOCKS
/** A page larger than this is none of ours. */
const PAGE_BYTES_MAX = 1 << 28

/** Bytes that are no pages of ours. */
export class PageError extends Error {
  readonly code = 'PARQUET_PAGE'
}

/** Holds the page that was read last: a new array for each of thousands is zeroed, and collected. */
let scratch = new Uint8Array(1 << 16)

interface Page {
  bytes: Uint8Array
  encoding: number
}

/** Rows [from, to) of a row group. */
export interface RowSpan {
  from: number
  to: number
}

/** Values of a chunk of `rows` rows, NULLs as NaN, into `out`; of a span those of its rows, in their places, others may be there too. */
export function decodeNumbers(chunk: Uint8Array, rows: number, { kind, isOptional }: Pick<ParquetColumn, 'kind' | 'isOptional'>, out: Float64Array, span: RowSpan = { from: 0, to: rows }): void {
  const { bytes, encoding } = readPage(chunk)
  const body = { at: 0 }
  const present = isOptional ? readPresent(bytes, rows, body) : null
  const n = present === null ? rows : present.reduce((sum, bit) => sum + bit, 0)
  // Where values stand closer than rows, all of them are read.
  const { from, to } = present === null ? span : { from: 0, to: n }
  switch (encoding) {
    case DELTA_BINARY_PACKED: readDeltas(bytes, body.at, n, to, out); break
    case BYTE_STREAM_SPLIT: readSplit(bytes, body.at, n, { from, to }, out); break
    case PLAIN: readPlain(bytes, body.at, n, kind, out); break
    default: throw new PageError(`encoding ${encoding} of numbers`)
  }
  if (present === null) return
  for (let i = rows - 1, at = n; i >= 0; i--) out[i] = present[i] === 1 ? out[--at]! : NaN
}

export function decodeFlags(chunk: Uint8Array, rows: number, out: Uint8Array): void {
  const { bytes } = readPage(chunk)
  if (bytes.length < (rows + 7) >>> 3) throw new PageError(`${bytes.length} bytes of ${rows} flags`)
  for (let i = 0; i < rows; i++) out[i] = (bytes[i >>> 3]! >>> (i & 7)) & 1
}

/** A chunk's texts of bytes one after the other; `at` (rows + 1) gets where each begins. */
export function decodeBinaries(chunk: Uint8Array, rows: number, at: Uint32Array): Uint8Array {
  const { bytes } = readPage(chunk)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const out = new Uint8Array(bytes.length)
  let to = 0
  for (let i = 0, from = 0; i < rows; i++) {
    if (from + 4 > bytes.length) throw new PageError(`${i} of ${rows} texts`)
    const length = view.getUint32(from, true)
    at[i] = to
    if (from + 4 + length > bytes.length) throw new PageError(`a text of ${length} bytes`)
    out.set(bytes.subarray(from + 4, from + 4 + length), to)
    to += length
    from += 4 + length
  }
  at[rows] = to
  return out
}

/** Looks at all pages of a chunk, dictionaries included. Throws PageError. */
export function checkPages(chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length;) at += packedPage(chunk.subarray(at)).end
}

/** The page that `chunk` begins with; its bytes are good until the next is read. */
function readPage(chunk: Uint8Array): Page {
  const { fields, packed, plainBytes } = packedPage(chunk)
  const shape = fields.get(5)
  const encoding = shape instanceof Map ? (shape as ReadStruct).get(2) : undefined
  if (typeof encoding !== 'number') throw new PageError('a page without an encoding')
  if (plainBytes < 0 || plainBytes > PAGE_BYTES_MAX) throw new PageError(`a page of ${plainBytes} bytes`)
  if (scratch.length <= plainBytes) scratch = new Uint8Array(2 * plainBytes)
  const bytes = scratch.subarray(0, plainBytes + 1)
  try {
    unzstdInto(packed, bytes, plainBytes)
  } catch (error) {
    throw new PageError(`a page that does not unpack to its ${plainBytes} bytes`, { cause: error })
  }
  return { bytes: bytes.subarray(0, plainBytes), encoding }
}

/** The same as it stands there, its checksum found to hold; `end`: where it ends in the chunk. */
function packedPage(chunk: Uint8Array): { fields: ReadStruct; packed: Uint8Array; plainBytes: number; end: number } {
  let head: { fields: ReadStruct; end: number }
  try {
    head = readStruct(chunk, 0)
  } catch (error) {
    throw new PageError(error instanceof Error ? error.message : String(error))
  }
  const { fields } = head
  const [plainBytes, packedBytes, crc] = [fields.get(2), fields.get(3), fields.get(4)]
  if (typeof plainBytes !== 'number' || typeof packedBytes !== 'number' || typeof crc !== 'number') throw new PageError('a page without a head')
  const end = head.end + packedBytes
  const packed = chunk.subarray(head.end, end)
  if (packed.length < packedBytes || crc32(packed) !== crc >>> 0) throw new PageError('the checksum of a page does not hold')
  return { fields, packed, plainBytes, end }
}

/** null where nothing is NULL. */
function readPresent(bytes: Uint8Array, rows: number, body: { at: number }): Uint8Array | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const end = 4 + view.getUint32(0, true)
  const head = readVarint(bytes, 4)
  body.at = end
  // A run of ones, or packed bits.
  if (head.value % 2 === 0 && head.value / 2 === rows && bytes[head.at] === 1) return null
  if (head.value % 2 === 0 || head.at + (head.value >>> 1) > bytes.length || (head.value >>> 1) * 8 < rows) throw new PageError('levels of another form')
  const present = new Uint8Array(rows)
  for (let i = 0; i < rows; i++) present[i] = (bytes[head.at + (i >>> 3)]! >>> (i & 7)) & 1
  return present
}

function readPlain(bytes: Uint8Array, at: number, n: number, kind: ColumnKind, out: Float64Array): void {
  const width = kind === 'count' ? 4 : 8
  if (at + n * width > bytes.length) throw new PageError(`${bytes.length - at} bytes of ${n} numbers`)
  if (kind === 'double') {
    new Uint8Array(out.buffer, out.byteOffset, n * 8).set(bytes.subarray(at, at + n * 8))
    return
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, n * width)
  if (kind === 'count') for (let i = 0; i < n; i++) out[i] = view.getInt32(i * 4, true)
  else for (let i = 0; i < n; i++) out[i] = Number(view.getBigInt64(i * 8, true))
}

/** Of `n` values those of the span. */
function readSplit(bytes: Uint8Array, at: number, n: number, { from, to }: RowSpan, out: Float64Array): void {
  if (at + n * 8 > bytes.length) throw new PageError(`${bytes.length - at} bytes of ${n} numbers`)
  const whole = new Uint8Array(out.buffer, out.byteOffset, n * 8)
  for (let b = 0; b < 8; b++) {
    const plane = at + b * n
    for (let i = from; i < to; i++) whole[i * 8 + b] = bytes[plane + i]!
  }
}

const miniblock = new Float64Array(MINIBLOCK)

/** Of `n` values the first `until`. */
function readDeltas(bytes: Uint8Array, at: number, n: number, until: number, out: Float64Array): void {
  const heads: number[] = []
  while (heads.length < 4) {
    const read = readVarint(bytes, at)
    heads.push(read.value)
    at = read.at
  }
  if (heads[0] !== DELTA_BLOCK || heads[1] !== DELTA_MINIBLOCKS || heads[2] !== n) throw new PageError(`differences in blocks of ${heads.join(', ')}`)
  let value = unzigzag(heads[3]!)
  if (n > 0) out[0] = value
  for (let i = 1; i < until;) {
    const head = readVarint(bytes, at)
    const least = unzigzag(head.value)
    const widths = head.at
    at = widths + DELTA_MINIBLOCKS
    for (let m = 0; m < DELTA_MINIBLOCKS && i < until; m++) {
      const width = bytes[widths + m]!
      // Fast path: counts, and times of one series, hour by hour.
      if (width === 0) {
        for (const end = Math.min(until, i + MINIBLOCK); i < end; i++) out[i] = value += least
        continue
      }
      if (width > 32 || at + width * 4 > bytes.length) throw new PageError(`differences of ${width} bits`)
      unpackBits(bytes, at, miniblock, 0, MINIBLOCK, least, width)
      at += width * 4
      for (let k = 0; k < MINIBLOCK && i < until; k++) out[i++] = value += miniblock[k]!
    }
  }
}

function readVarint(bytes: Uint8Array, at: number): { value: number; at: number } {
  let value = 0
  for (let unit = 1; at < bytes.length && unit < 2 ** 63; unit *= 128) {
    const byte = bytes[at++]!
    value += (byte & 127) * unit
    if (byte < 128) return { value, at }
  }
  throw new PageError('a number that breaks off')
}
