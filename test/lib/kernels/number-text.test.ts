// Points of replies by the kernel, against formatValue, and against the twin byte by byte.
import { describe, expect, it } from 'vitest'
import { ABSENT, FLOAT, HISTOGRAM } from '../../../lang/exec/operator.ts'
import { ByteWriter } from '../../../lang/reply/byte-writer.ts'
import { formatValue } from '../../../lang/reply/number-text.ts'
import type { Stamps } from '../../../lib/kernels/points.ts'
import { Random } from '../../../lib/std/random.ts'
import { withKernels } from '../../support/kernels.ts'
import { fc } from '../../support/property.ts'
import { testSeed } from '../../support/seed.ts'

function stampsOf(texts: readonly string[]): Stamps {
  const bytes = Buffer.from(`${texts.join('')}   `)
  let at = 0
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), ends: Uint32Array.from(texts, (text) => (at += text.length)) }
}

function written(stamps: Stamps, values: ArrayLike<number>, kinds?: ArrayLike<number>): string {
  const out = new ByteWriter()
  out.text('é[') // replies begin somewhere
  out.points(stamps, { values: Float64Array.of(7, ...Array.from(values)), kinds: Uint8Array.of(HISTOGRAM, ...(kinds === undefined ? new Uint8Array(values.length).fill(FLOAT) : Array.from(kinds))), at: 1 })
  return Buffer.from(out.finish()).toString()
}

/** Each number as the kernel writes it, 1,000 a row. */
function check(numbers: readonly number[]): void {
  withKernels('wasm', () => {
    for (let i = 0; i < numbers.length; i += 1000) {
      const part = numbers.slice(i, i + 1000)
      while (part.length < 8) part.push(1)
      const texts = written(stampsOf(part.map(() => '"')), part).slice(2, -2).split('"],').map((text) => text.slice(1))
      part.forEach((x, k) => {
        if (texts[k] !== formatValue(x)) expect([x, texts[k]]).toEqual([x, formatValue(x)])
      })
      expect(texts).toHaveLength(part.length)
    }
  })
}

const bits = new BigUint64Array(1)
const double = new Float64Array(bits.buffer)
const ofBits = (word: bigint): number => {
  bits[0] = word
  return double[0]!
}

describe('numbers by the kernel', () => {
  it('are Prometheus\' where they are none, zero, or endless', () => check([NaN, ofBits(0xfff8000000000000n), ofBits(0x7ff0000000000002n), Infinity, -Infinity, 0, -0, 1, -1]))

  it('are shortest at each exponent: powers of two, their neighbours, and what lies between', () => {
    const random = new Random(testSeed())
    const numbers: number[] = []
    for (let exponent = 0n; exponent < 2047n; exponent++) {
      const least = exponent << 52n
      for (const word of [least, least + 1n, least + (1n << 52n) - 1n, least + (BigInt(random.u32()) << 20n), least + BigInt(random.u32())]) numbers.push(ofBits(word), -ofBits(word))
    }
    check(numbers)
  })

  it('are shortest around powers of ten and of small denormals', () => {
    const numbers: number[] = []
    for (let k = -324; k <= 308; k++) {
      for (const digits of ['1', '5', '9', '2.5', '9.999999', '1.000001', '1.2345678901234567']) {
        const x = Number(`${digits}e${k}`)
        double[0] = x
        const word = bits[0]!
        for (let d = -2n; d <= 2n; d++) if (word + d >= 0n) numbers.push(ofBits(word + d))
      }
    }
    for (let n = 1n; n < 2000n; n++) numbers.push(ofBits(n))
    check(numbers.filter(Number.isFinite))
  })

  it('are shortest for decimals, integers and ratios, as counters and gauges have them', () => {
    const random = new Random(testSeed())
    const numbers: number[] = []
    for (let i = 0; i < 50_000; i++) {
      numbers.push((random.int(2e9) - 1e9) / 10 ** random.int(9), random.u32() * random.int(1 << 20), -random.float(), random.int(1e6) / (1 + random.int(1000)), 2 ** 53 - random.int(100), 2 ** 53 + random.int(100) * 2)
    }
    check(numbers)
  })

  it('read back equal, and no shorter ones do, whatever their bits', () => {
    fc.assert(fc.property(fc.array(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), { minLength: 100, maxLength: 1000 }), (words) => check(words.map(ofBits))), { numRuns: 50 })
  })
})

describe('points by the kernel', () => {
  it('are the twin\'s, with gaps and histograms, at any times and numbers of steps', () => {
    const point = fc.record({ stamp: fc.integer({ min: 0, max: 1e12 }).map((ms) => `[${ms / 1000},"`), value: fc.double(), kind: fc.constantFrom(FLOAT, FLOAT, ABSENT, HISTOGRAM) })
    fc.assert(fc.property(fc.array(point, { maxLength: 300 }), fc.nat(20), (points, times) => {
      const list = Array.from({ length: times === 20 ? 17 : 1 }, () => points).flat()
      const stamps = stampsOf(list.map(({ stamp }) => stamp))
      const write = (): string => written(stamps, list.map(({ value }) => value), list.map(({ kind }) => kind))
      expect(withKernels('wasm', write)).toBe(withKernels('ts', write))
    }), { numRuns: 300 })
  })

  it('take the stamps of their own query', () => {
    withKernels('wasm', () => {
      const values = Float64Array.from({ length: 5000 }, (_, i) => i)
      const f = (offset: number): void => {
        const texts = Array.from(values, (i) => `[${offset + i},"`)
        expect(written(stampsOf(texts), values)).toBe(`é[${texts.map((text, i) => `${text}${i}"]`).join(',')}`)
      }
      f(0)
      f(1_700_000_000)
    })
  })
})
