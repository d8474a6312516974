// What a piece looks like to its encoder and its decoder (FORMAT.md, "Piece").

/** Rows a piece holds at the most. */
export const PIECE_ROWS = 1024
/** Bytes a piece takes at the most, its presence included. */
export const PIECE_BYTES_MAX: number = 1 + 2 + PIECE_ROWS / 4 + 8 + PIECE_ROWS / 8 + PIECE_ROWS * 9
/** In the head, beside the kind. */
export const PIECE_GAPS = 4
export const PIECE_HISTOGRAMS = 8
export const PIECE_START_TIMES = 16
export const PIECE_SHORT = 32
/** In the shape of decimals, beside the exponent. */
export const ORDER_SHIFT = 4
export const DECIMAL_SPARSE = 64
export const DECIMAL_PATCHED = 128
