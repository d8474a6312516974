// The rules of Prometheus' detectHistogramStatsDecoding (promql/engine.go).
import { describe, expect, it } from 'vitest'
import { parseExpr } from '../../../lang/parse/parse.ts'
import { markCountsOnly, marksOf } from '../../../lang/plan/counts-only.ts'

describe('selectors marked as wanted for counts alone', () => {
  const f = (query: string, want: string): void => {
    it(`${query}: ${want}`, () => {
      expect(marksOf(markCountsOnly(parseExpr(query)))).toBe(want)
    })
  }
  // c: counts, b: buckets; one letter for each selector.
  f('h', 'b')
  f('histogram_count(h)', 'c')
  f('histogram_sum(sum(rate(h[5m])))', 'c')
  f('histogram_avg((h))', 'c')
  f('histogram_quantile(0.9, h)', 'b')
  f('histogram_count(h) / histogram_fraction(0, 1, h)', 'cb')
  f('histogram_count(h + i)', 'cc')
  f('histogram_count(h </ 1)', 'b')
  f('avg_over_time(histogram_count(h)[5m:1m])', 'b')
  f('histogram_count(last_over_time(h[5m:1m]))', 'b')
  f('histogram_count(label_replace(h, "a", "b", "c", "d"))', 'c')
  f('histogram_count(topk(scalar(histogram_quantile(0.5, h)), i))', 'bc')
  f('histogram_quantile(scalar(histogram_count(h)), i)', 'bb')
})
