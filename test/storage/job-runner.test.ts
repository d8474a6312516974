// The thread that does jobs on blocks: how long it lives, and what ends it.
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { MessageChannel, type Worker } from 'node:worker_threads'
import { expect, it, onTestFinished } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import type { Database } from '../../storage/database.ts'
import { serveJobs } from '../../storage/job-runner.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, append, batchOf, open, readAll, seriesOf } from './store.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const T = Math.floor(NOW / (6 * HOUR)) * 6 * HOUR

/** A store with jobs in threads, and the threads it starts. */
function withThreads(clock: FakeClock): { db: Database; threads: Worker[] } {
  const threads: Worker[] = []
  const note = (thread: Worker): void => void threads.push(thread)
  process.on('worker', note)
  const db = open(tempFolder(), { clock, minuteRetentionMs: 30 * 24 * HOUR, jobUrl: new URL('../../cmd/maintenance-worker.ts', import.meta.url) })
  onTestFinished(async () => {
    process.off('worker', note)
    await db.close()
  })
  return { db, threads }
}

async function writeHours(db: Database, clock: FakeClock, hours: number): Promise<void> {
  const refs = seriesOf(db, 10)
  for (let row = 0; row < hours * 60; row++) {
    clock.jump(MINUTE)
    append(db, batchOf(clock.now(), refs, refs.map((ref) => ref + row)))
  }
  await db.maintain()
  await db.blocks.idle()
}

it('one thread does jobs that follow each other, and ends when no more come', async () => {
  const clock = new FakeClock(T)
  const { db, threads } = withThreads(clock)
  await writeHours(db, clock, 7)
  expect(db.blocks.done).toMatchObject({ cut: 1, tier: 3 })
  expect(threads.length).toBe(1)
  await clock.advance(14_999)
  await db.blocks.snapshot('kept', false)
  await clock.advance(14_999)
  await db.blocks.snapshot('kept-on', false)
  expect(threads.length).toBe(1)
  const ended = once(threads[0]!, 'exit')
  await clock.advance(15_000)
  await ended
  await db.blocks.snapshot('next', false)
  expect(threads.length).toBe(2)
}, 120_000)

it('what a job has left is given back behind it, not with the next one', async () => {
  const db = open(tempFolder(), { clock: new FakeClock(T) })
  const { port1, port2 } = new MessageChannel()
  let tidied = 0
  serveJobs(port2, { handle: db.handle(), slot: 0 }, () => tidied++)
  for (const times of [1, 2]) {
    const answered = once(port1, 'message')
    port1.postMessage({ job: { kind: 'remove', names: [], minutes: [] }, faultPoint: '' })
    expect(((await answered) as [object])[0]).toHaveProperty('reply')
    expect(tidied).toBe(times)
  }
  port1.close()
  await db.close()
})

it('jobs that nobody waits for rest three times as long as they took', async () => {
  const clock = new FakeClock(T)
  const { db } = withThreads(clock)
  const maintained = writeHours(db, clock, 7)
  // Time goes on while the first stretch is made, and stops.
  while (db.blocks.done.cut === 0) await nextTurn()
  await clock.advance(100)
  while (db.blocks.done.tier === 0) await nextTurn()
  for (let turn = 0; turn < 2000; turn++) await nextTurn()
  expect(db.blocks.done).toMatchObject({ cut: 1, tier: 1 })
  expect(db.blocks.seconds.tier).toBe(0.1)
  await clock.advance(299)
  expect(db.blocks.isBusy).toBe(true)
  await clock.advance(1)
  await maintained
  expect(db.blocks.done).toMatchObject({ cut: 1, tier: 3 })
  expect(db.blocks.seconds.tier).toBe(0.1)
}, 120_000)

it('who waits for a job ends the rest of the one before', async () => {
  const clock = new FakeClock(T)
  const { db } = withThreads(clock)
  const maintained = writeHours(db, clock, 7)
  while (db.blocks.done.cut === 0) await nextTurn()
  await clock.advance(100)
  while (db.blocks.done.tier === 0) await nextTurn()
  await db.blocks.snapshot('at-once', false)
  await maintained
  expect(db.blocks.done).toMatchObject({ tier: 3 })
  expect(clock.monotonic()).toBe(100)
}, 120_000)

it('a job that fails ends its thread; the next one has a new one', async () => {
  const clock = new FakeClock(T)
  const { db, threads } = withThreads(clock)
  await writeHours(db, clock, 3)
  await db.blocks.snapshot('twice', false)
  await expect(db.blocks.snapshot('twice', false)).rejects.toThrow('twice')
  await db.blocks.snapshot('once', false)
  expect(threads.length).toBe(2)
}, 120_000)

it('a store that is closed amid jobs has all that it had when it is opened again', async () => {
  let amid = 0
  let threads = 0
  const note = (): void => void threads++
  process.on('worker', note)
  onTestFinished(() => void process.off('worker', note))
  // Into the start of the thread and the cut, the tiers, and what is made of these.
  const moments: ((db: Database) => boolean)[] = [() => threads > 0, (db) => db.blocks.done.cut > 0, (db) => db.blocks.done.tier > 0]
  for (const isReached of moments) {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    const options = { clock, minuteRetentionMs: 30 * 24 * HOUR, hourRetentionMs: 365 * 24 * HOUR, jobUrl: new URL('../../cmd/maintenance-worker.ts', import.meta.url) }
    const db = open(folder, options)
    const refs = seriesOf(db, 60)
    for (let row = 0; row < 7 * 60; row++) {
      clock.jump(MINUTE)
      append(db, batchOf(clock.now(), refs, refs.map((ref) => (ref * 7919 + row * 104729) % 1000)))
    }
    const want = readAll(db)
    threads = 0
    await db.maintain()
    while (!isReached(db)) await nextTurn()
    if (db.blocks.isBusy) amid++
    await db.close()
    const again = open(folder, { ...options, clock: new FakeClock(clock.now()) })
    expect(readAll(again)).toEqual(want)
    await again.maintain()
    await again.blocks.idle()
    expect(again.blocks.blocks.length).toBeGreaterThan(0)
    expect(readAll(again)).toEqual(want)
    await again.close()
  }
  expect(amid).toBe(moments.length)
}, 120_000)
