import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import type { InstantJob, QueryReply, RangeJob } from '../../lang/job.ts'
import { QueryPool, type QueryPoolOptions } from '../../lang/pool.ts'
import { startQueryThread } from '../../lang/query-thread.ts'
import { FakeClock, systemClock } from '../../lib/std/clock.ts'
import { silentLogger } from '../../lib/std/log.ts'
import { Metrics } from '../../lib/std/metrics.ts'

const WORKER = new URL('../support/memory-query-worker.ts', import.meta.url)

const pools: QueryPool[] = []
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.stop()))
})

interface Started {
  pool: QueryPool
  clock: FakeClock
  gone: number[]
  metrics: Metrics
}

function start(options: Partial<QueryPoolOptions> = {}): Started {
  const clock = new FakeClock()
  const gone: number[] = []
  const metrics = new Metrics()
  const pool = new QueryPool({
    startThread: () => startQueryThread(WORKER), workerData: { seriesCount: 20 }, maxWorkers: 2, maxConcurrent: 20, maxQueued: 100,
    queueTimeoutMs: 120_000, idleMs: 60_000, clock, logger: silentLogger, metrics, onWorkerGone: (slot) => gone.push(slot), ...options,
  })
  pools.push(pool)
  return { pool, clock, gone, metrics }
}

function instant(query: string, timeoutMs = 120_000): InstantJob {
  return { kind: 'instant', query, timeMs: 50_000, lookbackMs: 300_000, stats: '', timeoutMs, limit: 0 }
}

function heavy(query: string): RangeJob {
  // Half a day at 5 s: 9,361 units of an unknown query, over 100 ms by estimate.
  return { kind: 'range', query, startMs: 0, endMs: 43_200_000, stepMs: 5000, lookbackMs: 300_000, stats: '', timeoutMs: 120_000, limit: 0 }
}

const read = (reply: QueryReply): unknown => JSON.parse(new TextDecoder().decode(reply.body))
const value = async (reply: Promise<QueryReply>): Promise<string> =>
  (read(await reply) as { data: { result: [{ value: [number, string] }] } }).data.result[0].value[1]

async function sample(metrics: Metrics, name: string): Promise<number> {
  const text = await metrics.registry.getSingleMetricAsString(name.split('{')[0]!)
  return Number(text.split('\n').find((line) => line.startsWith(name))?.split(' ').at(-1))
}

describe('a query pool', () => {
  it('answers from its worker', async () => {
    const { pool } = start()
    const reply = await pool.run(instant('sum(up)'))
    expect(reply.status).toBe(200)
    // Sum over s of s + 5 at 50 s: 190 + 20 × 5.
    expect(read(reply)).toEqual({ status: 'success', data: { resultType: 'vector', result: [{ metric: {}, value: [50, '290'] }] } })
  })

  it('hands over answers of every size as they are, whatever their letters', async () => {
    const { pool } = start()
    // Around where they are no longer copied.
    for (const length of [1, 4000, 4070, 4071, 4072, 4073, 4074, 4075, 4080, 4096, 20_000]) {
      const text = 'é'.repeat(length)
      const { body } = await pool.run(instant(`"${text}"`))
      expect(read({ status: 200, body })).toEqual({ status: 'success', data: { resultType: 'string', result: [50, text] } })
    }
  })

  it('runs queries beside each other, each worker on a slot of its own', async () => {
    const { pool, metrics } = start()
    const slots = await Promise.all([value(pool.run(instant('slot'))), value(pool.run(instant('slot + 0')))])
    expect(slots.toSorted()).toEqual(['0', '1'])
    expect(await sample(metrics, 'monitor_query_workers')).toBe(2)
  })

  it('answers many more queries than it has workers', async () => {
    const { pool } = start()
    const replies = await Promise.all(Array.from({ length: 60 }, (_, i) => value(pool.run(instant(`count(up) + ${i}`)))))
    expect(replies).toEqual(Array.from({ length: 60 }, (_, i) => String(20 + i)))
  })

  it('gives a query to the first worker that is free, not to one that still starts', async () => {
    let started = 0
    // The second thread never gets ready.
    const startThread = (): Worker => (started++ === 0 ? startQueryThread(WORKER) : new Worker('setInterval(() => {}, 1000)', { eval: true }))
    const { pool } = start({ startThread })
    expect(await value(pool.run(instant('count(up)')))).toBe('20')
    const abort = new AbortController()
    const slow = pool.run(instant('slow'), abort.signal)
    const waiting = Promise.all([value(pool.run(instant('slot'))), value(pool.run(instant('slot + 0')))])
    expect(started).toBe(2)
    abort.abort(new Error('gone'))
    await expect(slow).rejects.toThrow('gone')
    expect(await waiting).toEqual(['0', '0'])
    expect(started).toBe(2)
  })

  it('terminates a stuck query one second past its timeout, and no other', async () => {
    const { pool, clock, gone, metrics } = start()
    const stuck = pool.run(instant('stuck', 5000))
    expect(await value(pool.run(instant('count(up)')))).toBe('20')
    await clock.advance(5999)
    expect(await value(pool.run(instant('count(up)')))).toBe('20')
    expect(gone).toEqual([])
    await clock.advance(1)
    const reply = await stuck
    expect(reply.status).toBe(503)
    expect(read(reply)).toEqual({ status: 'error', errorType: 'timeout', error: 'query timed out in query execution' })
    await expect.poll(() => gone, { timeout: 10_000 }).toEqual([0])
    // Two at once again: the slot is taken by a new worker.
    const other = pool.run(instant('stuck'))
    expect(await value(pool.run(instant('slot')))).toBe('0')
    await pool.stop()
    expect((await other).status).toBe(503)
    expect(await sample(metrics, 'monitor_query_workers_ended_total{reason="timeout"}')).toBe(1)
  })

  it('lets the engine end a slow query by itself at the deadline', async () => {
    const { pool, gone } = start({ clock: systemClock })
    const reply = await pool.run(instant('slow', 50))
    expect(read(reply)).toEqual({ status: 'error', errorType: 'timeout', error: 'query timed out in query execution' })
    expect(gone).toEqual([])
  })

  it('answers a crashed worker\'s query with an error and starts another', async () => {
    const { pool, gone } = start()
    const reply = await pool.run(instant('crash'))
    expect(reply.status).toBe(500)
    expect(read(reply)).toMatchObject({ errorType: 'internal', error: expect.stringContaining('query worker ended') })
    expect(gone).toEqual([0])
    expect(await value(pool.run(instant('count(up)')))).toBe('20')
  })

  it('says why a worker cannot start, and does not start it over and over', async () => {
    const { pool, gone } = start({ workerData: { seriesCount: 0, failsAtStart: true } })
    const reply = await pool.run(instant('1'))
    expect(reply.status).toBe(500)
    expect(read(reply)).toMatchObject({ error: expect.stringContaining('the entry file fails') })
    expect(gone).toEqual([0])
  })

  it('cancels the query of a client that has gone, and keeps the worker', async () => {
    const { pool, gone } = start({ maxWorkers: 1 })
    expect(await value(pool.run(instant('count(up)')))).toBe('20')
    const abort = new AbortController()
    const slow = pool.run(instant('slow'), abort.signal)
    abort.abort(new Error('gone'))
    await expect(slow).rejects.toThrow('gone')
    expect(await value(pool.run(instant('count(up)')))).toBe('20')
    expect(gone).toEqual([])
  })

  it('terminates a worker that does not hear the cancel', async () => {
    const { pool, clock, gone } = start({ maxWorkers: 1 })
    expect(await value(pool.run(instant('count(up)')))).toBe('20')
    const abort = new AbortController()
    const stuck = pool.run(instant('stuck'), abort.signal)
    abort.abort(new Error('gone'))
    await expect(stuck).rejects.toThrow('gone')
    await clock.advance(1000)
    await expect.poll(() => gone, { timeout: 10_000 }).toEqual([0])
    expect(await value(pool.run(instant('count(up)')))).toBe('20')
  })

  it('forgets a waiting query whose client has gone', async () => {
    const { pool, metrics } = start({ maxWorkers: 1 })
    const abort = new AbortController()
    const stuck = pool.run(instant('stuck'), abort.signal)
    const waiting = pool.run(instant('count(up)'), abort.signal)
    expect(await sample(metrics, 'monitor_query_queue_length')).toBe(1)
    abort.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    await expect(stuck).rejects.toThrow('gone')
    expect(await sample(metrics, 'monitor_query_queue_length')).toBe(0)
  })

  it('refuses what is gone already', async () => {
    const { pool } = start()
    await expect(pool.run(instant('1'), AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
  })

  it('answers 503 to what waited too long or does not fit the queue', async () => {
    const { pool, clock } = start({ maxWorkers: 1, maxQueued: 1, queueTimeoutMs: 3000 })
    const stuck = pool.run(instant('stuck'))
    const waiting = pool.run(instant('count(up)'))
    const refused = await pool.run(instant('count(up)'))
    expect(refused.status).toBe(503)
    expect(read(refused)).toMatchObject({ errorType: 'unavailable', error: 'too many queries are waiting: 1' })
    await clock.advance(3000)
    const late = await waiting
    expect(late.status).toBe(503)
    expect(read(late)).toMatchObject({ errorType: 'timeout', error: 'query timed out in query queue' })
    await clock.advance(120_000)
    expect((await stuck).status).toBe(503)
  })

  it('takes the time spent waiting off the timeout', async () => {
    const { pool, clock, gone } = start({ maxWorkers: 1 })
    const first = pool.run(instant('stuck', 4000))
    const second = pool.run(instant('stuck', 6000))
    await clock.advance(5000)
    await first
    await expect.poll(() => gone, { timeout: 10_000 }).toEqual([0])
    // It started at 5 s with 1 s left: terminated at 7 s.
    let isAnswered = false
    void second.then(() => (isAnswered = true))
    await clock.advance(1999)
    expect(isAnswered).toBe(false)
    await clock.advance(1)
    expect(isAnswered).toBe(true)
  })

  it('keeps one place free of heavy queries', async () => {
    const { pool, metrics } = start()
    const stuck = [pool.run(heavy('stuck')), pool.run(heavy('stuck'))]
    expect(await sample(metrics, 'prometheus_engine_queries')).toBe(1)
    expect(await sample(metrics, 'monitor_query_queue_length')).toBe(1)
    expect(await value(pool.run(instant('count(up)')))).toBe('20')
    await pool.stop()
    for (const reply of await Promise.all(stuck)) expect(reply.status).toBe(503)
  })

  it('tells a heavy query that waited in vain what the idle worker is kept for', async () => {
    const { pool, clock } = start({ queueTimeoutMs: 3000 })
    const stuck = pool.run(heavy('stuck'))
    const waiting = pool.run(heavy('stuck'))
    await clock.advance(3000)
    expect(read(await waiting)).toEqual({
      status: 'error', errorType: 'timeout',
      error: 'query timed out in query queue: it is expected to take more than 100 ms, and the last of 2 query workers is kept for shorter ones',
    })
    await pool.stop()
    expect((await stuck).status).toBe(503)
  })

  it('ends workers that are idle for a minute, but for one', async () => {
    const { pool, clock, gone } = start()
    await Promise.all([pool.run(instant('slot')), pool.run(instant('slot'))])
    await clock.advance(60_000)
    await expect.poll(() => gone.length, { timeout: 10_000 }).toBe(1)
    await clock.advance(600_000)
    expect(await value(pool.run(instant('count(up)')))).toBe('20')
    // Another would have ended by now, and a new one answered.
    expect(gone).toHaveLength(1)
  })

  it('stops: nothing is left waiting, later queries are refused', async () => {
    const { pool, gone } = start({ maxWorkers: 1 })
    const stuck = pool.run(instant('stuck'))
    const waiting = pool.run(instant('count(up)'))
    await pool.stop()
    expect(read(await waiting)).toMatchObject({ errorType: 'unavailable', error: 'server is shutting down' })
    expect(read(await stuck)).toMatchObject({ errorType: 'unavailable' })
    expect((await pool.run(instant('1'))).status).toBe(503)
    expect(gone).toEqual([0])
  })
})
