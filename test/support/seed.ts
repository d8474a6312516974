// The seeds of tests, all of the run's one: an outcome can be had again.
let seedsGiven = 0

/** Of SEED, which `npm test` sets and prints (test/vitest.config.ts): that at first, then each time another made of it. */
export function testSeed(): number {
  return (Number(process.env['SEED'] ?? 1) + Math.imul(seedsGiven++, 0x9e3779b1)) >>> 0
}
