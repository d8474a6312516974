// The floats of a series as `[seconds,"value"]` with commas between them (twin: ByteWriter.points, lang/reply/byte-writer.ts).
import { KINDS, STAMPS, STAMP_ENDS, TEXT, VALUES } from './memory'
import { writeNumber } from './number-text'

/** A float, as lang/exec/operator.ts has it. */
const FLOAT: u8 = 1

/** Writes `count` points to TEXT, the first after a comma if `isBegun`; returns how many bytes that were. */
export function writePoints(count: i32, isBegun: i32): i32 {
  let to = TEXT
  let from = STAMPS
  for (let i = 0; i < count; i++) {
    const end = STAMPS + load<u32>(STAMP_ENDS + (<usize>i << 2))
    if (load<u8>(KINDS + i) === FLOAT) {
      store<u8>(to, 0x2c)
      to += isBegun
      isBegun = 1
      // By 16; what is written too far is overwritten by the value.
      for (let k: usize = 0; from + k < end; k += 16) v128.store(to + k, v128.load(from + k))
      to = writeNumber(load<f64>(VALUES + (<usize>i << 3)), to + (end - from))
      store<u16>(to, 0x5d22)
      to += 2
    }
    from = end
  }
  return <i32>(to - TEXT)
}
