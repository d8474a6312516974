// The whole way of a year's data: pushed, cut, made rows of hours, one Parquet file a month, in a bucket of a real S3 server,
// and queried from there.
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../lib/std/clock.ts'
import { Random } from '../../lib/std/random.ts'
import { openStore, type S3Place } from '../../storage/object-store/open-store.ts'
import { S3Requests } from '../../storage/object-store/s3-request.ts'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { writeBody } from '../support/remote-write-body.ts'
import { hasSwift, startSwift } from '../support/swift-server.ts'
import { tempFolder } from '../support/temp-folder.ts'

const HOUR_MS = 3_600_000
const PATIENCE = { attempts: 2, firstWaitMs: 10, connections: 2 }

async function makeBucket(folder: string): Promise<S3Place> {
  const server = await startSwift(folder)
  onTestFinished(() => server.stop())
  const { accessKey, secretKey, endpoint } = server
  const place: S3Place = { endpoint, bucket: 'hours', region: 'us-east-1', prefix: 'm1', isPathStyle: true, tls: null, accessKey, secretKey, secretKeyFile: '' }
  const requests = new S3Requests({ ...place, ...PATIENCE, credentials: () => ({ accessKey, secretKey, sessionToken: '' }) }, systemClock, new Random(1))
  await requests.send({ method: 'PUT', key: '' })
  await requests.close()
  return place
}

describe('the archive', () => {
  it.skipIf(!hasSwift)(hasSwift ? 'takes a month that is over, and answers from it' : 'takes a month (needs the package python3-swift)', async () => {
    const folder = tempFolder()
    const place = await makeBucket(tempFolder())
    const config = `storage:
  archive:
    s3: {endpoint: ${place.endpoint}, bucket: hours, prefix: m1, access_key: ${place.accessKey}, secret_key: ${place.secretKey}}
`
    const monitor = await MonitorProcess.start(folder, { config, flags: ['--web.enable-admin-api', '--storage.tsdb.retention.time=400d'] })
    onTestFinished(() => monitor.kill9())
    const now = new Date()
    const from = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 2, 10)
    const samples = Array.from({ length: 30 * 4 }, (_, i) => [i, from + (i + 1) * 15 * 60_000] as const)
    const labels = (i: number): [string, string][] => [['__name__', 'm'], ['i', String(i)]]
    const body = writeBody(Array.from({ length: 20 }, (_, i) => ({ labels: labels(i), samples: samples.map(([v, t]) => [v + i, t] as const) })))
    const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' }
    expect((await fetch(`${monitor.base}/api/v1/write`, { method: 'POST', headers, body: Buffer.from(body) })).status).toBe(204)
    expect((await fetch(`${monitor.base}/api/v1/admin/tsdb/snapshot`, { method: 'POST' })).status).toBe(200)
    const store = openStore({ s3: place }, PATIENCE, systemClock, new Random(1))
    onTestFinished(() => store.close())
    const month = new Date(from).toISOString().slice(0, 7)
    const archive = path.join(folder, 'data', 'archive')
    await waitFor('the month in the bucket', async () => (await store.list('')).some(({ key }) => key.startsWith(`1h-${month}-`) && /-\d{6}\.parquet$/.test(key) && key.length < 28), 60_000)
    await waitFor('the month to leave the folder', async () => !fs.readdirSync(archive).some((name) => name.startsWith(`1h-${month}-0000`) && name.endsWith('.parquet')), 30_000)
    const time = (from + 10 * HOUR_MS) / 1000
    const reply = await fetch(`${monitor.base}/api/v1/query?query=${encodeURIComponent('sum_over_time(m{i="3"}[2h])')}&time=${time}&tier=1h`)
    const { data, warnings = [] } = await reply.json() as { data: { result: { value: [number, string] }[] }; warnings?: string[] }
    // Of (8 h, 10 h]: samples 32 to 39.
    expect(data.result.map(({ value }) => value[1])).toEqual([String(Array.from({ length: 8 }, (_, k) => 32 + k + 3).reduce((a, b) => a + b, 0))])
    expect(warnings.filter((text) => text.includes('partial'))).toEqual([])
    const shown = await (await fetch(`${monitor.base}/api/v1/status/config`)).text()
    expect(shown).toContain('bucket: hours')
    expect(shown).not.toContain(place.secretKey)
    await monitor.stop()
    // The bucket is deleted, and made anew by the same name.
    for (const { key } of await store.list('')) await store.delete(key)
    const requests = new S3Requests({ ...place, ...PATIENCE, credentials: () => ({ ...place, sessionToken: '' }) }, systemClock, new Random(1))
    await requests.send({ method: 'DELETE', key: '' })
    const again = await MonitorProcess.start(folder, { config })
    onTestFinished(() => again.kill9())
    await waitFor('the log to name the bucket', () => Promise.resolve(again.output.includes('NoSuchBucket')), 30_000)
    await requests.send({ method: 'PUT', key: '' })
    await requests.close()
    await waitFor('the log to say that the month is gone', () => Promise.resolve(/archive: the store has lost files.*files=1h-/.test(again.output)), 60_000)
    const partial = await fetch(`${again.base}/api/v1/query?query=${encodeURIComponent('sum_over_time(m{i="3"}[2h])')}&time=${time}&tier=1h`)
    expect((await partial.json() as { warnings: string[] }).warnings.join()).toMatch(/^partial answer: rows of the 1-hour tier from .* are missing, all or some: 1h-.* was left out: .*404/)
    expect(await (await fetch(`${again.base}/metrics`)).text()).toContain('monitor_storage_archive_gone_files 1\n')
    await again.stop()
  }, 120_000)
})
