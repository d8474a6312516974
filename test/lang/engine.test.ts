import { describe, expect, it } from 'vitest'
import { Engine, type EngineOptions } from '../../lang/engine.ts'
import type { InstantJob, QueryJob, RangeJob } from '../../lang/job.ts'
import { ALL_FEATURES } from '../../lang/parse/parse.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { denseBuckets, EMPTY_HISTOGRAM } from '../../lib/model/histogram.ts'
import type { Clock } from '../../lib/std/clock.ts'
import type { Queryable } from '../../storage/interface.ts'
import { MemoryStorage } from '../support/memory-storage.ts'

const COMMON = { timeoutMs: 10_000, limit: 0, lookbackMs: 300_000, stats: '' } as const

function instant(query: string, timeMs = 60_000, rest: Partial<InstantJob> = {}): InstantJob {
  return { kind: 'instant', query, timeMs, ...COMMON, ...rest }
}

function range(query: string, [startMs, endMs, stepMs]: readonly [number, number, number] = [0, 120_000, 60_000], rest: Partial<RangeJob> = {}): RangeJob {
  return { kind: 'range', query, startMs, endMs, stepMs, ...COMMON, ...rest }
}

function answer(job: QueryJob, store: Queryable, options: Partial<EngineOptions> = {}): { status: number; text: string } {
  const { status, body } = new Engine({ features: ALL_FEATURES, ...options }).run(job, store)
  return { status, text: new TextDecoder().decode(body) }
}

/** Two counters, one a minute: a = 0 1 2, b = 10 20 30. */
function smallStore(): MemoryStorage {
  const store = new MemoryStorage()
  for (let i = 0; i < 3; i++) {
    store.add(['__name__', 'm', 'host', 'b'], i * 60_000, 10 * (i + 1))
    store.add(['__name__', 'm', 'host', 'a'], i * 60_000, i)
  }
  return store
}

describe('the answer of a query', () => {
  it('is a vector for an instant query', () => {
    expect(answer(instant('m{host="a"}'), smallStore())).toEqual({
      status: 200, text: '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"m","host":"a"},"value":[60,"1"]}]}}',
    })
  })

  it('is a matrix sorted by labels for a range query', () => {
    expect(answer(range('m'), smallStore()).text).toBe('{"status":"success","data":{"resultType":"matrix","result":['
      + '{"metric":{"__name__":"m","host":"a"},"values":[[0,"0"],[60,"1"],[120,"2"]]},'
      + '{"metric":{"__name__":"m","host":"b"},"values":[[0,"10"],[60,"20"],[120,"30"]]}]}}')
  })

  it('is a scalar, without exponents at the top level', () => {
    expect(answer(instant('1e21', 1_435_781_430_781), smallStore()).text)
      .toBe('{"status":"success","data":{"resultType":"scalar","result":[1435781430.781,"1000000000000000000000"]}}')
  })

  it('is a matrix with one series for a scalar in a range query', () => {
    expect(answer(range('1e21'), smallStore()).text)
      .toBe('{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[0,"1e+21"],[60,"1e+21"],[120,"1e+21"]]}]}}')
  })

  it('is a string', () => {
    expect(answer(instant('("a\\"b\\n")'), smallStore()).text).toBe('{"status":"success","data":{"resultType":"string","result":[60,"a\\"b\\n"]}}')
  })

  it('is the samples themselves for a range vector, in (t - range, t]', () => {
    expect(answer(instant('m{host="b"}[2m]', 120_000), smallStore()).text)
      .toBe('{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"m","host":"b"},"values":[[60,"20"],[120,"30"]]}]}}')
  })

  it('has every label of a series, however many', () => {
    const store = new MemoryStorage()
    const wide = (last: string): string[] => ['__name__', 'wide', ...Array.from({ length: 700 }, (_, i) => [`l${1000 + i}`, i < 699 ? '1' : last]).flat()]
    store.add(wide('x'), 0, 1)
    store.add(wide('y'), 0, 2)
    const rows = (query: string): { metric: Record<string, string> }[] =>
      (JSON.parse(answer(instant(query), store).text) as { data: { result: { metric: Record<string, string> }[] } }).data.result
    expect(rows('wide').map(({ metric }) => [Object.keys(metric).length, metric['l1699']])).toEqual([[701, 'x'], [701, 'y']])
    expect(rows('sum without (l1000) (wide)').map(({ metric }) => [Object.keys(metric).length, metric['l1699']])).toEqual([[699, 'x'], [699, 'y']])
  })

  it('is all samples of an anchored range, also more than a call takes arguments', () => {
    const store = new MemoryStorage()
    const count = 150_000
    for (let i = 0; i < count; i++) store.add(['__name__', 'long'], i * 10_000, i)
    const { status, text } = answer(instant('long[20d] anchored', count * 10_000), store)
    expect(status, text.slice(0, 200)).toBe(200)
    expect((JSON.parse(text) as { data: { result: { values: unknown[] }[] } }).data.result[0]!.values).toHaveLength(count + 2)
  })

  it('is the grid of a subquery', () => {
    expect(answer(instant('(m{host="b"} * 2)[90s:30s]', 120_000), smallStore()).text)
      .toBe('{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"host":"b"},"values":[[60,"40"],[90,"40"],[120,"60"]]}]}}')
  })

  it('is an empty list where nothing matches', () => {
    expect(answer(instant('none'), smallStore()).text).toBe('{"status":"success","data":{"resultType":"vector","result":[]}}')
    expect(answer(range('none'), smallStore()).text).toBe('{"status":"success","data":{"resultType":"matrix","result":[]}}')
  })

  it('knows the end of a range that is no step', () => {
    const values = (query: string): unknown => (JSON.parse(answer(range(query, [0, 119_999, 50_000]), smallStore()).text) as { data: { result: { values: unknown }[] } }).data.result[0]!.values
    // Steps 0, 50, 100 s; m{host="b"} is 20 at 60 s, looked at from 119.999 s.
    expect(values('m{host="b"} @ end()')).toEqual([[0, '20'], [50, '20'], [100, '20']])
    expect(values('vector(end())')).toEqual([[0, '119.999'], [50, '119.999'], [100, '119.999']])
    expect(values('sum_over_time(m{host="b"}[range()])')).toEqual([[0, '10'], [50, '10'], [100, '30']])
  })

  it('keeps the order of sort, also in the middle of an expression', () => {
    const hosts = (query: string): unknown[] => (JSON.parse(answer(instant(query), smallStore()).text) as { data: { result: { metric: { host: string } }[] } })
      .data.result.map(({ metric }) => metric.host)
    expect(hosts('sort(m)')).toEqual(['a', 'b'])
    expect(hosts('sort_desc(m)')).toEqual(['b', 'a'])
    expect(hosts('sort_desc(m) + 1')).toEqual(['b', 'a'])
    expect(hosts('topk(2, m)')).toEqual(['b', 'a'])
    expect(hosts('bottomk(2, m)')).toEqual(['a', 'b'])
  })

  it('is cut at the limit, with a warning', () => {
    const { text } = answer(range('m', [0, 0, 1000], { limit: 1 }), smallStore())
    expect(text).toBe('{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"m","host":"a"},"values":[[0,"0"]]}]},'
      + '"warnings":["results truncated due to limit"]}')
    expect(answer(range('m', [0, 0, 1000], { limit: 2 }), smallStore()).text).not.toContain('warnings')
    expect(answer(range('m', [0, 0, 1000], { limit: 1, warnings: ['told'] }), smallStore()).text).toContain('"warnings":["results truncated due to limit","told"]}')
    expect(answer(instant('m', 0, { limit: 1 }), smallStore()).text).toContain('truncated')
    expect(answer(instant('m[1m]', 0, { limit: 1 }), smallStore()).text).toContain('truncated')
  })

  it('carries infos and warnings with their place', () => {
    expect(JSON.parse(answer(instant('rate(m[2m]) > quantile(2, m)'), smallStore()).text)).toMatchObject({
      infos: ['PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "m" (1:6)'],
      warnings: ['PromQL warning: quantile value should be between 0 and 1, got 2 (1:24)'],
    })
  })

  it('escapes hostile labels', () => {
    const store = new MemoryStorage()
    const value = '"\\\n\u0001\u2028</script>\u00e9\ud83d\ude00'
    store.add(['__name__', 'm', '__proto__', value], 0, 1)
    const result = JSON.parse(answer(instant('m', 0), store).text) as { data: { result: { metric: object }[] } }
    expect(Object.entries(result.data.result[0]!.metric)).toEqual([['__name__', 'm'], ['__proto__', value]])
  })

  it('carries statistics where asked', () => {
    const stats = (JSON.parse(answer(range('m', undefined, { stats: 'true' }), smallStore()).text) as { data: { stats: Record<string, object> } }).data.stats
    expect(stats['samples']).toEqual({ totalQueryableSamples: 6, samplesRead: 6, peakSamples: 6 })
    expect(Object.keys(stats['timings']!)).toContain('evalTotalTime')
  })

  // As Prometheus 3.14 counts: a sample once for every window it lies in, what is pinned at every step, of a subquery its own
  // points alone, histograms without their buckets where nothing needs these.
  it.each<[string, number, number]>([
    ['m', 3, 18], ['sum(m)', 3, 18], ['m + m', 6, 36], ['rate(m[5m])', 90, 369], ['max_over_time(m[5m:30s])', 30, 126], ['max_over_time(rate(m[1m])[5m:30s])', 30, 117],
    ['m @ 100', 3, 18], ['rate(m[1m] @ 100)', 18, 108], ['absent_over_time(m[1m])', 18, 93], ['timestamp(m)', 3, 18], ['rate(h[1m])', 78, 403], ['histogram_count(h)', 11, 66], ['gaps', 1, 6], ['rate(gaps[1m])', 3, 16],
    ['time()', 0, 0],
    // What is evaluated once for several places.
    ['rate(m[5m]) + rate(m[5m])', 180, 738], ['sort(rate(m[5m])) and sort(rate(m[5m])) or rate(m[5m])', 270, 1107], ['rate(m[1m] @ 100) + rate(m[1m] @ 100)', 36, 216],
    ['(m * scalar(m{i="1"})) + (m * scalar(m{i="1"}))', 8, 48], ['max_over_time(rate(m[1m])[5m:30s]) / max_over_time(rate(m[1m])[5m:30s])', 60, 234],
  ])('counts the samples of %s', (query, ofInstant, ofRange) => {
    const storage = new MemoryStorage()
    for (let i = 0; i <= 100; i++) {
      for (let s = 1; s <= 3; s++) storage.add(['__name__', 'm', 'i', `${s}`], i * 10_000, i * s)
      if (i % 2 === 0) storage.add(['__name__', 'gaps'], i * 10_000, i)
      storage.addHistogram(['__name__', 'h'], i * 10_000, { ...EMPTY_HISTOGRAM, count: 12, sum: 100, positive: denseBuckets(0, [2, 3, 0, 5]) })
    }
    const readBy = (job: QueryJob): number => {
      const { data } = JSON.parse(answer(job, storage).text) as { data: { stats: { samples: { totalQueryableSamples: number } } } }
      return data.stats.samples.totalQueryableSamples
    }
    expect([readBy(instant(query, 500_000, { stats: 'true' })), readBy(range(query, [0, 500_000, 100_000], { stats: 'true' }))]).toEqual([ofInstant, ofRange])
  })

  it('warns of the same with statistics as without', () => {
    const storage = new MemoryStorage()
    // One of the counters falls: what is reduced to counts says so in its hints, and they do not agree.
    for (const [i, count] of [8, 3].entries()) storage.addHistogram(['__name__', 'h', 's', 'a'], i * 60_000, { ...EMPTY_HISTOGRAM, count, sum: count })
    for (const [i, count] of [8, 9].entries()) storage.addHistogram(['__name__', 'h', 's', 'b'], i * 60_000, { ...EMPTY_HISTOGRAM, count, sum: count })
    const warningsOf = (stats: InstantJob['stats']): unknown => (JSON.parse(answer(instant('histogram_count(sum(h))', 60_000, { stats }), storage).text) as { warnings: unknown }).warnings
    expect(warningsOf('all')).toEqual(['PromQL warning: conflicting counter resets during histogram aggregation (1:21)'])
    expect(warningsOf('all')).toEqual(warningsOf(''))
  })

  // Recorded from the engine of 3.14: queryable and read at each of six steps, and read by an instant query at 300 s.
  it.each<[string, number[], number[], number]>([
    ['m', [3, 3, 3, 3, 3, 3], [3, 3, 3, 3, 3, 3], 3], ['m + m', [6, 6, 6, 6, 6, 6], [6, 6, 6, 6, 6, 6], 6],
    ['rate(m[5m]) + rate(m[5m])', [6, 66, 126, 180, 180, 180], [6, 60, 60, 60, 60, 60], 180],
    ['rate(m[1m] @ 100) + rate(m[1m] @ 100)', [36, 36, 36, 36, 36, 36], [36, 0, 0, 0, 0, 0], 36],
    ['rate(m[5m])', [3, 33, 63, 90, 90, 90], [3, 30, 30, 30, 30, 30], 90], ['rate(m[30s])', [3, 9, 9, 9, 9, 9], [3, 9, 9, 9, 9, 9], 9],
    ['rate(m[1m] @ 100)', [18, 18, 18, 18, 18, 18], [18, 0, 0, 0, 0, 0], 18], ['sort(rate(m[1m] @ 100))', [18, 18, 18, 18, 18, 18], [18, 0, 0, 0, 0, 0], 18],
    ['max_over_time(m[5m:30s])', [3, 12, 21, 30, 30, 30], [3, 9, 9, 12, 9, 9], 30],
    ['max_over_time(m[5m:30s]) + scalar(m{i="1"})', [4, 13, 22, 31, 31, 31], [4, 10, 10, 13, 10, 10], 31],
    ['max_over_time((m * scalar(m{i="1"}))[5m:30s])', [3, 12, 21, 30, 30, 30], [4, 12, 12, 16, 12, 12], 40],
    // Outer steps further apart than windows: what lies between is not used.
    ['max_over_time(m[1m:30s] offset 50s)', [0, 6, 6, 6, 6, 6], [0, 6, 6, 6, 6, 6], 6],
    ['max_over_time(rate(m[1m])[3m:20s])', [0, 15, 27, 27, 27, 27], [3, 30, 30, 30, 30, 30], 66], ['max_over_time((m @ 100)[1m:30s])', [6, 6, 6, 6, 6, 6], [3, 0, 0, 0, 0, 0], 3],
    ['avg_over_time(max_over_time(m[2m:30s])[3m:1m])', [3, 6, 9, 9, 9, 9], [3, 6, 12, 12, 6, 12], 24],
    ['scalar(m{i="1"} @ 100) + 2', [1, 1, 1, 1, 1, 1], [1, 0, 0, 0, 0, 0], 1], ['1', [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], 0],
  ])('counts the samples of %s by the step, where that is switched on', (query, want, read, readAtOnce) => {
    const storage = new MemoryStorage()
    for (let i = 0; i <= 100; i++) for (let s = 1; s <= 3; s++) storage.add(['__name__', 'm', 'i', `${s}`], i * 10_000, i * s)
    const engine = new Engine({ features: { perStepStats: true } })
    const samplesOf = (job: QueryJob): object => {
      const { data } = JSON.parse(new TextDecoder().decode(engine.run(job, storage).body)) as { data: { stats: { samples: object } } }
      return data.stats.samples
    }
    const at = [0, 500_000, 100_000] as [number, number, number]
    expect(samplesOf(range(query, at, { stats: 'all' }))).toMatchObject({
      totalQueryableSamplesPerStep: want.map((samples, i) => [i * 100, samples]), totalQueryableSamples: want.reduce((sum, samples) => sum + samples, 0),
      samplesReadPerStep: read.map((samples, i) => [i * 100, samples]), samplesRead: read.reduce((sum, samples) => sum + samples, 0),
    })
    expect(samplesOf(range(query, at, { stats: 'true' }))).not.toHaveProperty('totalQueryableSamplesPerStep')
    expect(samplesOf(instant(query, 300_000, { stats: 'all' }))).toMatchObject({
      totalQueryableSamplesPerStep: [[300, want[3]]], samplesReadPerStep: [[300, readAtOnce]], samplesRead: readAtOnce,
    })
  })
})

describe('the answer to a query that cannot be', () => {
  it.each<[string, QueryJob, number, string, string]>([
    ['parse error', instant('sum('), 400, 'bad_data', 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis'],
    ['range vector over a range', range('m[5m]'), 400, 'bad_data',
      'invalid parameter "query": invalid expression type "range vector" for range query, must be Scalar or instant Vector'],
    ['string over a range', range('"a"'), 400, 'bad_data',
      'invalid parameter "query": invalid expression type "string" for range query, must be Scalar or instant Vector'],
    ['too many steps', range('m', [0, 11_001_000, 1000]), 400, 'bad_data',
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)'],
    ['no step', range('m', [0, 1000, 0]), 400, 'bad_data', 'zero or negative query resolution step widths are not accepted. Try a positive integer'],
    ['end before start', range('m', [1000, 0, 1000]), 400, 'bad_data', 'end timestamp must not be before start time'],
    ['two of one signature', instant('m + on() m'), 422, 'execution',
      'found duplicate series for the match group {} on the right hand-side of the operation: [{__name__="m", host="a"}, {__name__="m", host="b"}];'
      + 'many-to-many matching not allowed: matching labels must be unique on one side'],
    ['many to one unsaid', instant('m + on() vector(1)'), 422, 'execution',
      'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)'],
    ['two of one signature, of which many to one is the lesser', instant('m - on() group_left() m'), 422, 'execution',
      'found duplicate series for the match group {} on the right hand-side of the operation: [{__name__="m", host="a"}, {__name__="m", host="b"}];'
      + 'many-to-many matching not allowed: matching labels must be unique on one side'],
    ['labels that group_left cannot part', instant('m - on() group_left(host) label_replace(vector(1), "host", "x", "", "")'), 422, 'execution',
      'multiple matches for labels: grouping labels must ensure unique matches'],
    ['equal sets', instant('label_replace(m, "host", "x", "", "")'), 422, 'execution', 'vector cannot contain metrics with the same labelset'],
    ['NaN of the best', instant('topk(NaN, m)'), 422, 'execution', 'Parameter value is NaN'],
    ['k below int64 at one step', range('topk(2 - 1e30 * scalar(m{host="a"}), m)'), 422, 'execution', 'Scalar value -2e+30 underflows int64'],
    ['trims of numbers', instant('1 </ 2'), 422, 'execution', 'operator "</" not allowed for Scalar operations'],
    ['trims of numbers, the other way', instant('1 >/ 2'), 422, 'execution', 'operator ">/" not allowed for Scalar operations'],
    ['k beyond int64', instant('topk(1e19, m)'), 422, 'execution', 'Scalar value 1e+19 overflows int64'],
  ])('names %s', (_name, job, status, errorType, error) => {
    const { status: got, text } = answer(job, smallStore())
    expect({ got, ...JSON.parse(text) as object }).toEqual({ got: status, status: 'error', errorType, error })
  })

  it('11,001 points are not too many', () => {
    expect(answer(range('m', [0, 11_000_000, 1000]), smallStore()).status).toBe(200)
  })

  it.each([
    ['max_over_time(m[5m] anchored)', 'anchored modifier can only be used with: changes, delta, increase, rate, resets - not with max_over_time'],
    ['changes(m[5m] smoothed)', 'smoothed modifier can only be used with: delta, increase, rate - not with changes'],
  ])('refuses %s', (query, error) => {
    const { status, text } = answer(instant(query), smallStore())
    expect([status, JSON.parse(text)]).toEqual([422, { status: 'error', errorType: 'execution', error }])
  })

  it('is none for notes on times that JavaScript has no date for', () => {
    const buckets = 'label_replace(vector(5), "le", "1", "", "") or label_replace(vector(1), "le", "+Inf", "", "")'
    const { status, text } = answer(instant(`last_over_time(histogram_quantile(0.5, ${buckets})[1m:1m] @ 1e15)`), smallStore())
    expect(status, text).toBe(200)
    expect(text).toContain('from 31690708-07-05T01:46:00Z to 31690708-07-05T01:46:00Z')
  })

  it('is internal for a bug, with the querier closed', () => {
    const store = smallStore()
    let closed = 0
    const broken: Queryable = {
      querier: () => Object.assign(store.querier(), { select: () => { throw new TypeError('a bug') }, close: () => closed++ }),
    }
    expect(answer(instant('m'), broken)).toEqual({ status: 500, text: '{"status":"error","errorType":"internal","error":"a bug"}' })
    expect(closed).toBe(1)
  })
})

describe('limits of a query', () => {
  it('samples', () => {
    expect(answer(range('m'), smallStore(), { samplesMax: 6 }).status).toBe(200)
    expect(answer(range('m'), smallStore(), { samplesMax: 5 })).toEqual({
      status: 422, text: '{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}',
    })
  })

  it('bytes', () => {
    expect(answer(range('m', [0, 10_000_000, 1000]), smallStore(), { bytesMax: 100_000 })).toEqual({
      status: 422, text: '{"status":"error","errorType":"execution","error":"query needs more than its memory limit of 0 MiB in query execution: select fewer series, or fewer steps by a shorter range or a larger step, or raise --query.max-memory"}',
    })
  })

  it('bytes of the answer, which stands beside the rows it is made of', () => {
    const store = new MemoryStorage()
    for (let i = 0; i < 2000; i++) store.add(labelsFromRecord({ __name__: 'm' }), i * 1000, i + 1 / 3)
    // 18 kB of rows, twice that of buffers, 60 kB of JSON.
    expect(answer(range('m', [0, 1_999_000, 1000]), store, { bytesMax: 160_000 }).status).toBe(200)
    expect(answer(range('m', [0, 1_999_000, 1000]), store, { bytesMax: 80_000 })).toEqual({
      status: 422, text: expect.stringMatching(/answer needs more than 0 MiB, which is what the memory limit of a query leaves for it: select fewer series, .* or raise --query.max-memory"}$/) as string,
    })
  })

  it('bytes of the texts that label functions make, each call multiplying them', () => {
    const nest = (open: string, close: string): string => open.repeat(20) + 'm' + close.repeat(20)
    for (const query of [
      nest('label_replace(', ', "host", "$1$1$1$1", "host", "(.*)")'), nest('label_join(', ', "host", "", "host", "host", "host", "host")'),
    ]) {
      const { status, text } = answer(instant(query, 0), smallStore(), { bytesMax: 1 << 20 })
      expect([status, text.includes('query needs more than its memory limit of 1 MiB')], text.slice(0, 200)).toEqual([422, true])
    }
  })

  it('the length of one such text, however much memory there is', () => {
    const { status, text } = answer(instant(`${'label_replace('.repeat(20)}m${', "host", "$1$1$1$1$1$1$1$1", "host", "(.*)")'.repeat(20)}`, 0), smallStore())
    expect([status, text.includes('made by label_replace() or label_join(); at most 1048576 are possible')], text.slice(0, 200)).toEqual([422, true])
  })

  it('time', () => {
    let nowMs = 0
    const clock: Clock = { now: () => 0, monotonic: () => (nowMs += 1000), after: () => ({ cancel: () => {} }) }
    expect(answer(instant('m', 0, { timeoutMs: 2500 }), smallStore(), { clock })).toEqual({
      status: 503, text: '{"status":"error","errorType":"timeout","error":"query timed out in query execution"}',
    })
  })

  it('patience of who asked', () => {
    const { status } = new Engine().run(instant('m'), smallStore(), Int32Array.of(1))
    expect(status).toBe(499)
  })

  it.each<[string, () => number, string]>([
    ['recursion', () => { const down = (n: number): number => down(n + 1) + 1; return down(0) }, 'execution: query is nested too deeply'],
    ['too many arguments of one call', () => Math.max(...new Float64Array(1 << 20)), 'internal: Maximum call stack size exceeded'],
    ['an array that cannot be', () => new Float64Array(2 ** 52).length, `execution: query needs more memory than there is: Invalid typed array length: ${2 ** 52}`],
    ['a place outside of an array', () => Number(new Float64Array(1).set([1, 2])), 'internal: offset is out of bounds'],
  ])('the engine itself, by %s', (_, fail, want) => {
    const store = smallStore()
    const broken: Queryable = { querier: () => Object.assign(store.querier(), { select: () => { throw new Error(`did not fail: ${fail()}`) } }) }
    const { errorType, error } = JSON.parse(answer(instant('m'), broken).text) as { errorType: string; error: string }
    expect(`${errorType}: ${error}`).toBe(want)
  })

  it('the longest chain of operators the parser lets through is answered', () => {
    expect(answer(instant(Array.from({ length: 500 }, () => 'm').join(' or ')), smallStore()).text).toContain('"host":"a"')
  })
})

describe('metadata', () => {
  const span = { startMs: 0, endMs: 120_000, timeoutMs: 1000 }

  it('lists series sorted by labels', () => {
    expect(answer({ kind: 'series', matches: ['m'], limit: 0, ...span }, smallStore()).text)
      .toBe('{"status":"success","data":[{"__name__":"m","host":"a"},{"__name__":"m","host":"b"}]}')
    expect(answer({ kind: 'series', matches: ['m'], limit: 1, ...span }, smallStore()).text)
      .toBe('{"status":"success","data":[{"__name__":"m","host":"a"}],"warnings":["results truncated due to limit"]}')
  })

  it('lists names and values', () => {
    expect(answer({ kind: 'labels', matches: [], limit: 0, ...span }, smallStore()).text).toBe('{"status":"success","data":["__name__","host"]}')
    expect(answer({ kind: 'labelValues', name: 'host', matches: ['m{host!="a"}'], limit: 0, ...span }, smallStore()).text)
      .toBe('{"status":"success","data":["b"]}')
  })

  // Recorded from Prometheus 3.5.3.
  it.each([
    ['{}', 'match[] must contain at least one non-empty matcher'],
    ['{a=~".*"}', 'match[] must contain at least one non-empty matcher'],
    ['1', '1:1: parse error: unexpected number "1"'],
    ['up[5m]', '1:3: parse error: unexpected "["'],
    ['up offset 5m', '1:4: parse error: unexpected <offset>'],
    ['up{', '1:4: parse error: unexpected end of input inside braces'],
    ['"a"', '1:1: parse error: unexpected string "\\"a\\""'],
    ['', 'unknown position: parse error: unexpected end of input'],
  ])('refuses the selector %j in Prometheus\' words', (text, error) => {
    const of = (kind: 'series' | 'labels'): unknown => JSON.parse(answer({ kind, matches: [text], limit: 0, ...span }, smallStore()).text)
    expect(of('series')).toEqual({ status: 'error', errorType: 'bad_data', error: `invalid parameter "match[]": ${error}` })
    expect(of('labels')).toEqual({ status: 'error', errorType: 'bad_data', error })
  })

  it('parses all selectors before it refuses one that could match anything', () => {
    expect(JSON.parse(answer({ kind: 'labels', matches: ['{}', 'up{'], limit: 0, ...span }, smallStore()).text)).toMatchObject({ error: '1:4: parse error: unexpected end of input inside braces' })
  })
})
