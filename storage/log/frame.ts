// Frames: the self-checking records that log, series and head files are made of (FORMAT.md, "Frame").
import { crc32 } from 'node:zlib'

const FRAME_SYNC = 0x9c4d4f4e
export const FRAME_HEAD_BYTES = 16
/** Header and trailer. */
export const FRAME_OVERHEAD_BYTES = 24
/** No frame is longer; a header that claims more is damage. */
const FRAME_PAYLOAD_BYTES_MAX: number = 64 * 1024 * 1024

/** Of an earlier form: read, not written. */
export const TYPE_SPELLED_SERIES = 1
export const TYPE_GROUP = 2
export const TYPE_ROW = 3
export const TYPE_SEGMENT = 4
export const TYPE_SYNCED = 5
export const TYPE_EXEMPLARS = 6
/** In the place of what was damaged; holds nothing. */
export const TYPE_SEALED = 7
export const TYPE_REQUEST = 8
export const TYPE_SERIES = 9
export const TYPE_RENUMBERING = 10

/** The newest of them. */
const TYPE_MAX = TYPE_RENUMBERING

/** False for frames of a later format. */
export function isKnownType(type: number): boolean {
  return type > 0 && type <= TYPE_MAX
}

const SYNC_BYTES = Buffer.from([0x4e, 0x4f, 0x4d, 0x9c])

/** Writes the header of a frame whose payload of `length` bytes (a multiple of 8) follows at `at` + 16. */
function writeFrameHead(bytes: Buffer, at: number, type: number, length: number): void {
  bytes.writeUInt32LE(FRAME_SYNC, at)
  bytes.writeUInt32LE(length, at + 4)
  bytes.writeUInt32LE(type, at + 8)
  bytes.writeUInt32LE(crc32(bytes.subarray(at, at + 12)), at + 12)
}

/** Seals a frame whose payload is in place; returns the position behind it. */
export function sealFrame(bytes: Buffer, at: number, type: number, length: number): number {
  writeFrameHead(bytes, at, type, length)
  const end = at + FRAME_HEAD_BYTES + length
  bytes.writeUInt32LE(crc32(bytes.subarray(at + FRAME_HEAD_BYTES, end)), end)
  bytes.writeUInt32LE(0, end + 4)
  return end + 8
}

/** The payload length that a sound header at `at` gives, or -1. */
export function frameLength(bytes: Buffer, at: number, end: number): number {
  if (at + FRAME_HEAD_BYTES > end || bytes.readUInt32LE(at) !== FRAME_SYNC) return -1
  if (bytes.readUInt32LE(at + 12) !== crc32(bytes.subarray(at, at + 12))) return -1
  const length = bytes.readUInt32LE(at + 4)
  return length > FRAME_PAYLOAD_BYTES_MAX || length % 8 !== 0 ? -1 : length
}

/** True if the payload of the frame at `at` is whole and its checksum holds. */
export function isPayloadSound(bytes: Buffer, at: number, length: number, end: number): boolean {
  const from = at + FRAME_HEAD_BYTES
  if (from + length + 8 > end) return false
  return bytes.readUInt32LE(from + length) === crc32(bytes.subarray(from, from + length))
}

/** The next place from `at` on where a header holds, or -1. */
export function findFrame(bytes: Buffer, at: number, end: number): number {
  for (let p = bytes.indexOf(SYNC_BYTES, at); p >= 0 && p < end; p = bytes.indexOf(SYNC_BYTES, p + 1)) {
    if (frameLength(bytes, p, end) >= 0) return p
  }
  return -1
}
