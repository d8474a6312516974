// The functions of lib/std/go-*.ts against values of Go 1.26 on amd64 (test/golden/record-math.go), bit by bit.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { exp, exp2 } from '../../../lib/std/go-exp.ts'
import { binaryExponent, binaryFraction, scaled } from '../../../lib/std/go-frexp.ts'
import { acosh, asinh, atanh, cosh, sinh, tanh } from '../../../lib/std/go-hyperbolic.ts'
import { log, log10, log1p, log2 } from '../../../lib/std/go-log.ts'
import { pow } from '../../../lib/std/go-pow.ts'
import { acos, asin, atan, atan2, cos, sin, tan } from '../../../lib/std/go-trigonometry.ts'
import { Random } from '../../../lib/std/random.ts'

const FUNCTIONS: Record<string, (...args: number[]) => number> = Object.fromEntries(Object.entries({
  exp, exp2, log, log2, log10, log1p, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh, pow, atan2,
}).map(([name, f]) => [name, (...args: number[]) => (f as (...of: number[]) => number)(...args)]))

/** V8's that differ from Go's here. */
const THEIRS: Record<string, (...args: number[]) => number> = {
  exp: Math.exp, log: Math.log, log2: Math.log2, log10: Math.log10, sin: Math.sin, cos: Math.cos, tan: Math.tan, asin: Math.asin, acos: Math.acos,
  atan: Math.atan, sinh: Math.sinh, cosh: Math.cosh, tanh: Math.tanh, asinh: Math.asinh, acosh: Math.acosh, pow: Math.pow, atan2: Math.atan2,
}

interface Golden {
  name: string
  calls: { args: number[]; want: number }[]
}

function readGolden(): Golden[] {
  const bytes = gunzipSync(readFileSync(new URL('../../golden/go-math.bin.gz', import.meta.url)))
  const headEnd = bytes.indexOf(10)
  const head = JSON.parse(bytes.toString('utf8', 0, headEnd)) as [string, number, number][]
  const doubles = new Float64Array(Uint8Array.prototype.slice.call(bytes, headEnd + 1).buffer)
  let at = 0
  return head.map(([name, argCount, count]) => {
    const args = doubles.subarray(at, at += argCount * count)
    const results = doubles.subarray(at, at += count)
    return { name, calls: Array.from(results, (want, i) => ({ args: [...args.subarray(i * argCount, (i + 1) * argCount)], want })) }
  })
}

describe('mathematical functions', () => {
  const golden = readGolden()

  it('are recorded, all of them', () => {
    expect(golden.map(({ name }) => name).toSorted()).toEqual(Object.keys(FUNCTIONS).toSorted())
    expect(golden.reduce((sum, { calls }) => sum + calls.length, 0)).toBe(20_000)
  })

  it.each(golden)('$name has every bit of Go\'s', ({ name, calls }) => {
    const differing = calls.filter(({ args, want }) => !Object.is(FUNCTIONS[name]!(...args), want))
    expect(differing.map(({ args, want }) => `${name}(${args.join(', ')}) = ${want}, not ${FUNCTIONS[name]!(...args)}`)).toEqual([])
  })

  it('are not what JavaScript has', () => {
    for (const { name, calls } of golden) {
      const theirs = THEIRS[name]
      if (theirs !== undefined) expect(calls.some(({ args, want }) => !Object.is(theirs(...args), want)), name).toBe(true)
    }
  })

  it('take doubles apart and put them together', () => {
    const random = new Random(1022)
    const bits = new Uint32Array(2)
    const double = new Float64Array(bits.buffer)
    for (let i = 0; i < 20_000; i++) {
      bits.set([random.int(2 ** 32), random.int(2 ** 32)])
      const x = i % 3 === 0 ? double[0]! : i % 3 === 1 ? double[0]! * 2 ** -1000 : random.float() * 2 ** -1040
      if (!Number.isFinite(x) || x === 0) continue
      const [fraction, exponent] = [binaryFraction(x), binaryExponent(x)]
      expect(Math.abs(fraction) >= 0.5 && Math.abs(fraction) < 1, `${x}`).toBe(true)
      expect(scaled(fraction, exponent)).toBe(x)
      expect(scaled(x, -exponent)).toBe(fraction)
    }
    expect([scaled(1.5, -1075), scaled(1, -1075), scaled(-1, -2000), scaled(1, 1024), scaled(-0, 3), scaled(5e-324, 2097)]).toEqual([5e-324, 0, -0, Infinity, -0, 2 ** 1023])
  })
})
