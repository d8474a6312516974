// Powers of ten for assembly/number-text.ts, each made when a number first needs it: 10^-k as g · 2^r, g of 126 bits, rounded up.

/** Writes g for k to two words of 64 bits at `at`, the lower first. */
export function powerOfTen(k: number, memory: ArrayBuffer, at: number): void {
  // ⌊log2 10^-k⌋ - 125; exact for all k of doubles.
  const r = Math.floor((-k * 1_741_647) / 2 ** 19) - 125
  const power = 10n ** BigInt(Math.abs(k))
  const down = k > 0 ? (1n << BigInt(-r)) / power : r < 0 ? power << BigInt(-r) : power >> BigInt(r)
  const words = new BigUint64Array(memory, at, 2)
  words[0] = BigInt.asUintN(64, down + 1n)
  words[1] = (down + 1n) >> 64n
}
