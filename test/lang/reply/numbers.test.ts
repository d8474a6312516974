import { describe, expect, it } from 'vitest'
import { LimitError } from '../../../lang/exec/query-error.ts'
import { ByteWriter } from '../../../lang/reply/byte-writer.ts'
import { formatPlain, formatSeconds, formatValue } from '../../../lang/reply/number-text.ts'
import { stampsOf } from '../../../lang/reply/stamps.ts'
import { Random } from '../../../lib/std/random.ts'

function written(x: number): string {
  const out = new ByteWriter()
  out.value(x)
  return new TextDecoder().decode(out.finish())
}

describe('sample values', () => {
  // Recorded from Prometheus 3.5.3: vector(…) of each literal.
  it.each<[number, string]>([
    [0, '0'], [-0, '-0'], [1, '1'], [-1, '-1'], [0.1, '0.1'], [1e-6, '0.000001'], [9.9e-7, '9.9e-07'], [1e-7, '1e-07'], [-1.5e-10, '-1.5e-10'],
    [5e-324, '5e-324'], [1e20, '100000000000000000000'], [1e21, '1e+21'], [1.7976931348623157e308, '1.7976931348623157e+308'],
    [123456789.123456, '123456789.123456'], [999999999.9999999, '999999999.9999999'], [2 ** 53, '9007199254740992'], [2 ** 53 + 2, '9007199254740994'],
    [1e9, '1000000000'], [1000000000.5, '1000000000.5'], [4294967296, '4294967296'], [-4294967296, '-4294967296'], [1000000007000000, '1000000007000000'],
    [0.30000000000000004, '0.30000000000000004'], [2 / 3, '0.6666666666666666'], [NaN, 'NaN'], [Infinity, '+Inf'], [-Infinity, '-Inf'],
  ])('%d is %s', (x, text) => {
    expect(formatValue(x)).toBe(text)
    expect(written(x)).toBe(text)
  })

  it('bytes agree with texts, and both read back equal, for doubles of every kind', () => {
    const random = new Random(7)
    const bits = new Uint32Array(2)
    const double = new Float64Array(bits.buffer)
    const wrong: [number, string, string][] = []
    for (let i = 0; i < 100_000; i++) {
      bits[0] = random.u32()
      bits[1] = random.u32()
      const decimal = (random.int(2e9) - 1e9) / 10 ** random.int(9)
      for (const x of [double[0]!, decimal, random.u32() * random.int(1 << 20), -random.float()]) {
        const text = formatValue(x)
        // An exponent has two digits.
        if (written(x) !== text || (Number.isFinite(x) && !Object.is(Number(text), x)) || /e[+-]\d$/.test(text)) wrong.push([x, text, written(x)])
      }
    }
    expect(wrong).toEqual([])
  })

  it('grow the buffer as they come', () => {
    const out = new ByteWriter()
    for (let i = 0; i < 10_000; i++) {
      out.value(i)
      out.ascii(',')
    }
    out.text('é😀')
    out.jsonString('"')
    expect(new TextDecoder().decode(out.finish())).toBe(`${Array.from({ length: 10_000 }, (_, i) => `${i},`).join('')}é😀"\\""`)
  })
})

describe('a writer', () => {
  const filled = (out: ByteWriter, letter: string, count: number): ByteWriter => {
    for (let i = 0; i < count; i++) out.ascii(letter)
    return out
  }
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

  it.each([[10, 10], [10, 40_000], [40_000, 10], [40_000, 40_000]])('of %d bytes leaves what others wrote, one of %d beside it', (here, there) => {
    const before = filled(new ByteWriter(), 'a', here).finish()
    const [one, other] = [new ByteWriter(), new ByteWriter()]
    filled(one, 'b', here / 2)
    filled(other, 'c', there)
    filled(one, 'b', here / 2)
    const written = [one.finish(), other.finish()]
    filled(new ByteWriter(), 'd', here).finish()
    expect([before, ...written].map(text)).toEqual(['a'.repeat(here), 'b'.repeat(here), 'c'.repeat(there)])
  })

  it.each([5000, 16_384, 20_000])('of at most %d bytes refuses one more', (max) => {
    expect(filled(new ByteWriter(max), 'a', max).finish().length).toBe(max)
    expect(() => filled(new ByteWriter(max), 'a', max + 1)).toThrow(LimitError)
  })
})

describe('plain values', () => {
  it.each<[number, string]>([
    [1e21, '1000000000000000000000'], [1.5e22, '15000000000000000000000'], [1e-7, '0.0000001'], [-1.25e-9, '-0.00000000125'], [0.5, '0.5'], [NaN, 'NaN'],
  ])('%d is %s', (x, text) => expect(formatPlain(x)).toBe(text))
})

describe('timestamps', () => {
  it.each<[number, string]>([
    [0, '0'], [1000, '1'], [1500, '1.5'], [1_435_781_430_781, '1435781430.781'], [1_435_781_430_780, '1435781430.78'], [1_435_781_430_001, '1435781430.001'],
    [-1500, '-1.5'], [-500, '-0.5'], [-1000, '-1'],
  ])('%d ms are %s', (ms, text) => expect(formatSeconds(ms)).toBe(text))

  it('of all steps of a query are the same, whatever their times', () => {
    const random = new Random(11)
    for (let i = 0; i < 500; i++) {
      const stepMs = random.int(2) === 0 ? 1 + random.int(5000) : 1000 * (1 + random.int(4000))
      // Around where seconds have ten digits, and long before.
      const near = [0, 1e12, 1.7e12, 2 ** 31 * 1000, 1e13][random.int(5)]!
      const startMs = near + (random.int(2) === 0 ? random.int(40) - 20 : 1000 * (random.int(40) - 20))
      const steps = { startMs, stepMs, count: 1 + random.int(30) }
      const { view, ends } = stampsOf(steps)
      const text = new TextDecoder().decode(view)
      const stamps = Array.from(ends, (end, k) => text.slice(k === 0 ? 0 : ends[k - 1], end))
      expect(stamps).toEqual(Array.from(ends, (_, k) => `[${formatSeconds(startMs + k * stepMs)},"`))
      expect(view.byteLength).toBe(ends.at(-1)! + 3)
    }
  })
})
