// A Monitor whose disk runs full under it, and gets room again.
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { expect, it, onTestFinished } from 'vitest'
import { MonitorProcess, freePort, waitFor } from '../support/monitor-process.ts'
import { writeBody } from '../support/remote-write-body.ts'
import { tempFolder } from '../support/temp-folder.ts'

const MB = 2 ** 20

it('at the reserve of its disk pushes get 503, scrapes are dropped, queries go on, and all is well within 5 s of free space', async (context) => {
  const folder = tempFolder()
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${64 * MB}`, 'none', folder], { encoding: 'utf8' })
  if (mount.status !== 0) context.skip(`cannot mount a small file system here: ${mount.error?.message ?? mount.stderr.trim()}`)
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
  const port = await freePort()
  const monitor = await MonitorProcess.start(folder, {
    flags: ['--storage.reserve.size=16MB'],
    port, config: `global: {scrape_interval: 1s}\nscrape_configs: [{job_name: self, static_configs: [{targets: ["127.0.0.1:${port}"]}]}]\n`,
  })
  onTestFinished(() => monitor.kill9())
  const startMs = Date.now()
  let row = 0
  const push = (): Promise<Response> => fetch(`${monitor.base}/api/v1/write`, { method: 'POST', body: Buffer.from(writeBody([{ labels: [['__name__', 'pushed']], samples: [[row, startMs + row++]] }])) })
  expect((await push()).status).toBe(204)
  const metric = async (name: string): Promise<number> => {
    const { text } = await monitor.get('/metrics')
    return Number(text.split('\n').find((line) => line.startsWith(`${name} `))!.slice(name.length))
  }
  expect(await metric('monitor_storage_read_only')).toBe(0)
  fs.writeFileSync(`${folder}/ballast`, new Uint8Array(52 * MB))
  const refusal = await waitFor('a refusal', async () => {
    const response = await push()
    return response.status === 503 && response
  })
  expect(await refusal.text()).toMatch(/^disk reserve reached: \d+MB free of 16MB wanted; free space or lower --storage\.reserve\.size\n$/)
  expect(refusal.headers.get('retry-after')).toBe('5')
  expect((await monitor.get('/-/healthy')).status).toBe(200)
  expect((await monitor.get('/-/ready')).status).toBe(200)
  expect(await monitor.value('count_over_time(pushed[1m])', startMs / 1000 + 30)).toBeGreaterThan(0)
  expect(await metric('monitor_storage_read_only')).toBe(1)
  expect(await metric('monitor_storage_free_bytes')).toBeLessThan(16 * MB)
  expect(await metric('monitor_remote_write_refused_samples_total{reason="disk_reserve"}')).toBeGreaterThan(0)
  await waitFor('a scrape that is dropped', async () => (await metric('monitor_target_samples_dropped_total{reason="disk_reserve"}')) > 0)
  fs.rmSync(`${folder}/ballast`)
  await waitFor('a push that is taken', async () => (await push()).status === 204, 5000)
  expect(await metric('monitor_storage_read_only')).toBe(0)
  expect(monitor.output).toContain('read-only: no samples are taken')
  expect(monitor.output).toContain('samples are taken again')
}, 120_000)

it('starts on a disk without a free byte, answers queries, and takes samples by itself once there is room', async (context) => {
  const folder = tempFolder()
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${32 * MB}`, 'none', folder], { encoding: 'utf8' })
  if (mount.status !== 0) context.skip(`cannot mount a small file system here: ${mount.error?.message ?? mount.stderr.trim()}`)
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
  const options = { flags: ['--storage.reserve.size=4MB'], port: await freePort() }
  const startMs = Date.now()
  const push = (base: string, t: number): Promise<Response> => fetch(`${base}/api/v1/write`, { method: 'POST', body: Buffer.from(writeBody([{ labels: [['__name__', 'pushed']], samples: [[7, t]] }])) })
  const first = await MonitorProcess.start(folder, options)
  expect((await push(first.base, startMs)).status).toBe(204)
  await first.kill9()
  for (let left = 8 * MB; left > 0; left = Math.floor(left / 2)) {
    try {
      for (;;) fs.appendFileSync(`${folder}/ballast`, new Uint8Array(left))
    } catch (error) {
      expect(String(error)).toContain('ENOSPC')
    }
  }
  expect(() => fs.writeFileSync(`${folder}/byte`, 'x')).toThrow('ENOSPC')
  const monitor = await MonitorProcess.start(folder, options)
  onTestFinished(() => monitor.kill9())
  expect(await monitor.value('pushed', startMs / 1000 + 1)).toBe(7)
  expect((await push(monitor.base, startMs + 1)).status).toBe(503)
  const second = await MonitorProcess.launch(folder, { ...options, port: await freePort() })
  expect(await second.exited, 'the folder is locked all the same').toBe(1)
  expect(second.output).toContain(`it is locked by pid ${monitor.child.pid}`)
  fs.rmSync(`${folder}/ballast`)
  await waitFor('a push that is taken', async () => (await push(monitor.base, startMs + 2)).status === 204)
  expect(await monitor.stop()).toBe(0)
  const again = await MonitorProcess.start(folder, options)
  expect(await again.value('count_over_time(pushed[1m])', startMs / 1000 + 1)).toBe(2)
  expect(await again.stop()).toBe(0)
}, 120_000)

it('ends in order on a full disk, and says what that costs', async (context) => {
  const folder = tempFolder()
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${16 * MB}`, 'none', folder], { encoding: 'utf8' })
  if (mount.status !== 0) context.skip(`cannot mount a small file system here: ${mount.error?.message ?? mount.stderr.trim()}`)
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
  const monitor = await MonitorProcess.start(folder, { flags: ['--storage.reserve.size=0'], config: 'scrape_configs: []\n' })
  onTestFinished(() => monitor.kill9())
  expect(() => fs.writeFileSync(`${folder}/ballast`, new Uint8Array(32 * MB))).toThrow('ENOSPC')
  let row = 0
  // Each of a series of its own, until definitions or log find no room in the files' last pages either.
  const push = (): Promise<Response> => fetch(`${monitor.base}/api/v1/write`, { method: 'POST', body: Buffer.from(writeBody([{ labels: [['__name__', 'pushed'], ['row', `${row++}-${'x'.repeat(1000)}`]], samples: [[1, Date.now()]] }])) })
  await waitFor('a refusal', async () => (await push()).status === 503)
  expect(await monitor.stop()).toBe(1)
  expect(monitor.output).toMatch(/\nmonitor: what was scraped last is not on disk \(what was acknowledged is\): .*ENOSPC/)
  expect(monitor.output).not.toMatch(/\n +at /)
}, 120_000)
