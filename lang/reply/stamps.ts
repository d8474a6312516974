// `[seconds,"` of every step of a range query, made once for all of its series.
import type { Stamps } from '../../lib/kernels/points.ts'
import type { Steps } from '../exec/operator.ts'
import { writeDigits } from './byte-writer.ts'
import { formatSeconds } from './number-text.ts'

/** Unix ms of ten digits of seconds: 2001 to 2286. */
const TEN_DIGITS_FROM_MS = 1e12
const TEN_DIGITS_TO_MS = 1e13
const HALF = 1e5
const HALF_DIGITS = 5
const MS_DIGITS = 3
/** `[1234567890.123,"` */
const STAMP_BYTES_MAX = 17
/** Kernels read stamps by four bytes. */
const SPARE_BYTES = 3

const BRACKET = 0x5b
const POINT = 0x2e
const ZERO = 0x30
const COMMA = 0x2c
const QUOTE = 0x22

/** Times are whole ms. */
export function stampsOf(steps: Steps): Stamps {
  const { startMs, stepMs, count } = steps
  // Fast path: no text is made.
  return startMs >= TEN_DIGITS_FROM_MS && startMs + (count - 1) * stepMs < TEN_DIGITS_TO_MS ? writtenStamps(steps) : textStamps(steps)
}

function writtenStamps({ startMs, stepMs, count }: Steps): Stamps {
  const bytes = new Uint8Array(count * STAMP_BYTES_MAX + SPARE_BYTES)
  const ends = new Uint32Array(count)
  let at = 0
  for (let i = 0; i < count; i++) {
    const ms = startMs + i * stepMs
    const seconds = Math.floor(ms / 1000)
    const high = Math.floor(seconds / HALF)
    bytes[at++] = BRACKET
    at = writeDigits(bytes, at, high, HALF_DIGITS)
    at = writeDigits(bytes, at, seconds - high * HALF, HALF_DIGITS)
    at = writeRest(bytes, at, ms - seconds * 1000)
    bytes[at++] = COMMA
    bytes[at++] = QUOTE
    ends[i] = at
  }
  return { view: new DataView(bytes.buffer, 0, at + SPARE_BYTES), ends }
}

/** Milliseconds behind the point, without zeros at the end; nothing for 0. */
function writeRest(bytes: Uint8Array, from: number, ms: number): number {
  if (ms === 0) return from
  bytes[from] = POINT
  let end = writeDigits(bytes, from + 1, ms, MS_DIGITS)
  while (bytes[end - 1] === ZERO) end--
  return end
}

function textStamps({ startMs, stepMs, count }: Steps): Stamps {
  const ends = new Uint32Array(count)
  let text = ''
  for (let i = 0; i < count; i++) {
    text += `[${formatSeconds(startMs + i * stepMs)},"`
    ends[i] = text.length
  }
  const bytes = Buffer.from(text + ' '.repeat(SPARE_BYTES), 'latin1')
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), ends }
}
