// Lists of any number of values without gaps (FORMAT.md, "Value list"): chunks of 128 values, one behind the other.
// Start times, bounds of custom buckets and the counts of native histograms are such lists.
import { decodeStretch } from './chunk-decode.ts'
import { STRETCH_VALUES, encodeChunk, lastHint } from './chunk-encode.ts'

/** Bytes that a list of n values takes at the most. */
export function valueListBytesMax(n: number): number {
  return n * 9 + Math.ceil(n / STRETCH_VALUES) * 16
}

/** Writes src[from, from + n) to out at `at`; returns the position behind it. `out` needs valueListBytesMax(n) bytes of room. */
export function encodeValueList(src: Float64Array, from: number, n: number, out: Uint8Array, at: number): number {
  let hint = 0
  for (let done = 0; done < n; done += STRETCH_VALUES) {
    at = encodeChunk(src, from + done, Math.min(STRETCH_VALUES, n - done), out, at, hint)
    hint = lastHint
  }
  return at
}

/**
 * Reads n values at src[at, …) into out[outAt, …); returns where the list ends. `src` must be readable 8 bytes past it.
 * Throws RangeError on damage it notices.
 */
export function decodeValueList(src: Uint8Array, at: number, n: number, out: Float64Array, outAt: number): number {
  for (let done = 0; done < n; done += STRETCH_VALUES) {
    at = decodeStretch(src, at, Math.min(STRETCH_VALUES, n - done), out, outAt + done)
  }
  return at
}
