// Native histograms and start times in the real store, beside floats: whatever is appended in whatever order, before
// and after encoding and restarts, it holds what the store over plain arrays holds.
import fs from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EMPTY_HISTOGRAM, HINT_GAUGE, denseBuckets, isSameHistogram, type FloatHistogram } from '../../lib/model/histogram.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Random } from '../../lib/std/random.ts'
import type { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { REJECT_DUPLICATE, STORED, type SampleBatch } from '../../storage/interface.ts'
import { MemoryStorage } from '../support/memory-storage.ts'
import { nextHistogram, randomHistogram } from '../support/random-histogram.ts'
import { readSamples, type ReadSample } from '../support/read-samples.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { HINTS, NOW, abandon, open, series, seriesOf } from './store.ts'

let folder: string
let db: Database

beforeEach(() => {
  folder = tempFolder()
  db = open(folder)
})
afterEach(() => db.close())

function read(mint = -Infinity, maxt = Infinity): Map<string, ReadSample[]> {
  const queryable = new StoreQueryable(db.handle(), 1)
  try {
    return readSamples(queryable, mint, maxt)
  } finally {
    queryable.close()
  }
}

async function restart(): Promise<void> {
  await db.close()
  db = open(folder)
}

type Value = number | 'stale' | FloatHistogram

interface Row {
  t: number
  refs: readonly number[]
  values: readonly Value[]
  startTimes?: readonly number[]
}

function batchOf({ t, refs, values, startTimes }: Row): SampleBatch {
  return {
    count: refs.length, refs: Uint32Array.from(refs), t, times: null,
    values: Float64Array.from(values, (value) => (typeof value === 'number' ? value : NaN)),
    stale: values.includes('stale') ? Uint8Array.from(values, (value) => (value === 'stale' ? 1 : 0)) : null,
    histograms: values.some((value) => typeof value === 'object') ? values.map((value) => (typeof value === 'object' ? value : null)) : null,
    startTimes: startTimes ? Float64Array.from(startTimes) : null,
  }
}

function append(row: Row): number[] {
  const verdicts = new Uint8Array(row.refs.length)
  db.append(batchOf(row), verdicts)
  return [...verdicts]
}

const histogram = (n: number): FloatHistogram => ({
  ...EMPTY_HISTOGRAM, schema: 1, zeroThreshold: 0.001, zeroCount: n, count: 4 * n, sum: n / 3, positive: denseBuckets(-2, [n, 0, 2 * n]),
})

describe('native histograms in the store', () => {
  it('come back from rows, from segments and from the log', async () => {
    const [a, b, c] = seriesOf(db, 3)
    const want: ReadSample[][] = [[], [], []]
    for (let i = 0; i < 70; i++) {
      const values: Value[] = [histogram(i), i % 10 === 9 ? 'stale' : i % 7 === 0 ? i : { ...histogram(i), hint: HINT_GAUGE }, i / 7]
      const startTimes = [NOW - 1000, i % 3 === 0 ? NOW + i : 0, 0]
      expect(append({ t: NOW + i * 1000, refs: [a!, b!, c!], values, startTimes })).toEqual([0, 0, 0])
      values.forEach((sample, s) => want[s]!.push({ t: NOW + i * 1000, sample, startMs: startTimes[s]! }))
    }
    expect(db.head.flushedSegments).toBeGreaterThan(0)
    const expected = new Map(want.map((samples, s) => [series(s).join('|'), samples]))
    expect(read()).toEqual(expected)
    await restart()
    expect(read()).toEqual(expected)
    const inRange = (t: number): boolean => t >= NOW + 5000 && t <= NOW + 66_000
    expect(read(NOW + 5000, NOW + 66_000)).toEqual(new Map([...expected].map(([key, samples]) => [key, samples.filter(({ t }) => inRange(t))])))
  })

  it('tell a resend from a conflict, in rows and in segments', async () => {
    const [a] = seriesOf(db, 1)
    for (let i = 0; i < 40; i++) append({ t: NOW + i * 1000, refs: [a!], values: [i % 2 ? i : histogram(i)] })
    for (const isAgain of [false, true]) {
      if (isAgain) await restart()
      for (const i of [2, 38]) {
        const t = NOW + i * 1000
        expect(append({ t, refs: [a!], values: [histogram(i)] })).toEqual([STORED])
        expect(append({ t, refs: [a!], values: [histogram(i + 1)] })).toEqual([REJECT_DUPLICATE])
        expect(append({ t, refs: [a!], values: [{ ...histogram(i), sum: -0 }] })).toEqual([REJECT_DUPLICATE])
        expect(append({ t, refs: [a!], values: [i] })).toEqual([REJECT_DUPLICATE])
        expect(append({ t, refs: [a!], values: ['stale'] })).toEqual([REJECT_DUPLICATE])
        expect(append({ t: t + 1000, refs: [a!], values: [histogram(i)] })).toEqual([REJECT_DUPLICATE])
      }
    }
    expect(read().get(series(0).join('|'))).toHaveLength(40)
  })

  it('give their memory back when their rows are encoded', () => {
    const refs = seriesOf(db, 20)
    const used: number[] = []
    for (let i = 0; i < 640; i++) {
      append({ t: NOW + i * 100, refs, values: refs.map((_, k) => histogram(i + k)) })
      if (i % 32 === 20) used.push(db.headBytes)
    }
    expect(db.head.flushedSegments).toBeGreaterThan(15)
    expect(used.at(-1)! - used[2]!).toBeLessThan(40_000)
  })

  it('of a row too large for one record of the log come back whole', async () => {
    const random = new Random(1)
    const refs = seriesOf(db, 40)
    const counts = Array.from({ length: 40_000 }, () => 2 ** 40 + random.u32())
    const values = refs.map((_, k) => ({ ...EMPTY_HISTOGRAM, count: k, positive: denseBuckets(k, counts) }))
    append({ t: NOW, refs, values })
    append({ t: NOW, refs: seriesOf(db, 1, 100), values: [histogram(1)] })
    append({ t: NOW + 1000, refs, values: refs.map((_, k) => histogram(k)) })
    expect(db.head.flushedSegments).toBeGreaterThan(0)
    const expectWhole = (held: Map<string, ReadSample[]>): void => {
      expect(held.size).toBe(41)
      refs.forEach((_, k) => {
        const samples = held.get(series(k).join('|'))!.map(({ sample }) => sample as FloatHistogram)
        expect(samples.map((sample, i) => isSameHistogram(sample, [values[k]!, histogram(k)][i]!))).toEqual([true, true])
      })
    }
    expectWhole(read())
    await restart()
    expectWhole(read())
  })
})

describe('any mixture of floats, histograms, markers and start times', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('is held as the store over plain arrays holds it (seed %d)', async (seed) => {
    const random = new Random(seed)
    let clock = new FakeClock(NOW)
    await db.close()
    db = open(folder, { clock })
    const model = new MemoryStorage({ now: () => clock.now() })
    const count = random.pick([1, 3, 40, 90])
    const refs = seriesOf(db, count)
    for (let i = 0; i < count; i++) model.series(series(i))
    const last = refs.map(() => randomHistogram(random, 12))
    const kinds = refs.map(() => random.int(4))
    for (let step = 0, t = NOW; step < 260; step++) {
      if (random.int(40) === 0) {
        await db.commit()
        if (random.int(2) === 0) await db.close()
        else abandon(folder)
        clock = new FakeClock(t)
        db = open(folder, { clock })
      }
      const stepMs = random.int(3) * 1000
      t += stepMs
      // Timers stand still: a store that was abandoned must not go on.
      clock.jump(stepMs)
      const isLate = random.int(6) === 0
      const at = isLate ? t - random.int(120) * 1000 : t
      const some = [...refs.keys()].filter(() => random.int(isLate ? 20 : 8) !== 0 === !isLate)
      const values = some.map((k): Value => {
        if (random.int(12) === 0) kinds[k] = random.int(4)
        if (random.int(15) === 0) return 'stale'
        if (kinds[k] === 0) return random.int(5)
        return random.int(6) === 0 ? last[k]! : (last[k] = nextHistogram(random, last[k]!))
      })
      const startTimes = seed % 2 === 0 ? some.map((k) => (kinds[k]! > 1 ? NOW - 5000 + (random.int(30) === 0 ? step : 0) : 0)) : undefined
      const batch = batchOf({ t: at, refs: some.map((k) => refs[k]!), values, ...(startTimes && { startTimes }) })
      const got = new Uint8Array(some.length)
      const want = new Uint8Array(some.length)
      db.append(batch, got)
      model.append({ ...batch, refs: Uint32Array.from(some, (k) => k + 1) }, want)
      expect([...got], `verdicts at step ${step}`).toEqual([...want])
      if (step % 37 === 0) expect(read()).toEqual(readSamples(model))
    }
    expect(read()).toEqual(readSamples(model))
    const [mint, maxt] = [NOW + 50_000, NOW + 120_000]
    expect(read(mint, maxt)).toEqual(readSamples(model, mint, maxt))
  })
})

describe('damage to native histograms', () => {
  it('in the log takes one row with it, in a segment the segment', async () => {
    const refs = seriesOf(db, 5)
    for (let i = 0; i < 60; i++) append({ t: NOW + i, refs, values: refs.map((_, k) => histogram(i + k)) })
    await db.close()
    const hit = (file: string, at: number): void => {
      const bytes = fs.readFileSync(file)
      bytes[at < 0 ? bytes.length + at : at]! ^= 1
      fs.writeFileSync(file, bytes)
    }
    const log = `${folder}/log/${fs.readdirSync(`${folder}/log`).toSorted()[0]!}`
    hit(log, Math.floor(fs.statSync(log).size * 0.9))
    db = open(folder)
    expect(db.recovery.corruptRecords).toBe(1)
    const times = read().get(series(3).join('|'))!.map(({ t, sample }) => {
      expect(isSameHistogram(sample as FloatHistogram, histogram(t - NOW + 3))).toBe(true)
      return t - NOW
    })
    expect(times).toHaveLength(59)
    await db.close()
    for (const name of fs.readdirSync(`${folder}/log`)) fs.rmSync(`${folder}/log/${name}`)
    // Only what is in segments is left; damage to the second of two leaves the first.
    db = open(folder)
    for (let i = 60; i < 100; i++) append({ t: NOW + i, refs, values: refs.map((_, k) => histogram(i + k)) })
    await db.close()
    for (const name of fs.readdirSync(`${folder}/log`)) fs.rmSync(`${folder}/log/${name}`)
    const segments = fs.readdirSync(`${folder}/head`).toSorted()
    expect(segments).toHaveLength(2)
    hit(`${folder}/head/${segments[1]!}`, 500)
    db = open(folder)
    expect(read().get(series(3).join('|'))!.map(({ t }) => t - NOW)).toEqual(Array.from({ length: 32 }, (_, i) => i))
  })
})

describe('a selection of native histograms', () => {
  it('comes in smaller batches than one of floats, from rows and from segments', async () => {
    const refs = seriesOf(db, 2000)
    for (let i = 0; i < 70; i++) append({ t: NOW + i, refs, values: refs.map(() => i) })
    const sizes = (): number[] => {
      const queryable = new StoreQueryable(db.handle(), 1)
      const querier = queryable.querier()
      const selection = querier.select([{ name: 'job', op: '=', value: 'test' }], -Infinity, Infinity, HINTS)
      const out: number[] = []
      for (let batch = selection.next(); batch; batch = selection.next()) out.push(batch.n * batch.seriesCount)
      querier.close()
      queryable.close()
      return out
    }
    expect(sizes()).toEqual([140_000])
    append({ t: NOW + 70, refs, values: refs.map((_, k) => (k === 0 ? histogram(k) : k)) })
    expect(Math.max(...sizes())).toBeLessThanOrEqual(65_536)
    for (let i = 71; i < 110; i++) append({ t: NOW + i, refs, values: refs.map(() => i) })
    await restart()
    expect(Math.max(...sizes())).toBeLessThanOrEqual(65_536)
    expect(sizes().reduce((a, b) => a + b, 0)).toBe(220_000)
  })
})
