// Start times in chunks that have some (prometheus tsdb/chunkenc/st.go, xor2.go), behind each sample of the stream. They are
// read past: an import takes values, and no start times.
//
//   header: 128 where the first sample has one │ number of the first sample whose start time is another (0: none is)
import type { BitReader } from './bit-reader.ts'

const FIRST_KNOWN = 0x80

/** Leaves the reader behind the start time of sample `i`, of which the samples before were asked for. */
export function skipStartTime(bits: BitReader, header: number, i: number): void {
  const changesAt = header & ~FIRST_KNOWN
  if (i === 0 && (header & FIRST_KNOWN) !== 0) bits.varint()
  else if (i > 0 && changesAt > 0 && i >= changesAt) bits.varbitInt()
}
