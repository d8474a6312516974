// Known series of a remote write 1.0 body (twin: RemoteWriteReceiver.#readSeries, lib/ingest/remote-write.ts): each is predicted to be
// the one that followed the last time, its labels are compared, its samples become columns.
//
//   body    │tag, length│labels of B│samples│tag, length│labels of C…
//   KNOWN   A ──▶ B ──▶ C   next, ref, place and length of the labels
//
// What is not as predicted, or has anything but samples as senders write them, is left to the twin.
import {
  KNOWN, KNOWN_LABELS, KNOWN_LABELS_BYTES, KNOWN_PAGE, WALK, WALK_ORIGINS, WALK_REFS, WALK_SAMPLES_MAX, WALK_STALE, WALK_TIMES, WALK_VALUES,
} from './memory'
import { next, varint } from './varint'

const SERIES: u8 = 0x0a
/** A sample has 18 bytes: its tag and length, the tag of the value, which stands from the fourth on; then the tag of the time, and that in six. */
const SAMPLE_BYTES: usize = 18
const SAMPLE_HEAD: u32 = 0x091012
const STALE_NAN: u64 = 0x7ff0000000000002
/** Of the last eight bytes but the first: the tag, five that go on and one that does not; and what they are. */
const TIME_SHAPE: u64 = 0x808080808080ff00
const TIME_HEAD: u64 = 0x0080808080801000

// What is met, as lib/ingest/write-batch.ts takes it.
const HAS_STALE: u32 = 1
const DESCENDS: u32 = 2

/**
 * Goes on at WALK in `body`, `length` bytes, as far as series are known ones; WALK then says where that is. Returns how many samples
 * they had. Never ends within a series.
 */
export function walkSeries(body: usize, length: u32): u32 {
  let at = body + <usize>load<u32>(WALK)
  let last = <usize>load<u32>(WALK, 4)
  let met: u32 = 0
  let count: usize = 0
  const limit = body + <usize>length
  while (at < limit && load<u8>(at) === SERIES) {
    const size = varint(at + 1, limit)
    const from = next
    if (from === 0 || size > limit - from) break
    const end = from + size
    const guess = <usize>load<u32>(KNOWN + (last << 4))
    const known = KNOWN + (guess << 4)
    const ref = load<u32>(known, 4)
    const place = <usize>load<u32>(known, 8)
    const labelBytes = <usize>load<u32>(known, 12)
    if (guess === 0 || ref === 0 || place >= KNOWN_LABELS_BYTES || labelBytes > KNOWN_PAGE || labelBytes >= size) break
    if (!isEqual(from, KNOWN_LABELS + place, labelBytes)) break
    const samples = readSamples(from + labelBytes, end, count)
    if (samples === 0) break
    met |= marks
    for (const to = count + samples; count < to; count++) {
      store<u32>(WALK_REFS + (count << 2), ref)
      store<u32>(WALK_ORIGINS + (count << 2), <u32>(from - body))
    }
    last = guess
    at = end
  }
  store<u32>(WALK, <u32>(at - body))
  store<u32>(WALK, <u32>last, 4)
  store<u32>(WALK, met, 8)
  return <u32>count
}

/** What is met by readSamples. */
let marks: u32 = 0

/** Reads [at, end) to the columns from `first` on; returns how many samples that are, 0 where it is anything else, or too much. */
// @ts-ignore: decorator
@inline
function readSamples(at: usize, end: usize, first: usize): usize {
  let met: u32 = 0
  let i = first
  let lastTime: u64 = 0
  for (; at < end; at += SAMPLE_BYTES, i++) {
    if (at + SAMPLE_BYTES > end || i === WALK_SAMPLES_MAX || (load<u32>(at) & 0xffffff) !== SAMPLE_HEAD) return 0
    const tail = load<u64>(at + SAMPLE_BYTES - 8)
    if ((tail & TIME_SHAPE) !== TIME_HEAD) return 0
    const time = ((tail >> 16) & 0x7f) | ((tail >> 17) & 0x3f80) | ((tail >> 18) & 0x1fc000) | ((tail >> 19) & 0xfe00000) |
      ((tail >> 20) & 0x7f0000000) | ((tail >> 21) & 0x3f800000000)
    const bits = load<u64>(at + 3)
    let value = reinterpret<f64>(bits)
    let stale: u8 = 0
    if (value !== value) {
      value = NaN
      if (bits === STALE_NAN) {
        stale = 1
        met |= HAS_STALE
      }
    }
    store<f64>(WALK_VALUES + (i << 3), value)
    store<f64>(WALK_TIMES + (i << 3), <f64>time)
    store<u8>(WALK_STALE + i, stale)
    if (time < lastTime) met |= DESCENDS
    lastTime = time
  }
  marks = met
  return i - first
}

// @ts-ignore: decorator
@inline
function isEqual(a: usize, b: usize, size: usize): bool {
  if (size < 16) {
    for (let i: usize = 0; i < size; i++) if (load<u8>(a + i) !== load<u8>(b + i)) return false
    return true
  }
  const last = size - 16
  let i: usize = 0
  for (; i + 16 < last; i += 32) {
    const differ = v128.or(v128.xor(v128.load(a + i), v128.load(b + i)), v128.xor(v128.load(a + i, 16), v128.load(b + i, 16)))
    if (v128.any_true(differ)) return false
  }
  // One more where it is whole, and the last one, which overlaps.
  if (i < last && v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return false
  return !v128.any_true(v128.xor(v128.load(a + last), v128.load(b + last)))
}
