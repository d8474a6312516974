import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../lang/reply/byte-writer.ts'
import { formatPlain, formatSeconds, formatValue } from '../../../lang/reply/number-text.ts'
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
})
