// Who has which part of the one memory; pages that nothing touched cost nothing. What stands behind KNOWN is there from the first
// request of remote write on (../module.ts).
//
//   0         constants of the compiler
//   64 KiB    POWERS        10^-k in 126 bits for each k, filled in as needed (../powers.ts)
//   128 KiB   numbers:      stamps, values, their ends and kinds, and the text
//   512 KiB   pieces:       their bytes, values, both on the way, and how to unpack each width
//   1 MiB     SOURCE        a Snappy block
//   6 MiB     DECODED       what it says
//   10.25 MiB lines:        powers of five, lines of a target's last body and of this one, samples, and both bodies
//   16.1 MiB  chunks:       rows of values, a column on its way, and what it is encoded to
//   16.5 MiB  requests of remote write 2.0: their symbols, refs of a series, metadata, and what 1.0 says of DECODED
//   21.5 MiB  samples of a request of remote write
//   22 MiB    KNOWN: known series of remote write, their labels from 86 MiB on

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
/** Of a piece to be encoded: its decimals, their residuals that are not 0, rows that are no decimals, and of one miniblock the values and how many are how wide. */
export const SCALED: usize = 0x8b000
export const LISTED: usize = 0x8e000
export const PATCHES: usize = 0x91000
export const MINIBLOCK_VALUES: usize = 0x91100
export const WIDTH_COUNTS: usize = 0x91600
export const SOURCE: usize = 0x100000
export const SOURCE_BYTES: usize = 0x4f0000
export const DECODED: usize = 0x600000
export const DECODED_BYTES: usize = 0x400000
/** 5^q in 128 bits for q from -FIVES_MAX on (../fives.ts). */
export const FIVES: usize = 0xa40000
export const FIVES_MAX: i32 = 64
/** Where matchLines stands: place, line, family, samples, tracked ones, dropped ones. */
export const MATCH: usize = 0xa41000
export const LAST_ENDS: usize = 0xa50000
export const LINE_INFOS: usize = 0xa70000
export const LINE_REFS: usize = 0xa90000
export const LINE_ENDS: usize = 0xab0000
export const SAMPLE_REFS: usize = 0xad0000
export const LAST_VALUES: usize = 0xb00000
export const LINE_VALUES: usize = 0xb40000
export const SAMPLE_VALUES: usize = 0xb80000
export const LINES_MAX: i32 = 0x8000
export const LAST_BODY: usize = 0xc00000
export const BODY: usize = 0xe10000
/** Of each body, and room to read past it. */
export const BODY_BYTES: i32 = 0x200000
/** Rows of the head, one behind the other, and columns at the most. */
export const CHUNK_VALUES: usize = 0x1020000
export const CHUNK_COLUMNS_MAX: i32 = 512
export const CHUNK_ROWS_MAX: i32 = 32
export const CHUNK_COLUMN: usize = 0x1040000
export const CHUNK_MANTISSAS: usize = 0x1040200
export const CHUNK_DELTAS: usize = 0x1040400
export const CHUNK_SECONDS: usize = 0x1040600
export const CHUNK_HINTS: usize = 0x1041000
export const CHUNK_ENDS: usize = 0x1042000
export const CHUNKS: usize = 0x1050000
/** Of each symbol: where its length stands in DECODED, where it ends, and whether it names a metric whose metadata are known. */
export const SYMBOLS_MAX: i32 = 0x10000
export const SYMBOL_STARTS: usize = 0x1080000
export const SYMBOL_ENDS: usize = 0x10c0000
export const SEEN: usize = 0x1100000
export const REFS: usize = 0x1110000
export const REFS_MAX: i32 = 0x1000
/** How many symbols and how many DESCRIBED there are. */
export const TRANSLATED_COUNTS: usize = 0x111f000
/** Metadata: symbol of the metric's name, from and to in DECODED. */
export const DESCRIBED: usize = 0x1120000
export const DESCRIBED_MAX: i32 = 0x2000
/** And room to write past it. */
export const TRANSLATED: usize = 0x1140000
export const TRANSLATED_BYTES: usize = 0x400000
/** Samples of known series that are read at once. */
export const WALK_SAMPLES_MAX: usize = 0x2000
export const WALK_VALUES: usize = 0x1580000
export const WALK_TIMES: usize = 0x1590000
export const WALK_REFS: usize = 0x15a0000
export const WALK_ORIGINS: usize = 0x15a8000
export const WALK_STALE: usize = 0x15b0000
/** Where walkSeries stands: place in the body, entry of the last series; what it met. */
export const WALK: usize = 0x15b2000
/** Of each entry: the one that follows it, ref, place of its labels and their length, as lib/ingest/series-cache.ts has them. */
export const KNOWN: usize = 0x1600000
export const KNOWN_MAX: i32 = 0x400000
export const KNOWN_LABELS: usize = 0x5600000
export const KNOWN_LABELS_BYTES: usize = 0x20000000
/** What is longer lies elsewhere. */
export const KNOWN_PAGE: usize = 0x100000
