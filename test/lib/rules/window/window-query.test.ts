// Rules over windows whose state is kept, against the engine that evaluates each anew: the same series, values within 1e-12.
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../../lang/engine.ts'
import type { InstantElement } from '../../../../lang/instant-elements.ts'
import { labelsFromRecord, type Labels } from '../../../../lib/model/labels.ts'
import { engineQuery, type QueryFunc } from '../../../../lib/rules/rule-query.ts'
import { windowForm } from '../../../../lib/rules/window/window-form.ts'
import { WindowQueries } from '../../../../lib/rules/window/window-query.ts'
import { Random } from '../../../../lib/std/random.ts'
import { randomHistogram } from '../../../support/random-histogram.ts'
import { MemoryStorage, type BatchShape } from '../../../support/memory-storage.ts'

const T0 = 1_700_000_000_000
const LOOKBACK = 300_000
const HISTORIES = Number(process.env['PROVE_WINDOW_HISTORIES'] ?? 15)
const SEED = Number(process.env['PROVE_SEED'] ?? 1)

/** Queries, and how often the store was asked for what is not kept. */
function queries(storage: MemoryStorage, bytesMax = 1 << 28): { windows: WindowQueries; engine: QueryFunc; asked: () => number } {
  const engine = engineQuery(new Engine(), storage, { timeoutMs: 60_000, lookbackMs: LOOKBACK })
  let asked = 0
  const windows = new WindowQueries((expr, timeMs, kept) => {
    const found: boolean[] = []
    const elements = engine(expr, timeMs, kept && { ...kept, windows: (...ask) => {
      const rows = kept.windows(...ask)
      found.push(rows !== null)
      return rows
    } })
    if (found.length === 0 || found.includes(false)) asked++
    return elements
  }, storage, { lookbackMs: LOOKBACK, features: {}, bytesMax })
  return { windows, engine, asked: () => asked }
}

function byLabels(elements: readonly InstantElement[]): Map<string, number> {
  return new Map(elements.map(({ labels, value }) => [labels.join(), value]))
}

function isClose(a: number, b: number, share = 1e-12): boolean {
  return Object.is(a, b) || a === b || (a !== a && b !== b) || Math.abs(a - b) <= share * Math.max(Math.abs(a), Math.abs(b))
}

/** What differs; elements at the edge of the comparison may be in one only, and be as the engine has them with windows that are `nudged`. */
function difference(got: readonly InstantElement[], want: readonly InstantElement[], threshold = NaN, nudged = (): InstantElement[][] => []): string[] {
  const [a, b] = [byLabels(got), byLabels(want)]
  const wrong = [...new Set([...a.keys(), ...b.keys()])].filter((labels) => {
    const [x, y] = [a.get(labels), b.get(labels)]
    return x !== undefined && y !== undefined ? !isClose(x, y) : !isClose((x ?? y)!, threshold)
  })
  const edges = wrong.length === 0 ? [] : nudged().map(byLabels)
  return wrong.filter((labels) => {
    const x = a.get(labels)
    // What is multiplied has no name.
    return !edges.some((edge) => {
      const y = edge.get(labels.replace(/__name__,m,?/, ''))
      return x === undefined || y === undefined ? x === y : isClose(x, y, 3 * NUDGE)
    })
  }).map((labels) => `${labels}: ${a.get(labels)}, not ${b.get(labels)}`)
}

/** A share of a value: more than what windows may differ by. */
const NUDGE = 2e-12

describe('windowForm', () => {
  const f = (expr: string, want: string | null): void => it(expr, () => {
    const form = windowForm(expr, {})
    expect(form === null ? null : `${form.func}|${form.selector}|${form.windowMs}|${form.comparison}|${form.threshold}${form.offsetMs === 0 ? '' : ` ${form.offsetMs} ago`}`).toBe(want)
  })
  f('avg_over_time(cpu{b="2",a="1"}[5m]) > 80', 'avg_over_time|__name__="cpu",a="1",b="2"|300000|>|80')
  f('-(1.5) <= (rate(((x[1m]))))', 'rate|__name__="x"|60000|>=|-1.5')
  f('up == 0', '|__name__="up"|0|==|0')
  f('quantile_over_time(0.99, {"x.y"}[90s]) != 1', 'quantile_over_time|__name__="x.y"|90000|!=|1')
  f('up offset 1m > 0', '|__name__="up"|0|>|0 60000 ago')
  f('predict_linear(x[5m] offset 1h, -60) < 0', 'predict_linear|__name__="x"|300000|<|0 3600000 ago')
  for (const expr of [
    'up', 'up > bool 0', 'up > up', '1 > bool 2', 'up + 1', 'up offset 61m > 0', 'up offset -1m > 0', 'predict_linear(x[5m], time()) < 0', 'up @ 1 > 0', 'avg_over_time({a="b"}[5m]) > 1', 'avg_over_time({__name__=~"x.*"}[5m]) > 1', 'deriv(x[5m:1m]) > 1',
    'avg_over_time(x[5m:1m]) > 1', 'avg_over_time(x[2h]) > 1', 'quantile_over_time(1.5, x[1m]) > 1', 'quantile_over_time(scalar(y), x[1m]) > 1', 'sum(x) > 1', 'rate(x[1m]) > time()', 'absent(x) > 0',
  ]) f(expr, null)
})

/** Values of one kind of series; each kind finds other faults. */
const KINDS: readonly ((random: Random, before: number) => number)[] = [
  (random) => random.int(20), (random, before) => (random.int(12) === 0 ? random.int(3) : before + random.int(5)), (random) => random.float() * 100 - 50, () => 3,
  (random) => random.pick([NaN, Infinity, -Infinity, -0, 0, 1, 1]), (random) => random.pick([1e300, -1e300, 1e-300, 5, 1e17, 1]), (random) => (random.float() - 0.5) * 10 ** (random.int(40) - 20),
]
const FUNCS = ['avg', 'sum', 'min', 'max', 'count', 'last', 'present', 'stddev', 'stdvar'].map((name) => `${name}_over_time(m[WIN])`)
const EXPRS = [...FUNCS, 'quantile_over_time(0.99, m[WIN])', 'changes(m[WIN])', 'resets(m[WIN])', 'rate(m[WIN])', 'increase(m[WIN])', 'delta(m[WIN])', 'irate(m[WIN])', 'idelta(m[WIN])', 'deriv(m[WIN])', 'predict_linear(m[WIN], 600)', 'm']
  .flatMap((expr) => [expr, expr, expr.includes('WIN]') ? expr.replace('WIN]', 'WIN] offset AGO') : 'm offset AGO'])
/** Windows within other expressions, whose values are no less exact than theirs: what is left of a difference of two sums is. */
const AROUND: readonly ((x: string, y: string) => string)[] = [
  (x) => x, (x) => `max by (kind) (${x})`, (x) => `quantile by (kind) (0.5, ${x})`, (x, y) => `max without (i) (${x} > 1) and min without (i) (${y} < 10)`, (x, y) => `${x} / ${y}`,
  (x) => `count by (kind) (${x} > 3) > 1`, (x) => `sum by (i) (${x})`, (x, y) => `group by (kind) (${x}) unless group by (kind) (${y} > 2)`, (x) => `absent(${x.replace(/\bm\b/, 'm{i="3"}')})`,
  (x) => `topk(2, ${x.replace(/\bm\b/, 'm{kind="2"}')})`, (x) => `${x} * 100 > 5`, () => 'm - m offset AGO', () => 'm - (m offset AGO) > 1', (x) => `label_replace(${x}, "k", "$1", "kind", "(.*)") or vector(1)`,
  (x, y) => `${x} > on (kind, i) ${y}`, (x, y) => `${x} <= ${y}`, (x, y) => `${x} == bool ${y}`, (x, y) => `${x} * on (kind) group_left () max by (kind) (${y})`,
  (x, y) => `min by (kind) (${x}) / ignoring (i) group_right () ${y}`, (x, y) => `${x} or on (kind) ${y}`,
  () => 'm > ignoring (kind) (m offset AGO)', (x) => `3 < ${x}`, (x) => `2 - ${x} >= 1`,
]

interface Live {
  labels: Labels
  kind: number
  value: number
  /** Offset of its samples in the interval. */
  phaseMs: number
  isSilent: boolean
}

interface Rule {
  text: string
  /** The same with either window a little less and a little more; none where `threshold` tells what lies at the edge. */
  nudged: readonly string[]
  threshold: number
  offsetMs: number
}

/** A history: samples come in their order, some a while after their moment; ticks come between. */
function run(seed: number, ticks: number): { differences: string[]; asked: number; checks: number } {
  const random = new Random(seed)
  const storage = new MemoryStorage({ shape: random.pick<BatchShape>(['equal', 'each', 'union']) })
  const { windows, engine, asked } = queries(storage)
  const series: Live[] = []
  const addSeries = (): void => {
    const kind = random.int(KINDS.length)
    series.push({ labels: labelsFromRecord({ __name__: 'm', i: String(series.length), kind: String(kind) }), kind, value: 0, phaseMs: random.int(10_000), isSilent: false })
  }
  for (let k = 0; k < 8; k++) addSeries()
  const rules: Rule[] = Array.from({ length: 12 }, () => {
    const op = random.pick(['>', '>=', '<', '<=', '==', '!='])
    const threshold = random.pick([0, 1, 3, 5, 10, -7.5, 0.1])
    return { nudged: [], text: `${random.pick(EXPRS).replace('WIN', random.pick(['25s', '1m', '61s', '3m', '10m'])).replace('AGO', random.pick(['15s', '90s', '6m']))} ${op} ${threshold}`, threshold, offsetMs: random.pick([0, 0, 0, 30_000]) }
  })
  const fillIn = (text: string): string => text.replaceAll('WIN', () => random.pick(['25s', '1m', '3m', '10m'])).replaceAll('AGO', () => random.pick(['15s', '90s', '6m']))
  for (let i = 0; i < 8; i++) {
    const around = random.pick(AROUND)
    const [x, y] = [fillIn(random.pick(EXPRS)), fillIn(random.pick(EXPRS))]
    const ago = random.pick(['15s', '90s', '6m'])
    const [text, ...nudged] = [around(x, y), ...[1 - NUDGE, 1 + NUDGE].flatMap((by) => [around(`(${x} * ${by})`, y), around(x, `(${y} * ${by})`)])].map((one) => one.replaceAll('AGO', ago))
    rules.push({ text: text!, nudged, threshold: NaN, offsetMs: random.pick([0, 0, 30_000]) })
  }
  const differences: string[] = []
  const isUneven = seed % 3 === 0
  const isBusy = seed % 4 === 1
  let checks = 0
  for (let k = 0; k < ticks; k++) {
    const round = T0 + k * 10_000
    for (const one of series) {
      const t = round + one.phaseMs
      if (random.int(40) === 0) {
        if (!one.isSilent && random.int(2) === 0) storage.addStale(one.labels, t)
        one.isSilent = !one.isSilent
      } else if (!one.isSilent && random.int(15) > 0) {
        one.value = KINDS[one.kind]!(random, one.value)
        storage.add(one.labels, t, one.value)
      }
    }
    if (random.int(isBusy ? 3 : 60) === 0) {
      addSeries()
      // Some come with a past; a tick that goes back looks for none.
      if (!isUneven && random.int(4) === 0) for (let back = 5; back > 0; back--) storage.add(series.at(-1)!.labels, round - back * 10_000, back)
    }
    // The tick is before the end of the round: what is of later moments is there already, and must not be seen.
    const nowMs = round + 10_000 - random.int(3) * 2000
    for (const { text, nudged, threshold, offsetMs } of rules) {
      if (random.int(6) === 0) continue
      checks++
      // Another group's tick was a while ago, and is evaluated after this one's.
      const atMs = nowMs - offsetMs - (isUneven && random.int(4) === 0 ? random.int(25_000) : 0)
      const wrong = difference(windows.queryFor({ offsetMs })(text, atMs), engine(text, atMs), threshold, () => nudged.map((one) => engine(one, atMs)))
      if (wrong.length > 0) differences.push(`seed ${seed}, tick ${k}, ${text}: ${wrong.join('; ')}`)
    }
  }
  return { differences, asked: isUneven ? 0 : asked(), checks: isUneven ? 0 : checks }
}

describe('windows that are kept', () => {
  it('give what the engine gives, over random histories', () => {
    let asked = 0
    let checks = 0
    for (let seed = SEED; seed < SEED + HISTORIES; seed++) {
      const found = run(seed, 120)
      expect(found.differences).toEqual([])
      asked += found.asked
      checks += found.checks
    }
    expect(asked).toBeLessThan(checks / 100)
  }, 3_600_000)

  const M = labelsFromRecord({ __name__: 'm', i: '1' })
  /** Ticks every 10 s from T0 + 10 s on, at each of which `before` may add samples; what the rule gave at each. */
  function ticks(count: number, ground: ReturnType<typeof queries>, before: (k: number, nowMs: number) => void, { expr = 'sum_over_time(m[10m]) > -1', offsetMs = 0 } = {}): (number | null)[] {
    return Array.from({ length: count }, (_, k) => {
      const nowMs = T0 + (k + 1) * 10_000
      before(k, nowMs)
      return ground.windows.queryFor({ offsetMs })(expr, nowMs - offsetMs)[0]?.value ?? null
    })
  }

  it('keep what is past for as long as its step lasts', () => {
    const storage = new MemoryStorage()
    const expr = 'm - last_over_time((avg_over_time(m[10m] offset 1h))[15m:15m])'
    for (let t = T0 - 7_200_000; t < T0 + 7_200_000; t += 30_000) storage.add(M, t, (t / 1000) % 977)
    const { windows, engine, asked } = queries(storage)
    const ask = windows.queryFor({ offsetMs: 0 })
    // The quarter that T0 lies in, and eight more.
    for (let t = T0; t < T0 + 7_200_000; t += 30_000) expect(difference(ask(expr, t), engine(expr, t))).toEqual([])
    expect(asked()).toBe(9)
    // What is not an hour back is evaluated each time.
    const before = asked()
    for (let t = T0 + 7_300_001; t < T0 + 7_400_000; t += 10_000) ask(expr.replace('1h', '59m'), t)
    expect(asked() - before).toBe(10)
  })

  it('are read once where rules have said how far back they look', () => {
    const storage = new MemoryStorage()
    for (let k = 1; k <= 5; k++) storage.add(M, T0 - k * 55_000, k)
    let selects = 0
    const counted = {
      querier: () => {
        const querier = storage.querier()
        const select = querier.select.bind(querier)
        return Object.assign(querier, { select: (...args: Parameters<typeof select>) => {
          selects++
          return select(...args)
        } })
      },
    }
    const engine = engineQuery(new Engine(), counted, { timeoutMs: 60_000, lookbackMs: 60_000 })
    const exprs = ['m > 0', 'max by (i) (max_over_time(m[2m])) > 0', 'sum_over_time(m[3m]) > 0', '(count_over_time(m[4m] offset 30s)) > avg_over_time(m[5m])', 'avg_over_time(count_over_time(m[50m])[5m:1m]) > 0']
    const selectsOf = (expected: readonly string[]): number => {
      const windows = new WindowQueries(engine, counted, { lookbackMs: 60_000, features: {} })
      for (const expr of expected) windows.expect(expr, 0)
      selects = 0
      for (const expr of exprs.slice(0, 4)) expect(difference(windows.queryFor({ offsetMs: 0 })(expr, T0), engine(expr, T0))).toEqual([])
      return selects
    }
    const alone = exprs.slice(0, 4).length + 1
    // Two offsets; the engine's own are as many as there are selectors.
    expect(selectsOf(exprs) - alone).toBe(2)
    expect(selectsOf([]) - alone).toBe(5)
  })

  it('are not read again for series that come, and let go of those that have ended', () => {
    const storage = new MemoryStorage()
    let wholeReads = 0
    const counted = {
      querier: () => {
        const querier = storage.querier()
        const select = querier.select.bind(querier)
        return Object.assign(querier, { select: (...args: Parameters<typeof select>) => {
          if (args[2] - args[1] > 60_000) wholeReads++
          return select(...args)
        } })
      },
    }
    const engine = engineQuery(new Engine(), storage, { timeoutMs: 60_000, lookbackMs: LOOKBACK })
    const windows = new WindowQueries(engine, counted, { lookbackMs: LOOKBACK, features: {} })
    const ask = windows.queryFor({ offsetMs: 0 })
    const expr = 'sum_over_time(m[5m]) >= 0'
    const sizes: number[] = []
    // At each tick two of forty series end, and two others begin.
    for (let k = 0; k < 300; k++) {
      const nowMs = T0 + k * 10_000
      for (let i = 2 * k; i < 2 * k + 40; i++) storage.add(labelsFromRecord({ __name__: 'm', i: String(i) }), nowMs - 1, 1)
      const got = ask(expr, nowMs)
      if (k % 10 === 0) expect(difference(got, engine(expr, nowMs))).toEqual([])
      sizes.push(windows.sizeBytes())
    }
    // The first, and one in five minutes.
    expect(wholeReads).toBeLessThanOrEqual(1 + 10)
    expect(Math.max(...sizes.slice(100))).toBeLessThanOrEqual(Math.max(...sizes.slice(0, 100)))
    // 1,440 samples of 24 bytes lie in windows, of 40 series that live and 66 that have ended: for a run as long as the longest each it would take 114,000.
    expect(sizes.at(-1)).toBeLessThan(100_000)
  })

  it('take in and count samples that come after their tick', () => {
    const storage = new MemoryStorage()
    const ground = queries(storage)
    const values = ticks(4, ground, (k, nowMs) => k !== 1 && storage.add(M, nowMs - (k === 2 ? 10_500 : 0), 1))
    expect(values).toEqual([1, 1, 2, 3])
    expect([ground.windows.lateSamples(), ground.asked()]).toEqual([1, 0])
  })

  it('count none as late that comes within query_offset', () => {
    const storage = new MemoryStorage()
    const ground = queries(storage)
    expect(ticks(4, ground, (k, nowMs) => k !== 1 && storage.add(M, nowMs - (k === 2 ? 10_500 : 0), 1), { offsetMs: 15_000 })).toEqual([null, null, 1, 2])
    expect(ground.windows.lateSamples()).toBe(0)
  })

  it('find what came out of order within five minutes', () => {
    const storage = new MemoryStorage()
    const ground = queries(storage)
    const values = ticks(32, ground, (k, nowMs) => {
      // So few that there is room for them from the first reading on.
      if (k % 3 === 0) storage.add(M, nowMs, 1)
      if (k === 20) storage.add(M, nowMs - 95_000, 100)
    })
    expect(values.slice(19, 32)).toEqual([7, 7, 8, 8, 8, 9, 9, 9, 10, 10, 10, 111, 111])
    expect([ground.windows.lateSamples(), ground.asked()]).toEqual([1, 0])
  })

  it('look at all again half a minute after samples that were late by seconds', () => {
    const storage = new MemoryStorage()
    const ground = queries(storage)
    // An agent was cut off, and sends what it kept: its newest samples are seen at once, the older ones when all is read.
    const values = ticks(12, ground, (k, nowMs) => {
      if (k === 0 || k > 8) storage.add(M, nowMs - 1000, 1)
      if (k === 8) for (let age = 7; age >= 0; age--) storage.add(M, nowMs - 1000 - age * 10_000, 1)
    })
    expect(values.slice(7)).toEqual([1, 4, 10, 11, 12])
    expect(ground.windows.lateSamples()).toBe(7)
  })

  it('of native histograms, and of more samples than there is memory for, are evaluated by the engine', () => {
    const storage = new MemoryStorage()
    for (let i = 0; i < 100; i++) storage.add(labelsFromRecord({ __name__: 'm', i: String(i) }), T0, i)
    const small = queries(storage, 10_000)
    expect(small.windows.queryFor({ offsetMs: 0 })('sum_over_time(m[1m]) > 97', T0 + 10)).toHaveLength(2)
    expect(small.asked()).toBe(1)
    storage.addHistogram(labelsFromRecord({ __name__: 'm', i: 'h' }), T0, randomHistogram(new Random(1)))
    const mixed = queries(storage)
    expect(mixed.windows.queryFor({ offsetMs: 0 })('count_over_time(m[1m]) > 0', T0 + 10)).toHaveLength(101)
    expect(mixed.asked()).toBe(1)
  })

  it('go on where a series has had more samples than their places count', () => {
    const storage = new MemoryStorage()
    const { windows, engine, asked } = queries(storage)
    const exprs = ['sum_over_time(m[25s]) > 0', 'count_over_time(m[25s]) > 0', 'min_over_time(m[7s]) > 0', 'rate(m[25s]) > 0']
    let sampleCount = 0
    for (let second = 1; second <= 200; second++) {
      for (let k = 0; k < 500; k++) storage.add(M, T0 + second * 1000 - 998 + k * 2, 1 + (sampleCount++ % 1000))
      // One is not asked for so long that its places have gone round and mean other samples.
      const asking = second > 30 && second < 160 ? exprs.slice(1) : exprs
      for (const expr of asking) {
        const got = windows.queryFor({ offsetMs: 0 })(expr, T0 + second * 1000)
        if (second % 10 === 0 || second > 195) expect(difference(got, engine(expr, T0 + second * 1000), 0)).toEqual([])
      }
    }
    expect(sampleCount).toBeGreaterThan(65_536 * 1.5)
    expect(asked()).toBe(0)
    // Of too many at once there are no places.
    windows.queryFor({ offsetMs: 0 })('sum_over_time(m[2m]) > 0', T0 + 200_000)
    expect(asked()).toBe(1)
  }, 120_000)

  it.each([
    'm * on (kind) m', 'm * on (kind) group_left () m', 'max by (kind) (m) > on (kind) group_right () label_replace(m, "i", "", "", "")', 'label_replace(m, "i", "", "", "") > 0', 'm + on () m', 'm * on (kind) max by (kind) (m)', '{__name__=~"[mn]"} * on () group_left () sum(m)',
  ])('fail with the engine’s words: %s', (expr) => {
    const storage = new MemoryStorage()
    for (const [name, i] of [['m', '1'], ['m', '2'], ['n', '1']] as const) storage.add(labelsFromRecord({ __name__: name, i, kind: 'k' }), T0, 1)
    const { windows, engine } = queries(storage)
    const messageOf = (ask: QueryFunc): string => {
      try {
        return `gave ${ask(expr, T0 + 1).length}`
      } catch (error) {
        return String(error)
      }
    }
    expect(messageOf(engine)).toMatch(/many-to-|must be unique|ensure unique|duplicate|same labelset/)
    expect(messageOf(windows.queryFor({ offsetMs: 0 }))).toBe(messageOf(engine))
  })

  it('forget what nobody has asked for in half an hour', () => {
    const storage = new MemoryStorage()
    storage.add(M, T0, 1)
    const { windows } = queries(storage)
    const ask = windows.queryFor({ offsetMs: 0 })
    ask('sum_over_time(m[1m]) > 0', T0)
    const before = windows.sizeBytes()
    expect(before).toBeGreaterThan(0)
    for (let k = 0; k < 2000; k++) ask('max_over_time(other[1m]) > 0', T0 + 2_000_000)
    expect(windows.sizeBytes()).toBeLessThan(before)
  })
})
