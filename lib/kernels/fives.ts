// Powers of five for assembly/read-number.ts: the highest 128 bits of each, those of negative exponents rounded up (Lemire,
// "Number Parsing at a Gigabyte per Second", 2021).

/** Writes 5^q for q from -max to max to `words`, two of 64 bits each, the lower first. */
export function fillFives(words: BigUint64Array, max: number): void {
  for (let q = -max; q <= max; q++) {
    const power = 5n ** BigInt(Math.abs(q))
    const bits = BigInt(power.toString(2).length)
    const g = q >= 0 ? (power << 128n) >> bits : (1n << (bits + 127n)) / power + 1n
    words[2 * (q + max)] = BigInt.asUintN(64, g)
    words[2 * (q + max) + 1] = g >> 64n
  }
}
