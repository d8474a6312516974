// Typed arrays of other lengths.

/** A copy of `length` elements: the first of `array`, and zeros where it has no more. */
export function resized<T extends Uint16Array | Uint32Array | Float32Array | Float64Array>(array: T, length: number): T {
  const copy = new (array.constructor as new (length: number) => T)(length)
  copy.set(array.subarray(0, length))
  return copy
}
