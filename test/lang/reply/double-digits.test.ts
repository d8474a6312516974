// The quick way of writing doubles against the language's own, which is specified to be the shortest.
import { describe, expect, it } from 'vitest'
import { isPlainDouble, writeShortest } from '../../../lang/reply/double-digits.ts'
import { Random } from '../../../lib/std/random.ts'

const bytes = new Uint8Array(64)
const view = new DataView(bytes.buffer)

/** What it writes; null where it leaves the number to the caller. */
function written(x: number): string | null {
  const end = writeShortest(view, 3, x)
  return end < 0 ? null : new TextDecoder('latin1').decode(bytes.subarray(3, end))
}

function neighbours(x: number): number[] {
  const number = new Float64Array([x])
  const bits = new BigUint64Array(number.buffer)
  const start = bits[0]! - 200n
  return Array.from({ length: 400 }, (_, i) => {
    bits[0] = start + BigInt(i)
    return number[0]!
  })
}

describe('writeShortest', () => {
  it('takes numbers from 1e-5 to 1e17', () => {
    expect([1e-5, -1e-5, 1, 9.9e16].every(isPlainDouble)).toBe(true)
    expect([0, -0, 9.9e-6, 1e17, NaN, Infinity, -Infinity, 5e-324].some(isPlainDouble)).toBe(false)
  })

  it('writes the digits of numbers that need all of them', () => {
    expect(written(12.345678901234567)).toBe('12.345678901234567')
    expect(written(-0.00001234567890123456)).toBe('-0.00001234567890123456')
    expect(written(1 / 3)).toBe('0.3333333333333333')
    expect(written(10 / 3e-5)).toBe(String(10 / 3e-5))
    expect(written(12345678901234568)).toBe('12345678901234568')
  })

  it('agrees with the language over doubles of every size', () => {
    const random = new Random(7)
    let taken = 0
    for (let i = 0; i < 200_000; i++) {
      const x = (random.float() - 0.5) * 10 ** (random.float() * 22 - 5)
      if (!isPlainDouble(x)) continue
      const text = written(x)
      if (text === null) continue
      taken++
      if (text !== String(x)) expect(text).toBe(String(x))
    }
    expect(taken).toBeGreaterThan(180_000)
  })

  it('agrees, or leaves them, at powers of ten and two and among short decimals', () => {
    const random = new Random(8)
    const edges = Array.from({ length: 22 }, (_, i) => 10 ** (i - 5)).concat(Array.from({ length: 72 }, (_, i) => 2 ** (i - 16))).flatMap(neighbours)
    const decimals = Array.from({ length: 50_000 }, () => random.int(1e9) / 10 ** random.int(12))
    const halves = Array.from({ length: 20_000 }, () => random.int(2 ** 30) * 2 ** 22 + 0.5)
    const plain = [...edges, ...decimals, ...halves].filter(isPlainDouble)
    let taken = 0
    for (const x of plain) {
      const text = written(x)
      if (text === null) continue
      taken++
      if (text !== String(x)) expect(text).toBe(String(x))
    }
    expect(taken).toBeGreaterThan(plain.length / 2)
  })
})
