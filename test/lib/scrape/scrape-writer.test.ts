// The cache and what a scrape stores. Truth: the behaviour of Prometheus' scrape loop (scrape/scrape.go), written down
// here by hand; and for every order of lines, a reader without a cache.
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ScrapeConfig } from '../../../lib/config/scrape-config.ts'
import { labelsFromRecord } from '../../../lib/model/labels.ts'
import { ScrapeCache } from '../../../lib/scrape/cache.ts'
import { LineTable } from '../../../lib/scrape/line-table.ts'
import { LogError } from '../../../storage/errors.ts'
import { fc } from '../../support/property.ts'
import { ScrapeBench } from '../../support/scrape-bench.ts'
import { NO_LIMITS, relabelConfig, scrapeConfig } from '../../support/scrape-fixture.ts'

describe('a scrape', () => {
  it('looks series up anew that the store has forgotten, and only then', () => {
    const bench = new ScrapeBench()
    const body = 'a 1\nb 2\n'
    expect([bench.scrape(body), bench.scrape(body)]).toEqual(['', ''])
    const made = bench.seriesCalls
    expect(made).toBe(7)
    bench.forgetting.epoch = 1
    expect(bench.scrape(body)).toBe('')
    expect(bench.seriesCalls, 'others were forgotten').toBe(made)
    bench.dead.add(bench.givenRefs[0]!)
    bench.forgetting.epoch = 2
    expect(bench.scrape(body)).toBe('')
    expect(bench.seriesCalls, 'all lines and reports of the target').toBe(made + 7)
    expect(bench.scrape('b 2\n')).toBe('')
    expect(bench.seriesCalls).toBe(made + 7)
    expect(bench.scrape(null)).toBe('unreachable')
  })

  it('takes memory a few times where all lines are others than the last, not once a line', () => {
    const bench = new ScrapeBench()
    const body = (name: string): string => Array.from({ length: 3000 }, (_, i) => `${name}{i="${i}"} ${i}\n`).join('')
    expect(bench.scrape(body('a'))).toBe('')
    const grow = vi.spyOn(LineTable.prototype, 'grow')
    onTestFinished(() => grow.mockRestore())
    expect(bench.scrape(body('b'))).toBe('')
    expect(grow.mock.calls.length).toBeLessThan(10)
    expect(bench.all['b{i="2999"}']).toEqual([expect.stringContaining(':2999')])
  })

  it('stores samples with the target labels, and up and scrape_* at the same time', () => {
    const bench = new ScrapeBench()
    expect(bench.scrape('# TYPE a counter\na{x="y"} 1\nb 2.5\n')).toBe('')
    expect(bench.storage.dump().find(({ labels }) => labels.includes('a'))!.labels).toEqual(['__name__', 'a', 'instance', 'here:1', 'job', 'test', 'x', 'y'])
    expect(bench.all).toEqual({
      'a{x="y"}': ['1000:1'], b: ['1000:2.5'], up: ['1000:1'], scrape_samples_scraped: ['1000:2'],
      scrape_samples_post_metric_relabeling: ['1000:2'], scrape_series_added: ['1000:2'],
    })
    const duration = bench.storage.dump().find(({ labels }) => labels.includes('scrape_duration_seconds'))!
    expect(duration.samples).toMatchObject([{ t: 1000, v: 0.5, isStale: false }])
  })

  it('is dropped whole and counted while the disk lets the store take nothing; what vanished meanwhile is marked later', async () => {
    const bench = new ScrapeBench()
    bench.scrape('a 1\nb 1\n')
    const before = bench.all
    bench.refusal = new LogError('disk reserve reached', 'disk_reserve')
    expect(bench.scrape('a 2\nb 2\n'), 'known series').toBe('disk reserve reached')
    expect(bench.scrape('a 3\nc 3\nd 3\n'), 'new ones').toBe('disk reserve reached')
    expect(bench.scrape(null), 'markers').toBe('disk reserve reached')
    bench.writer.writeEnd(new ScrapeCache(2), 9000)
    expect(bench.all).toEqual(before)
    const dropped = async (reason: string): Promise<string> => new RegExp(`^monitor_target_samples_dropped_total\\{reason="${reason}"\\} (.*)$`, 'm').exec(await bench.metrics.registry.metrics())![1]!
    expect(await dropped('disk_reserve')).toBe('7')
    bench.refusal = new LogError('memory', 'memory')
    expect(() => bench.scrape('a 4\n'), 'what the store does not say itself').toThrow('memory')
    // a, and a marker for b.
    expect(await dropped('memory')).toBe('2')
    bench.refusal = null
    expect(bench.scrape('a 6\nc 6\n')).toBe('')
    expect(bench.all).toMatchObject({ a: ['1000:1', '6000:6'], b: ['1000:1', '6000:stale'], c: ['6000:6'] })
  })

  it('leaves the end of a target unmarked where the store takes nothing', () => {
    const bench = new ScrapeBench()
    bench.scrape('a 1\n')
    bench.refusal = new LogError('disk reserve reached', 'disk_reserve')
    bench.writer.writeEnd(bench.cache, 2000)
    expect(bench.all).toMatchObject({ a: ['1000:1'] })
  })

  it('asks the store for a known series only once', () => {
    const bench = new ScrapeBench()
    bench.scrape('a{x="y"} 1\nb 2\n# HELP c text\nc 3\n')
    const calls = bench.seriesCalls
    bench.scrape('a{x="y"} 10\nb 2\n# HELP c text\nc 3e1\n')
    bench.scrape('c -3\nb 0\n# HELP c other\na{x="y"} 1e3\n')
    bench.scrape('# new\nb 1\nc NaN\na{x="y"} +Inf')
    expect(bench.seriesCalls).toBe(calls)
    expect(bench.all).toMatchObject({
      'a{x="y"}': ['1000:1', '2000:10', '3000:1000', '4000:Infinity'], b: ['1000:2', '2000:2', '3000:0', '4000:1'], c: ['1000:3', '2000:30', '3000:-3', '4000:NaN'],
    })
    expect(bench.report).toEqual(['1', '3', '3', '0'])
  })

  it('marks series that vanish, and counts those that come', () => {
    const bench = new ScrapeBench()
    bench.scrape('a 1\nb 1\nc 1\n')
    bench.scrape('a 1\nc 1\nd 1\n')
    expect(bench.report).toEqual(['1', '3', '3', '1'])
    bench.scrape('a 1\nb 1\nc 1\nd 1\n')
    expect(bench.all).toMatchObject({
      a: ['1000:1', '2000:1', '3000:1'], b: ['1000:1', '2000:stale', '3000:1'], c: ['1000:1', '2000:1', '3000:1'], d: ['2000:1', '3000:1'],
    })
  })

  it('does not mark a series that is only written differently', () => {
    const bench = new ScrapeBench()
    bench.scrape('a{x="1",y="2"} 1\nb 1\n')
    bench.scrape('b 1\na{y="2",x="1"} 2\n')
    bench.scrape('b  1\na{y="2",x="1",} 3\n')
    expect(bench.all).toMatchObject({ 'a{x="1", y="2"}': ['1000:1', '2000:2', '3000:3'], b: ['1000:1', '2000:1', '3000:1'] })
  })

  it('stores nothing of a bad body, marks all series, and knows them again', () => {
    const bench = new ScrapeBench()
    bench.scrape('a 1\nb 2\n')
    const calls = bench.seriesCalls
    expect(bench.scrape('a 5\nb 6\n???\n')).toContain('line 3')
    expect(bench.report).toEqual(['0', '2', '2', '0'])
    expect(bench.scrape(null)).toBe('unreachable')
    expect(bench.report).toEqual(['0', '0', '0', '0'])
    bench.scrape('a 7\nb 8\n')
    expect(bench.report).toEqual(['1', '2', '2', '0'])
    expect(bench.seriesCalls).toBe(calls)
    expect(bench.all).toMatchObject({ a: ['1000:1', '2000:stale', '4000:7'], b: ['1000:2', '2000:stale', '4000:8'] })
  })

  it('does not take a known prefix for one that only begins alike', () => {
    const bench = new ScrapeBench()
    bench.scrape('a 1\nb{x="1"}2\n')
    expect(bench.scrape('ab1\nb{x="1"}2\n')).toContain('line 1')
    bench.scrape('a 3\nb{x="1"} 4\n')
    bench.scrape('a {y="2"} 5\nb{x="1"}\t6\n')
    expect(bench.all).toMatchObject({
      a: ['1000:1', '2000:stale', '3000:3', '4000:stale'], 'a{y="2"}': ['4000:5'], 'b{x="1"}': ['1000:2', '2000:stale', '3000:4', '4000:6'],
    })
  })

  it('takes an empty body as a good scrape without series', () => {
    const bench = new ScrapeBench()
    bench.scrape('a 1\n')
    expect(bench.scrape('')).toBe('')
    expect(bench.report).toEqual(['1', '0', '0', '0'])
    expect(bench.scrape('', 'openmetrics')).toBe('')
    expect(bench.all).toMatchObject({ a: ['1000:1', '2000:stale'] })
  })

  it('sees data behind # EOF though everything before is known', () => {
    const bench = new ScrapeBench()
    expect(bench.scrape('a 1\n# EOF\n', 'openmetrics')).toBe('')
    expect(bench.scrape('a 1\n# EOF\na 2\n', 'openmetrics')).toContain('unexpected data after # EOF')
    expect(bench.scrape('a 1\n', 'openmetrics')).toContain('does not end with # EOF')
    expect(bench.scrape('a 1', 'text')).toBe('')
    expect(bench.all).toMatchObject({ a: ['1000:1', '2000:stale', '4000:1'] })
  })

  it('skips and counts a series that comes twice', async () => {
    const bench = new ScrapeBench()
    bench.scrape('a 1\na 2\nb 3\n')
    expect(bench.report).toEqual(['1', '3', '3', '2'])
    bench.scrape('a 1\na 2\nb 3\n')
    bench.scrape('b 3\na 4\n')
    bench.scrape('a 5\nb 3\na 6\n')
    expect(bench.all).toMatchObject({ a: ['1000:1', '2000:1', '3000:4', '4000:5'], b: ['1000:3', '2000:3', '3000:3', '4000:3'] })
    expect(await bench.metrics.registry.metrics()).toContain('prometheus_target_scrapes_sample_duplicate_timestamp_total 3')
  })

  it('lets a target have its own up', async () => {
    const bench = new ScrapeBench({ honorLabels: true })
    bench.scrape('up 42\n')
    expect(bench.all['up']).toEqual(['1000:42'])
    expect(await bench.metrics.registry.metrics()).toContain('prometheus_target_scrapes_sample_duplicate_timestamp_total 0')
  })

  it('adds the extra metrics where asked for', () => {
    const bench = new ScrapeBench({ extraScrapeMetrics: true, limits: { ...NO_LIMITS, samples: 9 } })
    bench.scrape('a 1\n')
    expect(bench.all).toMatchObject({ scrape_timeout_seconds: ['1000:5'], scrape_sample_limit: ['1000:9'], scrape_body_size_bytes: ['1000:4'] })
  })

  it('goes on with known series when the store makes no more', async () => {
    const bench = new ScrapeBench({}, { seriesLimit: 6 })
    bench.scrape('a 1\n')
    expect(bench.scrape('new 1\na 2\n')).toBe('')
    expect(bench.all).toMatchObject({ a: ['1000:1', '2000:2'], up: ['1000:1', '2000:1'] })
    expect(bench.report).toEqual(['1', '2', '2', '0'])
    expect(await bench.metrics.registry.metrics()).toContain('monitor_target_samples_over_series_limit_total 1')
  })
})

describe('labels', () => {
  const names = (bench: ScrapeBench): string[] => Object.keys(bench.all).filter((name) => !/^(up|scrape_)/.test(name))

  it('renames what collides with target labels', () => {
    const bench = new ScrapeBench()
    bench.targetLabels = labelsFromRecord({ foo: 'target' })
    bench.scrape('a{foo="1"} 1\nb{foo="1",exported_foo="2"} 1\nc{foo=""} 1\n')
    expect(names(bench)).toEqual([
      'a{exported_foo="1", foo="target"}', 'b{exported_exported_foo="1", exported_foo="2", foo="target"}', 'c{foo="target"}',
    ])
  })

  it('prefers the exposed labels with honor_labels, empty ones too', () => {
    const bench = new ScrapeBench({ honorLabels: true })
    bench.targetLabels = labelsFromRecord({ foo: 'target', bar: 'target' })
    bench.scrape('a{foo="1"} 1\nb{foo=""} 1\n')
    expect(names(bench)).toEqual(['a{bar="target", foo="1"}', 'b{bar="target"}'])
  })

  it('applies metric_relabel_configs, and remembers what they dropped', () => {
    const bench = new ScrapeBench({
      metricRelabelConfigs: [
        relabelConfig({ sourceLabels: ['__name__'], regex: 'secret_.*', action: 'drop' }),
        relabelConfig({ sourceLabels: ['x'], regex: '(.+)', targetLabel: 'z', replacement: 'was-$1' }),
      ],
    })
    bench.scrape('a{x="1"} 1\nsecret_b 2\n')
    const calls = bench.seriesCalls
    bench.scrape('secret_b 3\na{x="1"} 4\n')
    expect(bench.seriesCalls).toBe(calls)
    expect(bench.report).toEqual(['1', '2', '1', '0'])
    expect(bench.all).toMatchObject({ 'a{x="1", z="was-1"}': ['1000:1', '2000:4'] })
    expect(names(bench)).toHaveLength(1)
  })

  it('learns anew after the configuration changed, and marks the old names', () => {
    const bench = new ScrapeBench()
    bench.scrape('a 1\nb 2\n')
    bench.cache.relearn()
    bench.config = scrapeConfig({ metricRelabelConfigs: [relabelConfig({ sourceLabels: ['__name__'], regex: 'a', action: 'drop' })] })
    bench.scrape('a 1\nb 2\n')
    expect(bench.all).toMatchObject({ a: ['1000:1', '2000:stale'], b: ['1000:2', '2000:2'] })
  })

  it('follows a TYPE that changes what le means', () => {
    const bench = new ScrapeBench()
    bench.scrape('# TYPE h histogram\nh_bucket{le="1"} 1\n')
    bench.scrape('# TYPE h gauge\nh_bucket{le="1"} 2\n')
    bench.scrape('h_bucket{le="1"} 3\n')
    expect(bench.all).toMatchObject({ 'h_bucket{le="1.0"}': ['1000:1', '2000:stale'], 'h_bucket{le="1"}': ['2000:2', '3000:3'] })
  })

  const fails = (changes: Partial<ScrapeConfig>, body: string, message: string): void => {
    it(`fails the whole scrape: ${message}`, () => {
      const bench = new ScrapeBench(changes)
      bench.scrape('good 1\n')
      expect(bench.scrape(`good 2\n${body}`)).toContain(message)
      expect(bench.all).toMatchObject({ good: ['1000:1', '2000:stale'], up: ['1000:1', '2000:0'] })
    })
  }
  fails({ limits: { ...NO_LIMITS, samples: 1 } }, 'b 1\nc 1\n', 'sample limit exceeded (more than 1 samples: sample_limit)')
  fails({ limits: { ...NO_LIMITS, labels: 4 } }, 'b{x="1",y="2"} 1\n', 'label_limit exceeded (metric: b, number of labels: 5, limit: 4)')
  fails({ limits: { ...NO_LIMITS, labelNameLength: 8 } }, 'b{x_long_name="1"} 1\n', 'label_name_length_limit exceeded (metric: b, label name: x_long_name, length: 11, limit: 8)')
  fails({ limits: { ...NO_LIMITS, labelValueLength: 6 } }, 'b{x="ääää"} 1\n', 'label_value_length_limit exceeded (metric: b, label name: x, value: "ääää", length: 8, limit: 6)')
  fails({ metricRelabelConfigs: [relabelConfig({ sourceLabels: ['__name__'], regex: 'b', targetLabel: '__name__', replacement: '' })] }, 'b 1\n', 'missing metric name')
  fails({ metricNameValidationScheme: 'legacy' }, '{"b.c"} 1\n', 'invalid metric name or label names: {__name__="b.c"')

  it('counts every sample of a body over the sample limit', () => {
    const bench = new ScrapeBench({ limits: { ...NO_LIMITS, samples: 2 } })
    expect(bench.scrape('a 1\nb 2\n# c\nc 3\nd 4\ne 5\n')).toBe('sample limit exceeded (more than 2 samples: sample_limit)')
    expect(bench.report).toEqual(['0', '5', '5', '2'])
  })
})

describe('timestamps of the body', () => {
  it('are kept; their series are not marked', () => {
    const bench = new ScrapeBench()
    bench.scrape('a 1 500\nb 2\n')
    bench.scrape('a 2 700\nb 3\n')
    bench.scrape('b 4\n')
    expect(bench.all).toMatchObject({ a: ['500:1', '700:2'], b: ['1000:2', '2000:3', '3000:4'] })
  })

  it('are marked with track_timestamps_staleness', () => {
    const bench = new ScrapeBench({ trackTimestampsStaleness: true })
    bench.scrape('a 1 500\nb 2\n')
    bench.scrape('b 4\n')
    expect(bench.all).toMatchObject({ a: ['500:1', '2000:stale'] })
  })

  it('are ignored without honor_timestamps', () => {
    const bench = new ScrapeBench({ honorTimestamps: false })
    bench.scrape('a 1 500\n')
    bench.scrape('')
    expect(bench.all).toMatchObject({ a: ['1000:1', '2000:stale'] })
  })

  it('may repeat a series, in any order', () => {
    const bench = new ScrapeBench()
    bench.scrape('a 2 700\nb 1\na 1 500\n')
    bench.scrape('a 3 900\nb 1\na 4 1100\n')
    expect(bench.all).toMatchObject({ a: ['500:1', '700:2', '900:3', '1100:4'], b: ['1000:1', '2000:1'] })
  })

  it('cost as much for each of many new series that come at two times', () => {
    const rows = (t: number): string => Array.from({ length: 40_000 }, (_, i) => `a{i="${i}"} 1 ${t}\n`).join('')
    const [once, twice] = [rows(500), rows(500) + rows(600)]
    const spentUs = (body: string): number => {
      const bench = new ScrapeBench()
      const from = process.cpuUsage()
      expect(bench.scrape(body)).toBe('')
      const { user } = process.cpuUsage(from)
      return user
    }
    // Twice; 8 times where each looks for its series among all. What else the machine does may make one of them slow, not each of these pairs.
    let least = Infinity
    for (let i = 0; i < 10 && least >= 4; i++) least = Math.min(least, spentUs(twice) / spentUs(once))
    expect(least).toBeLessThan(4)
  })

  it('come and go', () => {
    const bench = new ScrapeBench()
    bench.scrape('a 1\n')
    bench.scrape('a 2 1500\n')
    bench.scrape('a 3\n')
    // A series that begins to bring its own times is no longer tracked: that looks like an end.
    expect(bench.all).toMatchObject({ a: ['1000:1', '1500:2', '2000:stale', '3000:3'] })
  })

  it('are read in OpenMetrics, with exemplars', () => {
    const bench = new ScrapeBench()
    const body = (x: number): string => `# TYPE a counter\na_total{x="y"} ${x} # {trace="b c"} 1.0 12.5\nb ${x} 0.5\n# EOF\n`
    bench.scrape(body(1), 'openmetrics')
    const calls = bench.seriesCalls
    bench.scrape(body(2).replace('0.5\n', '0.75\n'), 'openmetrics')
    expect(bench.seriesCalls).toBe(calls)
    expect(bench.all).toMatchObject({ 'a_total{x="y"}': ['1000:1', '2000:2'], b: ['500:1', '750:2'] })
  })
})

describe('the end of a target', () => {
  it('marks its series, up and scrape_* included', () => {
    const bench = new ScrapeBench()
    bench.scrape('a 1\n')
    bench.writer.writeEnd(bench.cache, 5000)
    expect(bench.all).toMatchObject({ a: ['1000:1', '5000:stale'], up: ['1000:1', '5000:stale'], scrape_series_added: ['1000:1', '5000:stale'] })
  })

  it('leaves alone what another target has taken over', () => {
    const bench = new ScrapeBench()
    const first = bench.cache
    bench.scrape('a 1\nb 1\n')
    bench.cache = new ScrapeCache(2)
    bench.scrape('a 1\n')
    bench.writer.writeEnd(first, 1500)
    expect(bench.all).toMatchObject({ a: ['1000:1', '2000:1'], b: ['1000:1', '1500:stale'], up: ['1000:1', '2000:1'] })
  })
})

describe('any sequence of bodies', () => {
  const pool = Array.from({ length: 12 }, (_, i) => `m${i % 4}{l="${i}"}`)
  const line = fc.record({ series: fc.constantFrom(...pool), value: fc.integer({ min: 0, max: 3 }), space: fc.constantFrom(' ', '  ', '\t') })
  const extra = fc.constantFrom('# HELP m0 x', '# TYPE m0 gauge', '# TYPE m1 counter', '', '# z')
  const body = fc.array(fc.oneof({ weight: 6, arbitrary: line.map(({ series, value, space }) => ({ series, value, text: `${series}${space}${value}` })) },
    { weight: 2, arbitrary: extra.map((text) => ({ series: '', value: 0, text })) }), { maxLength: 14 })
  // Mostly small edits of the body before, as real targets make them.
  const edit = fc.record({ cut: fc.nat(14), remove: fc.nat(3), insert: body, isBad: fc.boolean(), odds: fc.nat(5) })

  it('stores what a reader without a cache stores', () => {
    fc.assert(fc.property(body, fc.array(edit, { maxLength: 8 }), (first, edits) => {
      const bench = new ScrapeBench()
      const want = new Map<string, string[]>()
      let live = new Set<string>()
      let lines = first
      let t = 0
      const step = (isBad: boolean): void => {
        t += 1000
        bench.scrape(`${lines.map(({ text }) => text).join('\n')}\n${isBad ? '!\n' : ''}`)
        const now = new Map<string, number>()
        if (!isBad) for (const { series, value } of lines) if (series !== '' && !now.has(series)) now.set(series, value)
        for (const [series, value] of now) want.set(series, [...(want.get(series) ?? []), `${t}:${value}`])
        for (const series of live) if (!now.has(series)) want.get(series)!.push(`${t}:stale`)
        live = new Set(now.keys())
      }
      step(false)
      for (const { cut, remove, insert, isBad, odds } of edits) {
        const at = Math.min(cut, lines.length)
        lines = [...lines.slice(0, at), ...(odds > 2 ? insert : []), ...lines.slice(at + (odds > 1 ? remove : 0))]
        step(isBad && odds === 5)
      }
      const got = new Map(Object.entries(bench.all).filter(([name]) => name.startsWith('m')))
      expect(got).toEqual(want)
    }), { numRuns: 3000, seed: 42 })
  })
})
