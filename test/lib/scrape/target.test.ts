// Targets from target groups. Truth: prometheus scrape/target.go and its documentation of labels before relabeling.
import { describe, expect, it } from 'vitest'
import type { ScrapeConfig } from '../../../lib/config/scrape-config.ts'
import { labelsToMap } from '../../../lib/model/labels.ts'
import { offsetMs, offsetSeed, targetsOf, type Target } from '../../../lib/scrape/target.ts'
import { group, relabelConfig, scrapeConfig } from '../../support/scrape-fixture.ts'

function one(labels: Record<string, string>, changes: Partial<ScrapeConfig> = {}, shared: Record<string, string> = {}): Target {
  const { targets, errors } = targetsOf(group([labels], shared), scrapeConfig(changes))
  if (errors[0] !== undefined) throw errors[0]
  return targets[0]!
}

describe('a target', () => {
  it('has the documented labels before relabeling', () => {
    const target = one({ __address__: 'h:1', env: 'own' }, { params: new Map([['m', ['x', 'y']]]) }, { env: 'shared', team: 'a', __meta_x: 'm' })
    expect(Object.fromEntries(labelsToMap(target.discoveredLabels))).toEqual({
      __address__: 'h:1', __meta_x: 'm', __metrics_path__: '/metrics', __param_m: 'x', __scheme__: 'http',
      __scrape_interval__: '10s', __scrape_timeout__: '10s', __scrape_native_histograms__: 'false',
      __always_scrape_classic_histograms__: 'false', __convert_classic_histograms_to_nhcb__: 'false', env: 'own', job: 'test', team: 'a',
    })
    expect(Object.fromEntries(labelsToMap(target.labels))).toEqual({ env: 'own', instance: 'h:1', job: 'test', team: 'a' })
    expect(target.url.href).toBe('http://h:1/metrics?m=x&m=y')
  })

  it('keeps an instance of its own, and a port where one is given', () => {
    expect(labelsToMap(one({ __address__: 'h', instance: 'me' }).labels).get('instance')).toBe('me')
    expect(one({ __address__: 'h' }).url.href).toBe('http://h/metrics')
  })

  it('lets relabeling set address, path, scheme, parameters, interval and timeout', () => {
    const set = (targetLabel: string, replacement: string) => relabelConfig({ targetLabel, replacement })
    const target = one({ __address__: 'h:1' }, {
      params: new Map([['m', ['x', 'y']]]),
      relabelConfigs: [
        set('__address__', 'other:2'), set('__metrics_path__', '/a?b'), set('__scheme__', 'https'), set('__param_m', 'z'),
        set('__param_n', '1'), set('__scrape_interval__', '1m30s'), set('__scrape_timeout__', '1s'), set('tmp', ''), set('__tmp', 'x'),
      ],
    })
    expect(target.url.href).toBe('https://other:2/a%3Fb?m=z&m=y&n=1')
    expect([target.intervalMs, target.timeoutMs]).toEqual([90_000, 1000])
    expect(Object.fromEntries(labelsToMap(target.labels))).toEqual({ instance: 'other:2', job: 'test' })
  })

  it('is dropped by relabeling, and remembered by its labels before', () => {
    const config = scrapeConfig({ relabelConfigs: [relabelConfig({ sourceLabels: ['__address__'], regex: 'a:1', action: 'drop' })] })
    const { targets, dropped } = targetsOf(group([{ __address__: 'a:1' }, { __address__: 'b:1' }]), config)
    expect(targets.map(({ url }) => url.host)).toEqual(['b:1'])
    expect(dropped.map((labels) => labelsToMap(labels).get('__address__'))).toEqual(['a:1'])
  })

  const bad = (labels: Record<string, string>, message: string): void => {
    it(`is refused: ${message}`, () => expect(() => one(labels)).toThrow(message))
  }
  bad({ x: 'y' }, 'no address')
  bad({ __address__: 'http://h/x' }, '"http://h/x" is not a valid hostname')
  bad({ __address__: 'h', __scheme__: 'ftp' }, 'unsupported protocol scheme "ftp"')
  bad({ __address__: 'h', __scrape_interval__: 'x' }, 'error parsing scrape interval')
  bad({ __address__: 'h', __scrape_timeout__: '0s' }, 'scrape timeout cannot be 0')
  bad({ __address__: 'h', __scrape_timeout__: '11s' }, 'scrape timeout cannot be greater than scrape interval ("11s" > "10s")')
})

describe('the place in the interval', () => {
  const seed = offsetSeed(new Map([['dc', 'a']]))

  it('depends on target and seed, not on when it is asked', () => {
    const target = one({ __address__: 'h:1' })
    const place = (nowMs: number, s = seed): number => (nowMs + offsetMs(target, s, nowMs)) % target.intervalMs
    const first = place(1_700_000_000_000)
    for (const nowMs of [1_700_000_000_001, 1_700_000_004_321, 1_800_000_009_999]) expect(place(nowMs)).toBe(first)
    expect(place(1_700_000_000_000, offsetSeed(new Map([['dc', 'b']])))).not.toBe(first)
  })

  it('lies within the next interval, and spreads targets evenly', () => {
    const tenths = new Map<number, number>()
    for (let i = 0; i < 1000; i++) {
      const wait = offsetMs(one({ __address__: `host-${i}:9100` }), seed, 1_700_000_000_000)
      expect(wait).toBeGreaterThan(0)
      expect(wait).toBeLessThanOrEqual(10_000)
      const tenth = Math.floor((wait % 10_000) / 1000)
      tenths.set(tenth, (tenths.get(tenth) ?? 0) + 1)
    }
    // 1000 in 10 bins: 100 ± 9.5; six deviations.
    for (let i = 0; i < 10; i++) expect(Math.abs((tenths.get(i) ?? 0) - 100)).toBeLessThan(57)
  })
})
