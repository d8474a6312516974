// Remote write 2.0 as 1.0 (twin: lib/format/remote-write-v2.ts, which has both formats): what senders send, in the order in which they
// do. Whatever else is legal, and all that is not, is left to the twin.
import {
  DECODED, DESCRIBED, DESCRIBED_MAX, REFS, REFS_MAX, SEEN, SYMBOLS_MAX, SYMBOL_ENDS, SYMBOL_STARTS, TRANSLATED, TRANSLATED_BYTES, TRANSLATED_COUNTS,
} from './memory'
import { next, varint } from './varint'

const STRIDE: usize = 16
const SYMBOL: u8 = 0x22
const SERIES: u8 = 0x2a
/** Of a series: refs of labels, samples, histograms, metadata and the start of the counter. */
const LABELS_REFS: u8 = 0x0a
const SAMPLE: u8 = 0x12
const HISTOGRAM: u8 = 0x1a
const METADATA: u8 = 0x2a
const CREATED: u8 = 0x30
/** `__name__`, and the length of its symbol. */
const NAME: u64 = 0x5f5f656d616e5f5f
const NAME_BYTES: u32 = 9

let symbolCount: i32 = 0
let nameRef: i32 = 0
let describedCount: i32 = 0
/** Of the series at hand: refs of its labels, bytes of their symbols, and the symbol of its metric's name, -1 where it has none. */
let refCount: i32 = 0
let symbolBytes: usize = 0
let metric: i32 = 0

/** Writes to TRANSLATED what DECODED[0, length) says; returns how many bytes that are, -1 where the twin must do it. */
export function translateRequest(length: i32): i32 {
  const end = DECODED + length
  if (!readSymbols(end)) return -1
  describedCount = 0
  let to = TRANSLATED
  for (let at = DECODED; at < end;) {
    const tag = load<u8>(at)
    const size = varint(at + 1, end)
    at = next + size
    if (tag === SYMBOL) continue
    to = writeSeries(next, at, to)
    if (to === 0) return -1
  }
  store<u32>(TRANSLATED_COUNTS, symbolCount)
  store<u32>(TRANSLATED_COUNTS + 4, describedCount)
  return i32(to - TRANSLATED)
}

/** Where the length of each symbol stands and where it ends; false where the request is not made of symbols and series alone. */
function readSymbols(end: usize): bool {
  symbolCount = 0
  nameRef = -1
  for (let at = DECODED; at < end;) {
    const tag = load<u8>(at)
    const size = varint(at + 1, end)
    if (next === 0 || size > end - next || (tag !== SYMBOL && tag !== SERIES)) return false
    if (tag === SYMBOL) {
      if (symbolCount === SYMBOLS_MAX) return false
      store<u32>(SYMBOL_STARTS + (<usize>symbolCount << 2), <u32>(at + 1 - DECODED))
      store<u32>(SYMBOL_ENDS + (<usize>symbolCount << 2), <u32>(next + size - DECODED))
      if (nameRef < 0 && <u32>(next + size - at - 1) === NAME_BYTES && load<u64>(next) === NAME) nameRef = symbolCount
      symbolCount++
    }
    at = next + size
  }
  memory.fill(SEEN, 0, symbolCount)
  return true
}

/** Writes the series in [from, end) at `to`; returns where it ends, or 0. */
function writeSeries(from: usize, end: usize, to: usize): usize {
  let at = readRefs(from, end)
  if (at === 0) return 0
  // A length of five bytes, and each label has three tags and a length, too.
  if (to + 6 + symbolBytes + (<usize>refCount << 2) + (end - at) > TRANSLATED + TRANSLATED_BYTES) return 0
  store<u8>(to, 0x0a)
  const begin = to + 6
  to = writeLabels(begin)
  let metadata: usize = 0
  let metadataEnd: usize = 0
  while (at < end) {
    const tag = load<u8>(at)
    if (tag === CREATED) {
      at = behindVarint(at + 1, end)
      if (at === 0) return 0
      continue
    }
    const size = varint(at + 1, end)
    if (next === 0 || size > end - next) return 0
    if (tag === SAMPLE || tag === HISTOGRAM) {
      const n = next + size - at
      copy(to, at, n)
      if (tag === HISTOGRAM) store<u8>(to, 0x22)
      to += n
    } else if (tag === METADATA) {
      metadata = next
      metadataEnd = next + size
    } else return 0
    at = next + size
  }
  writeLength(begin - 5, <u32>(to - begin))
  return metadata === 0 || metric < 0 || describe(metadata, metadataEnd) ? to : 0
}

/** Reads the refs of labels that a series begins with; returns where they end, 0 where they are not packed, or not those of symbols in pairs. */
function readRefs(from: usize, end: usize): usize {
  refCount = 0
  symbolBytes = 0
  metric = -1
  if (from >= end || load<u8>(from) !== LABELS_REFS) return 0
  const size = varint(from + 1, end)
  if (next === 0 || size > end - next) return 0
  let at = next
  const to = at + size
  while (at < to) {
    const ref = <i32>varint(at, to)
    if (next === 0 || ref >= symbolCount || refCount === REFS_MAX) return 0
    at = next
    if (metric < 0 && (refCount & 1) === 1 && load<u32>(REFS + (<usize>(refCount - 1) << 2)) === <u32>nameRef) metric = ref
    store<u32>(REFS + (<usize>refCount << 2), <u32>ref)
    refCount++
    const symbol = <usize>ref << 2
    symbolBytes += <usize>(load<u32>(SYMBOL_ENDS + symbol) - load<u32>(SYMBOL_STARTS + symbol))
  }
  return (refCount & 1) === 0 ? to : 0
}

function writeLabels(to: usize): usize {
  for (let i: usize = 0; i < <usize>refCount; i += 2) {
    const name = <usize>load<u32>(REFS + (i << 2)) << 2
    const value = <usize>load<u32>(REFS + (i << 2) + 4) << 2
    const nameAt = <usize>load<u32>(SYMBOL_STARTS + name)
    const valueAt = <usize>load<u32>(SYMBOL_STARTS + value)
    const nameBytes = <usize>load<u32>(SYMBOL_ENDS + name) - nameAt
    const valueBytes = <usize>load<u32>(SYMBOL_ENDS + value) - valueAt
    store<u8>(to++, 0x0a)
    let rest = <u32>(2 + nameBytes + valueBytes)
    for (; rest >= 128; rest >>= 7) store<u8>(to++, <u8>(rest | 128))
    store<u8>(to++, <u8>rest)
    store<u8>(to++, 0x0a)
    copy(to, DECODED + nameAt, nameBytes)
    to += nameBytes
    store<u8>(to++, 0x12)
    copy(to, DECODED + valueAt, valueBytes)
    to += valueBytes
  }
  return to
}

/** Notes the metadata in [from, to) where they are the first of the metric; false where that are too many. */
function describe(from: usize, to: usize): bool {
  if (load<u8>(SEEN + <usize>metric) !== 0) return true
  if (describedCount === DESCRIBED_MAX) return false
  store<u8>(SEEN + <usize>metric, 1)
  const at = DESCRIBED + <usize>describedCount * 12
  store<u32>(at, <u32>metric)
  store<u32>(at + 4, <u32>(from - DECODED))
  store<u32>(at + 8, <u32>(to - DECODED))
  describedCount++
  return true
}

/** A varint of five bytes, whatever the value. */
function writeLength(at: usize, value: u32): void {
  for (let i: usize = 0; i < 4; i++, value >>= 7) store<u8>(at + i, <u8>(value | 128))
  store<u8>(at + 4, <u8>value)
}

/** Where the varint at `at` ends, 0 where it does not. */
function behindVarint(at: usize, end: usize): usize {
  for (let i = 0; i < 10 && at < end; i++) if (load<u8>(at++) < 128) return at
  return 0
}

// @ts-ignore: decorator
@inline
function copy(to: usize, from: usize, n: usize): void {
  if (n <= 64) for (let i: usize = 0; i < n; i += STRIDE) v128.store(to + i, v128.load(from + i))
  else memory.copy(to, from, n)
}
