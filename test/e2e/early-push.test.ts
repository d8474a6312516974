// Pushes while Monitor reads a log that takes it a while: taken at once, kept, and in their order once it is ready.
import { describe, expect, it, onTestFinished } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { Database } from '../../storage/database.ts'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { writeBody } from '../support/remote-write-body.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { abandon } from '../storage/store.ts'

const SERIES = 100_000
const ROWS = 16
const STEP_MS = 1000

/** A folder whose log takes a second to read: SERIES series, ROWS samples each, the newest at `end`. */
async function written(end: number): Promise<string> {
  const folder = tempFolder()
  const clock = new FakeClock(end)
  const db = new Database({ folder: `${folder}/data`, retentionMs: Infinity, clock })
  const verdicts = new Uint8Array(SERIES)
  const refs = Uint32Array.from({ length: SERIES }, (_, i) => db.series(['__name__', 'old', 'i', String(i)]))
  for (let k = ROWS - 1; k >= 0; k--) db.append({ count: SERIES, refs, values: new Float64Array(SERIES).fill(k), t: end - k * STEP_MS, times: null, stale: null }, verdicts)
  await db.close()
  abandon(`${folder}/data`)
  return folder
}

/** The status of a push, 0 where nobody listens. */
async function push({ base }: MonitorProcess, labels: [string, string][], value: number, timeMs: number): Promise<number> {
  const body = new Uint8Array(writeBody([{ labels, samples: [[value, timeMs]] }]))
  try {
    const reply = await fetch(`${base}/api/v1/write`, { method: 'POST', headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' }, body })
    await reply.arrayBuffer()
    return reply.status
  } catch {
    return 0
  }
}

/** MB of JavaScript heap: a third more than Monitor holds in peace. Reading a log takes no more, however long it is. */
const HEAP_MB = 40

async function launch(folder: string): Promise<MonitorProcess> {
  const monitor = await MonitorProcess.launch(folder, { config: 'global: {}\n', env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` } })
  onTestFinished(() => monitor.kill9())
  return monitor
}

const NEW: [string, string][] = [['__name__', 'pushed']]
const OLD: [string, string][] = [['__name__', 'old'], ['i', '7']]

describe('a push while the log is read', () => {
  it('is taken before anything can be asked, and judged by what the log holds', async () => {
    const end = Date.now() - 60_000
    const monitor = await launch(await written(end))
    await waitFor('the first push', async () => (await push(monitor, NEW, 1, end)) === 204)
    const [ready, query] = await Promise.all([monitor.get('/-/ready'), fetch(`${monitor.base}/api/v1/query?query=pushed`)])
    expect(ready.status, 'it is still reading').toBe(503)
    expect([query.status, query.headers.get('retry-after')]).toEqual([503, '5'])
    const pushes: [[string, string][], number, number][] = [[NEW, 2, end + STEP_MS], [OLD, 77, end + STEP_MS], [OLD, 99, end], [NEW, 3, end]]
    for (const [labels, value, t] of pushes) expect(await push(monitor, labels, value, t)).toBe(204)
    expect((await fetch(`${monitor.base}/api/v1/write`, { method: 'POST', body: Uint8Array.of(9, 9, 9) })).status).toBe(400)
    await waitFor('readiness', async () => (await monitor.get('/-/ready')).status === 200)
    // Of two values at one time the first stays: the log's, and that of the first push.
    expect((await monitor.query('pushed[5m]'))[0]).toMatchObject({ values: [[end / 1000, '1'], [(end + STEP_MS) / 1000, '2']] })
    expect((await monitor.query(`old{i="7"}[2s] @ ${(end + STEP_MS) / 1000}`))[0]).toMatchObject({ values: [[end / 1000, '0'], [(end + STEP_MS) / 1000, '77']] })
    expect(await monitor.value('count(old)', end / 1000)).toBe(SERIES)
    expect((await monitor.get('/metrics')).text).toMatch(/^monitor_remote_write_early_requests_total 5$/m)
  }, 120_000)

  it('is there after a kill that came before the store was open', async () => {
    const end = Date.now() - 60_000
    const folder = await written(end)
    const first = await launch(folder)
    await waitFor('the first push', async () => (await push(first, NEW, 1, end)) === 204)
    expect((await first.get('/-/ready')).status).toBe(503)
    await first.kill9()
    const second = await MonitorProcess.start(folder, { config: 'global: {}\n' })
    onTestFinished(() => second.kill9())
    expect(await second.value('pushed', end / 1000)).toBe(1)
  }, 120_000)
})
