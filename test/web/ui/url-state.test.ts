// The share URL: what Prometheus 3 (and 2) write must open the same view here; what we write must come back whole.
import { describe, expect, it } from 'vitest'
import { DEFAULT_PANEL, decodePanels, encodePanels, gridOf, stepOf, type PanelOptions, type Resolution } from '../../../web/ui/query/url-state.ts'
import { fc } from '../../support/property.ts'

const resolution: fc.Arbitrary<Resolution> = fc.oneof(
  fc.record({ type: fc.constant('auto' as const), density: fc.constantFrom('low' as const, 'medium' as const, 'high' as const) }),
  fc.record({ type: fc.constantFrom('fixed' as const, 'custom' as const), stepMs: fc.integer({ min: 1, max: 10 ** 10 }) }),
)
const panel: fc.Arbitrary<PanelOptions> = fc.record({
  expr: fc.string({ unit: 'grapheme' }),
  tab: fc.constantFrom('graph' as const, 'table' as const),
  rangeMs: fc.integer({ min: 1, max: 10 ** 12 }),
  endMs: fc.option(fc.integer({ min: 0, max: 4 * 10 ** 12 })),
  resolution,
  isZeroBased: fc.boolean(),
  extra: fc.array(fc.tuple(fc.constantFrom('show_tree', 'display_mode', 'stacked', 'show_exemplars'), fc.string()), { maxLength: 3 }),
})

describe('share URL', () => {
  it('gives back every state it was made of', () => {
    fc.assert(fc.property(fc.array(panel, { minLength: 1, maxLength: 4 }), (panels) => {
      expect(decodePanels(`?${encodePanels(panels)}`)).toEqual(panels)
    }))
  })

  it('survives any query string', () => {
    const value = fc.oneof(fc.string(), fc.constantFrom('1h', '0s', '-1h', '1e9y', '2026-01-31 13:05', 'NaN', '0', 'graph', '%'))
    const name = fc.constantFrom('expr', 'tab', 'range_input', 'end_input', 'moment_input', 'res_type', 'res_step', 'res_density', 'step_input', 'stacked')
    const pair = fc.tuple(fc.integer({ min: -1, max: 3 }), name, value).map(([panel, key, text]) => `g${panel}.${key}=${text}`)
    let panels = 0
    fc.assert(fc.property(fc.oneof(fc.string(), fc.array(pair).map((pairs) => `?${pairs.join('&')}`)), (text) => {
      for (const each of decodePanels(text)) {
        panels++
        expect(each.rangeMs).toBeGreaterThan(0)
        const { resolution: own, endMs } = each
        expect(['auto', 'fixed', 'custom']).toContain(own.type)
        if (own.type !== 'auto') expect(own.stepMs).toBeGreaterThan(0)
        expect(endMs).not.toBeNaN()
      }
    }))
    expect(panels).toBeGreaterThan(50)
  })

  it("reads a link of Prometheus 3's UI", () => {
    const link = '?g0.expr=rate%28up%5B5m%5D%29&g0.show_tree=0&g0.tab=table&g0.end_input=2026-01-31+13%3A05%3A00'
      + '&g0.moment_input=2026-01-31+13%3A05%3A00&g0.range_input=1h30m&g0.res_type=fixed&g0.res_step=15s&g0.display_mode=lines&g0.show_exemplars=0'
    expect(decodePanels(link)).toEqual([{
      expr: 'rate(up[5m])', tab: 'table', rangeMs: 5_400_000, endMs: Date.UTC(2026, 0, 31, 13, 5), resolution: { type: 'fixed', stepMs: 15_000 },
      isZeroBased: false, extra: [['show_tree', '0'], ['display_mode', 'lines'], ['show_exemplars', '0']],
    }])
  })

  it("reads a generatorURL of Prometheus 2: tab 0 is the graph, 1 the table, the step is in seconds", () => {
    expect(decodePanels('?g0.expr=up&g0.tab=1')[0]).toMatchObject({ expr: 'up', tab: 'table' })
    expect(decodePanels('?g0.expr=up&g0.tab=0&g0.step_input=30')[0]).toMatchObject({ tab: 'graph', resolution: { type: 'custom', stepMs: 30_000 } })
  })

  it('keeps panels in the order of their numbers and passes holes', () => {
    expect(decodePanels('g10.expr=c&g2.expr=b&g0.expr=a').map(({ expr }) => expr)).toEqual(['a', 'b', 'c'])
  })

  it('falls back to the default for what it cannot read', () => {
    const link = 'g0.expr=up&g0.range_input=soon&g0.end_input=2026-02-30&g0.res_type=fixed&g0.res_step=0s&g0.tab=explain'
    expect(decodePanels(link)).toEqual([{ ...DEFAULT_PANEL, expr: 'up' }])
  })

  it('is no panel without parameters of one', () => expect(decodePanels('?search=x')).toEqual([]))
})

describe('grid', () => {
  const options = (change: Partial<PanelOptions>): PanelOptions => ({ ...DEFAULT_PANEL, ...change })

  it('never asks for more points than the API gives', () => {
    fc.assert(fc.property(resolution, fc.integer({ min: 1000, max: 10 ** 12 }), (each, rangeMs) => {
      expect(Math.floor(rangeMs / stepOf(each, rangeMs)) + 1).toBeLessThanOrEqual(11_000)
    }))
  })

  it('lies on multiples of the step while it follows the present, so a refresh moves no point', () => {
    const { startMs, endMs, stepMs } = gridOf(options({ rangeMs: 3_600_000 }), 1_700_000_007_123)
    expect([startMs % stepMs, endMs % stepMs, stepMs]).toEqual([0, 0, 14_000])
    expect(endMs).toBeLessThanOrEqual(1_700_000_007_123)
    expect(1_700_000_007_123 - endMs).toBeLessThan(stepMs)
    expect(endMs - startMs).toBeLessThanOrEqual(3_600_000)
  })

  it('takes a fixed end to the letter', () => {
    expect(gridOf(options({ rangeMs: 60_000, endMs: 1_700_000_007_123 }), 0)).toEqual({ startMs: 1_699_999_947_123, endMs: 1_700_000_007_123, stepMs: 1000 })
  })
})
