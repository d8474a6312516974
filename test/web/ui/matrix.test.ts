// From the API's JSON to columns, statistics and the choice of lines.
import { describe, expect, it } from 'vitest'
import { densityOf } from '../../../web/ui/query/density.ts'
import { graphFacts } from '../../../web/ui/query/graph-facts.ts'
import { matrixOf, planDrawing, rowOf, rowsByStat, seriesStats, type Matrix } from '../../../web/ui/query/matrix.ts'
import { formatCount, formatShort, formatTicks } from '../../../web/ui/query/number-format.ts'
import { fc } from '../../support/property.ts'

const grid = { startMs: 1_700_000_000_000, endMs: 1_700_000_040_000, stepMs: 10_000 }
const stats = (...values: number[]) => seriesStats(Float64Array.from(values))

describe('matrixOf', () => {
  it('puts samples on the grid, leaves the rest NaN', () => {
    const matrix = matrixOf([
      { metric: { a: '1' }, values: [[1_700_000_010, '1.5'], [1_700_000_040, '+Inf']] },
      { metric: { a: '2' }, values: [[1_700_000_000.001, '-Inf'], [1_700_000_020, 'NaN'], [1_700_000_099, '7']] },
    ], grid)
    expect(matrix.pointCount).toBe(5)
    expect([...rowOf(matrix, 0)]).toEqual([NaN, 1.5, NaN, NaN, Infinity])
    expect([...rowOf(matrix, 1)]).toEqual([-Infinity, NaN, NaN, NaN, NaN])
  })

  it('counts native histograms apart', () => {
    const matrix = matrixOf([{ metric: { a: '1' }, histograms: [[1, {}]] }, { metric: { a: '2' }, values: [] }], grid)
    expect([matrix.labels.length, matrix.histogramCount]).toEqual([1, 1])
  })
})

describe('legend statistics', () => {
  it('are those of the points present', () => {
    expect(stats(3, NaN, 1, 2, NaN)).toEqual({ min: 1, max: 3, avg: 2, last: 2 })
    expect(stats(-1, -3)).toEqual({ min: -3, max: -1, avg: -2, last: -3 })
    expect(stats(NaN, NaN)).toEqual({ min: NaN, max: NaN, avg: NaN, last: NaN })
    expect(stats()).toEqual({ min: NaN, max: NaN, avg: NaN, last: NaN })
  })

  it('show infinities but keep them out of the average', () => {
    expect(stats(1, Infinity, 3)).toEqual({ min: 1, max: Infinity, avg: 2, last: 3 })
  })

  it('lie in order: min <= avg <= max', () => {
    fc.assert(fc.property(fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 }), (values) => {
      const { min, avg, max } = stats(...values)
      // == so that -0 and 0 are one.
      expect([min == Math.min(...values), max == Math.max(...values)]).toEqual([true, true])
      expect(avg).toBeGreaterThanOrEqual(min - 1e-3)
      expect(avg).toBeLessThanOrEqual(max + 1e-3)
    }))
  })

  it('sort largest first, empty rows last, ties as they came', () => {
    expect(rowsByStat([stats(1), stats(NaN), stats(5), stats(1)], 'max')).toEqual([2, 0, 3, 1])
  })
})

describe('planDrawing', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => stats(i))

  it('draws everything up to 300, then the largest 300, then 20 over density', () => {
    const f = (count: number, wantsAll: boolean, lines: number, hasDensity: boolean): void => {
      const plan = planDrawing(many(count), wantsAll)
      expect([plan.rows.length, plan.hasDensity]).toEqual([lines, hasDensity])
    }
    f(0, false, 0, false)
    f(300, false, 300, false)
    f(301, false, 300, false)
    f(301, true, 301, false)
    f(2000, true, 2000, false)
    f(2001, true, 20, true)
    f(10_000, false, 20, true)
  })

  it('takes the largest by maximum, in the order of the result', () => {
    expect(planDrawing(many(2500), false).rows).toEqual(Array.from({ length: 20 }, (_, i) => 2480 + i))
  })
})

describe('density', () => {
  const matrixFrom = (rows: number[][]): Matrix => ({
    grid: { startMs: 0, endMs: (rows[0]!.length - 1) * 1000, stepMs: 1000 }, pointCount: rows[0]!.length, histogramCount: 0,
    labels: rows.map((_, i) => [['i', String(i)]] as const), values: Float64Array.from(rows.flat()),
  })
  const picture = (rows: number[][], width: number, height: number): string[] => {
    const counts = densityOf(matrixFrom(rows), { width, height, startMs: 0, endMs: (rows[0]!.length - 1) * 1000, low: 0, high: height - 1 })
    return Array.from({ length: height }, (_, y) => counts.subarray(y * width, (y + 1) * width).join(''))
  }

  it('counts the lines through each pixel', () => {
    expect(picture([[0, 0, 0], [0, 0, 0], [2, 2, 2]], 3, 3)).toEqual(['111', '000', '222'])
  })

  it('joins a steep line without holes', () => expect(picture([[0, 3]], 2, 4)).toEqual(['01', '01', '01', '11']))

  it('leaves gaps open', () => expect(picture([[1, NaN, 1]], 3, 3)).toEqual(['000', '101', '000']))

  it('clips what lies outside', () => expect(picture([[-5, 9]], 2, 3)).toEqual(['01', '01', '01']))

  it('passes every column between two points', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 2, maxLength: 20 }), fc.integer({ min: 20, max: 80 }), (values, width) => {
      const rows = picture([values], width, 10)
      for (let x = 0; x < width; x++) expect(rows.some((row) => row[x] !== '0'), `column ${x}`).toBe(true)
    }))
  })
})

it('works out a graph once: common labels, extent, styles of what is drawn', () => {
  const facts = graphFacts(matrixOf([
    { metric: { job: 'n', host: 'a' }, values: [[1_700_000_000, '1'], [1_700_000_010, '+Inf']] },
    { metric: { job: 'n', host: 'b' }, values: [[1_700_000_000, '-4']] },
  ], grid), false)
  expect([facts.common, facts.extent, facts.texts]).toEqual([[['job', 'n']], [-4, 1], ['{host="a",job="n"}', '{host="b",job="n"}']])
  expect(facts.styles[0]).not.toEqual(facts.styles[1])
})

describe('numbers', () => {
  it('are short', () => {
    const f = (value: number, want: string): void => expect(formatShort(value)).toBe(want)
    f(0, '0')
    f(0.012345, '0.01235')
    f(999.96, '1 k')
    f(1234, '1.234 k')
    f(-56_789_000, '-56.79 M')
    f(999_999, '1 M')
    f(1e-7, '1e-7')
    f(1e30, '1e+30')
    f(Infinity, '+Inf')
    f(-Infinity, '-Inf')
    f(NaN, 'NaN')
  })

  it('of an axis share suffix and decimals', () => {
    const f = (ticks: number[], want: string[]): void => expect(formatTicks(ticks)).toEqual(want)
    f([0, 0.1, 0.2], ['0', '0.1', '0.2'])
    f([0, 250_000, 500_000, 750_000, 1_000_000], ['0', '0.25 M', '0.50 M', '0.75 M', '1.00 M'])
    f([10, 20], ['10', '20'])
    f([1_000_000, 1_000_001], ['1.000000 M', '1.000001 M'])
    f([-2, -1, 0, 1], ['-2', '-1', '0', '1'])
    f([0, 0.00001, 0.00002], ['0', '1.0e-5', '2.0e-5'])
    f([], [])
  })

  it('count with thin spaces', () => expect([formatCount(999), formatCount(10_412), formatCount(1_000_000)]).toEqual(['999', '10\u202f412', '1\u202f000\u202f000']))
})
