// The write-ahead log of Prometheus: `wal/checkpoint.N/…`, then `wal/<number>` from N on; what is not yet in a block.
//
//   segment: pages of 32 KiB of fragments { u8 type │ u16 length │ u32 CRC-32C │ data }; a type of 0 ends its page
//   type & 7: 1 whole record, 2 first, 3 middle, 4 last part; & 8 snappy, & 16 zstd (of the whole record)
//
// After prometheus tsdb/wlog/wlog.go and tsdb/record/record.go.
import { zstdDecompressSync } from 'node:zlib'
import { crc32c } from '../../lib/std/crc32c.ts'
import { listFolder, readWhole } from '../../lib/std/fs.ts'
import { SnappyDecoder, SnappyError } from '../../lib/kernels/snappy.ts'
import { ByteReader, PrometheusFormatError } from './byte-reader.ts'

const PAGE_BYTES = 32 * 1024
const FRAGMENT_HEAD_BYTES = 7
const RECORD_BYTES_MAX = 256 * 1024 * 1024
const SNAPPY = 8
const ZSTD = 16

/** Files of a log folder in the order they were written, the newest checkpoint first; its number is the last segment it stands for. */
export function logSegments(folder: string): string[] {
  const names = listFolder(folder)
  const checkpoint = names.filter((name) => /^checkpoint\.\d+$/.test(name)).at(-1)
  const covered = checkpoint === undefined ? -1 : Number(checkpoint.slice('checkpoint.'.length))
  const older = checkpoint === undefined ? [] : listFolder(`${folder}/${checkpoint}`).map((name) => `${folder}/${checkpoint}/${name}`)
  const newer = names.filter((name) => /^\d+$/.test(name) && Number(name) > covered).map((name) => `${folder}/${name}`)
  return [...older, ...newer]
}

/**
 * Visits the records of a segment. A torn or damaged fragment ends it, as it does in Prometheus: `onDamage` is told,
 * unless it is the torn end of a file that was being written.
 */
export function* logRecords(path: string, onDamage: (error: PrometheusFormatError) => void): Generator<ByteReader> {
  const bytes = Buffer.from(readWhole(path))
  const snappy = new SnappyDecoder(RECORD_BYTES_MAX)
  const parts: Buffer[] = []
  try {
    for (let at = 0; at < bytes.length;) {
      const pageLeft = PAGE_BYTES - (at % PAGE_BYTES)
      const type = bytes[at]!
      if (type === 0 || pageLeft < FRAGMENT_HEAD_BYTES) {
        at += pageLeft
        continue
      }
      const reader = new ByteReader(bytes, path, at + 1)
      const length = readFragmentLength(reader, pageLeft)
      parts.push(bytes.subarray(reader.at, reader.at + length))
      at = reader.at + length
      const part = type & 7
      if ((part === 1 || part === 2) && parts.length > 1) throw reader.fail('a record begins inside another')
      if (part === 1 || part === 4) {
        yield new ByteReader(inflate(Buffer.concat(parts), type, snappy), path)
        parts.length = 0
      }
    }
  } catch (error) {
    if (!(error instanceof PrometheusFormatError)) throw error
    onDamage(error)
  }
}

/** Leaves the reader at the fragment's data. */
function readFragmentLength(reader: ByteReader, pageLeft: number): number {
  const length = reader.u8() * 256 + reader.u8()
  const sum = reader.u32()
  if (length + FRAGMENT_HEAD_BYTES > pageLeft) throw reader.fail(`a fragment of ${length} bytes at ${pageLeft} before the end of its page`)
  if (length > reader.left) throw reader.fail(`a fragment of ${length} bytes of which ${reader.left} are there`)
  if (sum !== crc32c(reader.bytes, reader.at, reader.at + length)) throw reader.fail('the checksum of a fragment does not hold')
  return length
}

function inflate(record: Buffer, type: number, snappy: SnappyDecoder): Buffer {
  try {
    if ((type & ZSTD) !== 0) return zstdDecompressSync(record, { maxOutputLength: RECORD_BYTES_MAX })
    if ((type & SNAPPY) === 0) return record
    const length = snappy.decode(record)
    return Buffer.from(snappy.bytes.buffer, snappy.bytes.byteOffset, length)
  } catch (cause) {
    if (!(cause instanceof SnappyError) && !(cause instanceof RangeError) && !isZlibError(cause)) throw cause
    throw new PrometheusFormatError(`cannot inflate a record of the log: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function isZlibError(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && String(cause.code).startsWith('ZSTD_')
}
