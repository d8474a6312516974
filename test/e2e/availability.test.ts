// What happens around Monitor while it runs: it is stopped and started, killed again and again, held still, left without
// file descriptors, its clock jumps. It goes on by itself and keeps what it has taken.
import fs from 'node:fs'
import net from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MonitorProcess, freePort, waitFor, type MonitorOptions } from '../support/monitor-process.ts'
import { writeBody } from '../support/remote-write-body.ts'
import { tempFolder } from '../support/temp-folder.ts'

const FAKETIME = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1'].find((file) => fs.existsSync(file))
const HOUR_MS = 3_600_000
/** `npm run prove -- storm` does 50. */
const KILLS = Number(process.env['PROVE_STORM_KILLS'] ?? 7)
/** There it is half a minute. */
const STILL_MS = Number(process.env['PROVE_STILL_MS'] ?? 4000)

async function start(folder: string, options: MonitorOptions = {}): Promise<MonitorProcess> {
  const port = options.port ?? await freePort()
  const config = `global: { scrape_interval: 500ms, scrape_timeout: 500ms }\nscrape_configs: [{ job_name: self, static_configs: [{ targets: ['127.0.0.1:${port}'] }] }]\n`
  const monitor = await MonitorProcess.start(folder, { config, ...options, port })
  onTestFinished(() => monitor.kill9())
  return monitor
}

/** The status of a push of one sample. */
async function push(monitor: MonitorProcess, name: string, value: number, timeMs: number): Promise<number> {
  const reply = await fetch(`${monitor.base}/api/v1/write`, {
    method: 'POST', headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    body: new Uint8Array(writeBody([{ labels: [['__name__', name]], samples: [[value, timeMs]] }])),
  })
  await reply.arrayBuffer()
  return reply.status
}

/** Would go on for minutes. */
const SLOW = `/api/v1/query?query=${encodeURIComponent('sum_over_time(quantile_over_time(0.3, (vector(time()) % 77)[6h:1s])[1w:1s])')}`

const scrapes = (monitor: MonitorProcess, window: string): Promise<number> => monitor.value(`count_over_time(up[${window}])`)
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('availability', () => {
  it('scrapes and takes pushes again after a SIGTERM, in the same folder', async () => {
    const folder = tempFolder()
    const first = await start(folder)
    await waitFor('a scrape', async () => (await scrapes(first, '1m')) > 0)
    expect(await push(first, 'pushed', 1, Date.now())).toBe(204)
    const stoppedAt = Date.now()
    expect(await first.stop()).toBe(0)
    const second = await start(folder, { port: first.port, flags: ['--web.shutdown-delay=1h'] })
    expect(await push(second, 'pushed', 2, Date.now())).toBe(204)
    await waitFor('a new scrape', async () => (await second.value('timestamp(up)')) * 1000 > stoppedAt)
    expect((await second.query('count_over_time(pushed[1m])'))[0]!.value[1]).toBe('2')
    // It serves on while balancers look for another; a second SIGTERM ends it at once.
    const asked = second.get(SLOW).then(({ status }) => status, () => 0)
    await waitFor('a query at work', async () => /^prometheus_engine_queries 1$/m.test((await second.get('/metrics')).text))
    second.child.kill('SIGTERM')
    await waitFor('not ready', async () => (await second.get('/-/ready')).status === 503)
    expect(await push(second, 'pushed', 3, Date.now())).toBe(204)
    expect(second.child.exitCode).toBe(null)
    expect(await second.stop()).toBe(130)
    expect(await asked).toBe(0)
  }, 120_000)

  it('keeps what it took over many kills, and its log does not grow', async () => {
    const folder = tempFolder()
    const port = await freePort()
    const startsMs: number[] = []
    for (let kill = 0; kill < KILLS; kill++) {
      const startedMs = performance.now()
      const monitor = await start(folder, { port })
      startsMs.push(performance.now() - startedMs)
      expect(await push(monitor, 'kept', kill, Date.now())).toBe(204)
      await monitor.kill9()
    }
    const monitor = await start(folder, { port })
    expect(await monitor.value('count_over_time(kept[10m])')).toBe(KILLS)
    await waitFor('few files', async () => fs.readdirSync(`${folder}/data/log`).length <= 5)
    // Times of a few starts on a machine at work say nothing: the proof has enough of them.
    if (KILLS < 30) return
    const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!
    const third = Math.floor(KILLS / 3)
    expect(median(startsMs.slice(-third)), `starts took ${startsMs.map(Math.round).join(', ')} ms`).toBeLessThan(2 * median(startsMs.slice(0, third)))
  }, KILLS * 10_000)

  it('does not catch up on scrapes it missed while it was held still', async () => {
    const monitor = await start(tempFolder())
    await waitFor('some scrapes', async () => (await scrapes(monitor, '1m')) >= 3)
    monitor.child.kill('SIGSTOP')
    await sleep(STILL_MS)
    monitor.child.kill('SIGCONT')
    const at = Date.now() / 1000
    await sleep(2000)
    // Four a second at the most would be a storm; two a second is the schedule.
    const after = await monitor.value('count_over_time(up[2s])', at + 2)
    expect(after).toBeGreaterThanOrEqual(2)
    expect(after).toBeLessThanOrEqual(5)
    expect(await monitor.value(`count_over_time(up[${STILL_MS - 1000}ms]) or vector(0)`, at - 0.5)).toBeLessThanOrEqual(1)
  }, 30_000 + STILL_MS)

  it('ends with 0, in time, amid queries that would go on for long', async () => {
    const monitor = await start(tempFolder(), { flags: ['--query.timeout=1m'] })
    expect(await push(monitor, 'm', 1, Date.now())).toBe(204)
    const asked = Array.from({ length: 4 }, () => monitor.get(SLOW).then(({ status }) => status, () => 0))
    await waitFor('queries at work', async () => /^prometheus_engine_queries [1-4]$/m.test((await monitor.get('/metrics')).text))
    const startedMs = performance.now()
    monitor.child.kill('SIGTERM')
    await waitFor('not ready', async () => (await monitor.get('/-/ready')).status === 503)
    // Who comes now finds somebody to answer.
    expect(await push(monitor, 'm', 2, Date.now())).toBe(503)
    expect((await monitor.get('/-/healthy')).status).toBe(200)
    expect(await monitor.exited).toBe(0)
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    // Answered 503, or cut with their connections.
    for (const status of await Promise.all(asked)) expect([0, 503]).toContain(status)
  }, 120_000)

  it('takes samples, and refuses what is too large, with little memory under a storm of queries', async () => {
    const monitor = await start(tempFolder(), { env: { NODE_OPTIONS: '--max-old-space-size=128' } })
    const large = ['sort_desc(vector(1)[1h:1ms])', 'sum_over_time(vector(1)[1d:1ms])', 'count_over_time((time() + vector(1))[10m:1ms])', 'quantile_over_time(0.5, vector(1)[6h:1ms])']
    const statuses: number[] = []
    const storm = Array.from({ length: 24 }, async (_, i) => {
      const { status } = await monitor.get(`/api/v1/query?query=${encodeURIComponent(large[i % large.length]!)}`)
      statuses.push(status)
    })
    for (let k = 0; k < 20; k++) expect(await push(monitor, 'pushed', k, Date.now() + k)).toBe(204)
    await Promise.all(storm)
    for (const status of statuses) expect([200, 400, 422, 503]).toContain(status)
    expect(statuses).toContain(422)
    expect((await monitor.get('/-/healthy')).status).toBe(200)
    expect(await monitor.value('count_over_time(pushed[5m])', Date.now() / 1000 + 1)).toBe(20)
    expect(await monitor.stop()).toBe(0)
  }, 120_000)

  it('recovers by itself when it has run out of file descriptors', async () => {
    const monitor = await start(tempFolder(), { before: 'ulimit -n 256' })
    await waitFor('a scrape', async () => (await scrapes(monitor, '1m')) > 0)
    const sockets = Array.from({ length: 400 }, () => net.connect(monitor.port, '127.0.0.1').on('error', () => {}))
    await sleep(1500)
    for (const socket of sockets) socket.destroy()
    await waitFor('an answer', async () => (await fetch(`${monitor.base}/-/healthy`)).status === 200)
    expect(await push(monitor, 'after', 7, Date.now())).toBe(204)
    const before = await scrapes(monitor, '5m')
    await waitFor('new scrapes', async () => (await scrapes(monitor, '5m')) > before)
    expect(await monitor.value('after')).toBe(7)
  }, 120_000)
})

describe('a clock that jumps', () => {
  it.skipIf(FAKETIME === undefined).each([['an hour ahead', HOUR_MS], ['an hour back', -HOUR_MS], ['a year ahead', 8760 * HOUR_MS]])(`%s: scrapes go on, nothing is lost (needs the package faketime)`, async (_, jumpMs) => {
    const folder = tempFolder()
    const file = `${folder}/offset`
    fs.writeFileSync(file, '+0')
    const monitor = await start(folder, {
      env: { LD_PRELOAD: FAKETIME, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' },
    })
    await waitFor('some scrapes', async () => (await scrapes(monitor, '1m')) >= 3)
    expect(await push(monitor, 'kept', 1, Date.now())).toBe(204)
    const kept = Date.now()
    fs.writeFileSync(file, `${jumpMs < 0 ? '' : '+'}${jumpMs / 1000}`)
    const jumped = (): number => (Date.now() + jumpMs) / 1000
    await waitFor('scrapes at the new time', async () => (await monitor.query('count_over_time(up[1s] offset 0s)', jumped())).length > 0)
    expect(await push(monitor, 'new', 2, Date.now() + jumpMs)).toBe(204)
    fs.writeFileSync(file, '+0')
    await waitFor('scrapes at the old time', async () => (await monitor.value('timestamp(up)', Date.now() / 1000)) * 1000 > kept + 1000)
    expect(await monitor.value('kept', kept / 1000 + 1)).toBe(1)
    expect(await monitor.stop()).toBe(0)
    const again = await start(folder)
    expect(await again.value('kept', kept / 1000 + 1)).toBe(1)
    expect(await push(again, 'kept', 3, Date.now())).toBe(204)
  }, 120_000)
})
