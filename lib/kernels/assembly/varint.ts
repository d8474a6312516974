// Varints as senders write them: lengths, refs and tags.

/** Where the varint ends that was read last; 0 where it is not one of four bytes at the most, or of five whose last is 0. */
export let next: usize = 0

// @ts-ignore: decorator
@inline
export function varint(at: usize, end: usize): usize {
  next = 0
  if (at >= end) return 0
  const first = <usize>load<u8>(at)
  if (first < 128) {
    next = at + 1
    return first
  }
  return longVarint(at, end)
}

function longVarint(at: usize, end: usize): usize {
  let value: usize = 0
  for (let shift: usize = 0; shift <= 28; shift += 7) {
    if (at >= end) return 0
    const byte = <usize>load<u8>(at++)
    if (shift === 28 && byte !== 0) return 0
    value |= (byte & 127) << shift
    if (byte < 128) {
      next = at
      return value
    }
  }
  return 0
}
