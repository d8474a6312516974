// Snappy, unpacked (twin: decodeBody, ../snappy.ts, which has the format). By 16 bytes at a time; what is written too far is
// overwritten by what follows, or lies in the room behind the end.
import { DECODED, SOURCE } from './memory'

/** Moves read and write up to here behind the end of what they copy. */
const STRIDE: usize = 16

/** Decodes SOURCE[from, size) to the `length` bytes that it claims; 0 where it does not hold just these, whatever is wrong with it. */
export function decodeSnappy(from: i32, size: i32, length: i32): i32 {
  let at = SOURCE + from
  const end = SOURCE + size
  let to = DECODED
  const limit = DECODED + length
  while (at < end) {
    const tag = <usize>load<u8>(at++)
    const kind = tag & 3
    let n = (tag >> 2) + 1
    if (kind === 0) {
      if (n > 60) {
        const extra = n - 60
        if (extra > end - at) return 0
        // Four bytes may say 2^32 - 1, and one more is 0.
        n = <usize>(load<u32>(at) & (<u32>0xffffffff >> (<u32>(4 - extra) << 3)))
        at += extra
        if (n >= end - at) return 0
        n++
      }
      if (n > end - at || n > limit - to) return 0
      if (n <= 64) for (let i: usize = 0; i < n; i += STRIDE) v128.store(to + i, v128.load(at + i))
      else memory.copy(to, at, n)
      at += n
      to += n
      continue
    }
    let offset: usize
    if (kind === 1) {
      if (at >= end) return 0
      n = 4 + ((tag >> 2) & 7)
      offset = ((tag >> 5) << 8) | <usize>load<u8>(at)
      at++
    } else if (kind === 2) {
      if (end - at < 2) return 0
      offset = <usize>load<u16>(at)
      at += 2
    } else {
      if (end - at < 4) return 0
      offset = <usize>load<u32>(at)
      at += 4
    }
    if (offset === 0 || offset > to - DECODED || n > limit - to) return 0
    const back = to - offset
    if (offset >= STRIDE) for (let i: usize = 0; i < n; i += STRIDE) v128.store(to + i, v128.load(back + i))
    else if (offset >= 8) for (let i: usize = 0; i < n; i += 8) store<u64>(to + i, load<u64>(back + i))
    else for (let i: usize = 0; i < n; i++) store<u8>(to + i, load<u8>(back + i))
    to += n
  }
  return i32(to === limit)
}
