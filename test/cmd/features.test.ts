import { describe, expect, it } from 'vitest'
import { START_TIME_STORAGE, featureWarnings } from '../../cmd/features.ts'
import { ENGINE_FEATURE_NAMES, engineFeatures, NO_ENGINE_FEATURES } from '../../lang/parse/features.ts'
import { loadConfig } from '../../lib/config/load.ts'

/** What --enable-feature of Prometheus 3.14 takes (cmd/prometheus/main.go). */
const PROMETHEUS_FEATURES = [
  'exemplar-storage', 'memory-snapshot-on-shutdown', 'extra-scrape-metrics', 'metadata-wal-records', 'promql-per-step-stats', 'auto-reload-config',
  'concurrent-rule-eval', 'promql-experimental-functions', 'promql-duration-expr', 'native-histograms', 'ooo-native-histograms',
  'created-timestamp-zero-ingestion', 'xor2-encoding', 'histograms-st-encoding', 'st-synthesis', 'st-storage', 'use-start-timestamps',
  'delayed-compaction', 'promql-delayed-name-removal', 'promql-extended-range-selectors', 'promql-binop-fill-modifiers', 'old-ui',
  'otlp-deltatocumulative', 'otlp-native-delta-ingestion', 'type-and-unit-labels', 'use-uncached-io', 'fast-startup', 'search-api',
]

describe('features', () => {
  it('are off unless named, each on its own', () => {
    expect(engineFeatures([])).toEqual(NO_ENGINE_FEATURES)
    expect(Object.values(NO_ENGINE_FEATURES)).toEqual([false, false, false, false, false, false, false])
    for (const [name, key] of ENGINE_FEATURE_NAMES) expect(engineFeatures([name, 'search-api', '__proto__'])).toEqual({ ...NO_ENGINE_FEATURES, [key]: true })
    expect(engineFeatures(ENGINE_FEATURE_NAMES.keys())).toEqual({
      experimentalFunctions: true, extendedRangeSelectors: true, fillModifiers: true,
      delayedNameRemoval: true, typeAndUnitLabels: true, startTimestamps: true, perStepStats: true,
    })
  })

  it('of Prometheus are all known', () => {
    const warnings = featureWarnings(PROMETHEUS_FEATURES, '')
    expect(warnings).toHaveLength(PROMETHEUS_FEATURES.length - ENGINE_FEATURE_NAMES.size - 1)
    for (const warning of warnings) expect(warning).toContain(' has no meaning here: ')
    expect(featureWarnings(['promql-duration-expr'], '--enable-feature=')).toEqual(['--enable-feature=promql-duration-expr has no meaning here: duration expressions are always on'])
    expect(featureWarnings([START_TIME_STORAGE], '')).toEqual([])
    expect(featureWarnings(['search-api'], '')).toEqual(['search-api has no meaning here: it is not built yet'])
  })

  it('that nobody knows are warned of, with the nearest name', () => {
    const f = (name: string, want: string): void => expect(featureWarnings([name], 'x: ')).toEqual([`x: ${want}`])
    f('promql-experimental-function', 'promql-experimental-function: there is no such feature; did you mean promql-experimental-functions?')
    f('binop-fill-modifiers', 'binop-fill-modifiers: there is no such feature; did you mean promql-binop-fill-modifiers?')
    f('warp-drive', 'warp-drive: there is no such feature')
    f('__proto__', '__proto__: there is no such feature')
  })

  it('may stand in monitor.yml', () => {
    const load = (text: string): readonly string[] => loadConfig(text, 'monitor.yml', { strict: true, env: {} }).config.features
    expect(load('features: [promql-per-step-stats, type-and-unit-labels]')).toEqual(['promql-per-step-stats', 'type-and-unit-labels'])
    expect(load('features:')).toEqual([])
    expect(() => load('features: promql-per-step-stats')).toThrow('features: want a list')
    expect(() => load('features: [{a: b}]')).toThrow('features[0]: want a text')
  })
})
