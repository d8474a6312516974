// Series that leave the head: what has samples in blocks alone is forgotten there, found by the blocks' own index, and one
// series again when it comes back.
import fs from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { RemoteWriteReceiver } from '../../lib/ingest/remote-write.ts'
import { labelsFromRecord, type Labels } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import type { Database } from '../../storage/database.ts'
import { REJECT_FORGOTTEN, STORED, type Querier } from '../../storage/interface.ts'
import { ROOT_INDEX } from '../../storage/head/shared-heap.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { writeBody, type BodySeries } from '../support/remote-write-body.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { HINTS, NOW, append, batchOf, drain, keyOf, open, readAll, type Points } from './store.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const T = Math.floor(NOW / (6 * HOUR)) * 6 * HOUR

const pod = (generation: number, i: number): Labels => labelsFromRecord({
  __name__: `cpu${i % 3}`, job: 'app', pod: `pod-${generation}-${i}`, Zone: `z${i % 4}`,
})
const steady = (i: number): Labels => labelsFromRecord({ __name__: 'up', job: 'app', instance: `host-${i}` })
const podsOf = (db: Database, generation: number, count: number): number[] => Array.from({ length: count }, (_, i) => db.series(pod(generation, i)))
const equal = (name: string, value: string): Matcher => ({ name, op: '=', value })

async function maintained(db: Database): Promise<void> {
  // The first round cuts, the second lets go of what was cut and forgets.
  for (let round = 0; round < 2; round++) {
    await db.maintain()
    await db.blocks.idle()
  }
  await db.maintain()
}

/** Two hours in which these series have a sample every 5 minutes, and the cut that follows. */
async function twoHours(db: Database, clock: FakeClock, want: Map<string, Points>, live: readonly (readonly Labels[])[]): Promise<void> {
  const start = clock.now()
  const groups = live.map((labels) => ({ labels, refs: labels.map((one) => db.series(one)) }))
  for (let t = start; t < start + 2 * HOUR; t += 5 * MINUTE) {
    clock.jump(5 * MINUTE)
    for (const { labels, refs } of groups) {
      const values = refs.map((_, i) => i + (t % HOUR) / MINUTE)
      expect(append(db, batchOf(t, refs, values)).every((verdict) => verdict === STORED)).toBe(true)
      for (const [i, one] of labels.entries()) {
        const points = want.get(keyOf(one))
        if (points) points.push([t, values[i]!])
        else want.set(keyOf(one), [[t, values[i]!]])
      }
    }
  }
  await maintained(db)
}

function querying<T>(db: Database, ask: (querier: Querier) => T): T {
  const queryable = new StoreQueryable(db.handle(), 1)
  const querier = queryable.querier()
  try {
    return ask(querier)
  } finally {
    querier.close()
    queryable.close()
  }
}

const pods = (generation: number, count: number): Labels[] => Array.from({ length: count }, (_, i) => pod(generation, i))

describe('a series without samples in the head', () => {
  it('is forgotten after some cuts, and found in blocks by its labels', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    const db = open(folder, { clock })
    const want = new Map<string, Points>()
    const hosts = Array.from({ length: 5 }, (_, i) => steady(i))
    for (let generation = 0; generation < 8; generation++) {
      await twoHours(db, clock, want, [hosts, pods(generation, 20)])
      expect(readAll(db), `after generation ${generation}`).toEqual(want)
    }
    expect(db.head.series.newest).toBe(5 + 8 * 20)
    expect(db.seriesCount, 'two or three generations stay').toBeLessThanOrEqual(5 + 3 * 20)
    expect(readAll(db, T, T + 2 * HOUR - 1, [equal('__name__', 'cpu1')]).size).toBe(7)
    querying(db, (querier) => {
      const names = querier.labelNames([], T, T + HOUR)
      expect(names).toEqual(['Zone', '__name__', 'instance', 'job', 'pod'])
      // A block may tell of all that is in it.
      const values = querier.labelValues('pod', [[equal('__name__', 'cpu0')]], T, T + HOUR)
      expect(values.filter((value) => value.startsWith('pod-0-'))).toEqual(['pod-0-0', 'pod-0-12', 'pod-0-15', 'pod-0-18', 'pod-0-3', 'pod-0-6', 'pod-0-9'])
      expect(values).toEqual(values.toSorted())
      expect(querier.labelValues('pod', [], T, T + HOUR)).toContain('pod-0-19')
      expect(querier.labelNames([[equal('pod', 'pod-0-1')]], T, T + HOUR)).toEqual(['Zone', '__name__', 'job', 'pod'])
      expect(querier.seriesRefs([[equal('pod', 'pod-0-1')]], T, T + HOUR).length).toBe(1)
      expect(querier.seriesRefs([[equal('pod', 'pod-0-1')]], T + 15 * HOUR, T + 16 * HOUR).length).toBe(0)
    })
    const damage = querying(db, (querier) => {
      drain(querier, querier.select([{ name: 'job', op: '=~', value: '.+' }], T, T + 20 * HOUR, HINTS))
      return querier.damage!()
    })
    expect(damage).toEqual([])
    await db.close()
    const again = open(folder, { clock })
    expect(readAll(again)).toEqual(want)
    await again.close()
  })

  it('is not forgotten where a sample of it comes while others are looked at', async () => {
    const clock = new FakeClock(T)
    const db = open(tempFolder(), { clock })
    const want = new Map<string, Points>()
    // More than are looked at in a turn.
    const silent = pods(0, 66_000)
    const refs = silent.map((one) => db.series(one))
    await twoHours(db, clock, want, [[steady(0)]])
    let isDone = false
    const stored: number[] = []
    const sending = (async () => {
      for (let i = 0; !isDone; i++) {
        // One a turn: some of them while it is already known that there was nothing of them.
        if (append(db, batchOf(clock.now(), [refs[i]!], [i]))[0] === STORED) stored.push(i)
        await nextTurn()
      }
    })()
    for (let cut = 0; cut < 2; cut++) await twoHours(db, clock, want, [[steady(0)]])
    isDone = true
    await sending
    expect(db.seriesCount, 'those that stayed silent are forgotten').toBeLessThan(stored.length + 2)
    const found = readAll(db, T, clock.now(), [equal('job', 'app')])
    expect(stored.filter((i) => found.get(keyOf(silent[i]!))?.length !== 1)).toEqual([])
    await db.close()
  })

  it('is one series again when it comes back, also where a block holds it from before and after', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    let db = open(folder, { clock })
    const want = new Map<string, Points>()
    await twoHours(db, clock, want, [pods(0, 10)])
    const first = db.series(pod(0, 3))
    for (let generation = 1; generation < 6; generation++) await twoHours(db, clock, want, [pods(generation, 10)])
    expect(db.forgetting.isLive(first)).toBe(false)
    expect(append(db, batchOf(clock.now(), [first], [1])), 'a ref that was kept').toEqual([REJECT_FORGOTTEN])
    const second = db.series(pod(0, 3))
    expect(second).toBeGreaterThan(first)
    expect(readAll(db), 'before its first sample').toEqual(want)
    await twoHours(db, clock, want, [pods(0, 10), pods(6, 10)])
    expect(readAll(db)).toEqual(want)
    querying(db, (querier) => {
      expect(querier.select([equal('pod', 'pod-0-3')], T, clock.now(), HINTS).refs).toEqual(Uint32Array.of(second))
      expect(querier.seriesRefs([[equal('pod', 'pod-0-3')]], T, T + HOUR)).toEqual(Uint32Array.of(second))
    })
    await db.close()
    // Both refs of the labels are in the definitions.
    db = open(folder, { clock })
    expect(readAll(db)).toEqual(want)
    for (let generation = 7; generation < 12; generation++) {
      await twoHours(db, clock, want, [pods(generation, 10)])
      expect(readAll(db)).toEqual(want)
    }
    await twoHours(db, clock, want, [pods(0, 10)])
    expect(readAll(db)).toEqual(want)
    await db.close()
  })

  it('keeps its ids over queries, and a thread that asked before finds it one when it is back', async () => {
    const clock = new FakeClock(T)
    const db = open(tempFolder(), { clock })
    const want = new Map<string, Points>()
    for (let generation = 0; generation < 6; generation++) await twoHours(db, clock, want, [pods(generation, 10)])
    const queryable = new StoreQueryable(db.handle(), 1)
    const ask = (): { version: number; refs: Uint32Array; all: Map<string, Points> } => {
      const querier = queryable.querier()
      try {
        const selection = querier.select([{ name: 'job', op: '=', value: 'app' }], -Infinity, Infinity, HINTS)
        return { version: querier.idsVersion!, refs: selection.refs, all: drain(querier, selection) }
      } finally {
        querier.close()
      }
    }
    const before = ask()
    expect(before.all).toEqual(want)
    expect(ask()).toEqual(before)
    // The texts are known to the queries' thread only, and now to the head as well.
    const refs = podsOf(db, 0, 10)
    append(db, batchOf(clock.now(), refs, refs))
    for (const [i, ref] of refs.entries()) want.get(keyOf(pod(0, i)))!.push([clock.now(), ref])
    const after = ask()
    expect(after.all).toEqual(want)
    expect(after.version).not.toBe(before.version)
    expect(after.refs.length).toBe(before.refs.length)
    queryable.close()
    await db.close()
  })

  it('leaves the columns of its group to those that stay', async () => {
    const clock = new FakeClock(T)
    const db = open(tempFolder(), { clock })
    const want = new Map<string, Points>()
    // One target whose pods change: all in one group.
    const hosts = Array.from({ length: 30 }, (_, i) => steady(i))
    for (let generation = 0; generation < 9; generation++) {
      await twoHours(db, clock, want, [[...hosts, ...pods(generation, 5)]])
      expect(readAll(db)).toEqual(want)
    }
    expect(db.seriesCount).toBeLessThanOrEqual(30 + 5 * 5)
    await db.close()
  })

  it('leaves neither memory nor definitions behind, and refs go on after a restart', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    let db = open(folder, { clock })
    const want = new Map<string, Points>()
    const definitions = `${folder}/series/definitions`
    const sizes: { memory: number; file: number }[] = []
    for (let generation = 0; generation < 16; generation++) {
      await twoHours(db, clock, want, [pods(generation, 300)])
      sizes.push({ memory: db.headBytes, file: fs.statSync(definitions).size })
    }
    expect(db.head.heap.u32[ROOT_INDEX], 'the index was built anew').toBeGreaterThan(1)
    // The index takes chunks of 64 KiB.
    expect(sizes.at(-1)!.memory).toBeLessThan(sizes[7]!.memory + 3 * 65_536)
    expect(Math.max(...sizes.slice(8).map(({ file }) => file))).toBeLessThanOrEqual(Math.max(...sizes.slice(0, 8).map(({ file }) => file)))
    const { newest } = db.head.series
    expect(newest).toBe(16 * 300)
    expect(readAll(db)).toEqual(want)
    await db.close()
    db = open(folder, { clock })
    expect(db.recovery).toMatchObject({ corruptRecords: 0 })
    expect(db.recovery.series, 'of 4800').toBeLessThan(2000)
    expect(db.head.series.newest).toBe(newest)
    expect(readAll(db)).toEqual(want)
    expect(db.series(pod(99, 0)), 'no ref that a block names is given again').toBe(newest + 1)
    await db.close()
  })

  it('is taken again from a sender that has gone on knowing it', async () => {
    const clock = new FakeClock(T)
    const db = open(tempFolder(), { clock })
    const receiver = new RemoteWriteReceiver(db, new Metrics(), 1, clock)
    const push = async (from: number, count: number): Promise<void> => {
      const series = Array.from({ length: count }, (_, i): BodySeries => ({ labels: [['__name__', 'pushed'], ['i', String(from + i)]], samples: [[i, clock.now()]] }))
      expect(await receiver.write(writeBody(series))).toMatchObject({ status: 204, samplesWritten: count })
    }
    await push(0, 8)
    const want = new Map<string, Points>()
    const old = Array.from({ length: 8 }, (_, i) => db.series(labelsFromRecord({ __name__: 'pushed', i: String(i) })))
    for (let generation = 0; generation < 7; generation++) {
      await twoHours(db, clock, want, [pods(generation, 4)])
      await push(6, 2)
    }
    expect(old.map((ref) => db.forgetting.isLive(ref))).toEqual([false, false, false, false, false, false, true, true])
    clock.jump(MINUTE)
    await push(0, 8)
    const points = readAll(db, -Infinity, Infinity, [equal('__name__', 'pushed')])
    expect(Array.from(points.values(), (list) => list.length)).toEqual([2, 2, 2, 2, 2, 2, 9, 9])
    await db.close()
  })

  it('is deleted from blocks like any other', async () => {
    const clock = new FakeClock(T)
    const db = open(tempFolder(), { clock })
    const want = new Map<string, Points>()
    for (let generation = 0; generation < 6; generation++) await twoHours(db, clock, want, [pods(generation, 10)])
    await db.blocks.delete([[equal('pod', 'pod-0-3')], [equal('pod', 'pod-5-3')]], -Infinity, Infinity)
    want.delete(keyOf(pod(0, 3)))
    want.delete(keyOf(pod(5, 3)))
    expect(readAll(db)).toEqual(want)
    await db.blocks.clean()
    expect(readAll(db)).toEqual(want)
    await db.close()
  })
})
