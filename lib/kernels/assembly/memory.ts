// Who has which part of the one memory. It never grows, so that views of it stay; pages that nothing touched cost nothing.
//
//   0         constants of the compiler
//   64 KiB    POWERS        10^-k in 126 bits for each k, filled in as needed (../powers.ts)
//   128 KiB   numbers:      stamps, values, their ends and kinds, and the text
//   512 KiB   pieces:       their bytes, values on the way, values, and how to unpack each width
//   1 MiB     SOURCE        a Snappy block
//   6 MiB     DECODED       what it says

export const POWERS: usize = 0x10000
export const STAMPS: usize = 0x20000
export const STAMPS_BYTES: usize = 0x10000
export const STAMP_ENDS: usize = 0x30000
export const VALUES: usize = 0x34000
export const KINDS: usize = 0x3c000
export const TEXT: usize = 0x40000
/** Points that are written at once. */
export const POINTS_MAX: i32 = 2048
/** A piece's body, PIECE_BYTES of it, and room to read past it. */
export const PIECE: usize = 0x80000
export const PIECE_BYTES: usize = 0x3000
export const RESIDUALS: usize = 0x84000
export const PIECE_VALUES: usize = 0x87000
export const PIECE_ROWS: i32 = 1024
export const WIDTHS: usize = 0x8a000
export const SOURCE: usize = 0x100000
export const SOURCE_BYTES: usize = 0x4f0000
export const DECODED: usize = 0x600000
export const DECODED_BYTES: usize = 0x400000
