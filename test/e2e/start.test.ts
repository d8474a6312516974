// Starting, stopping and reloading as an operator does it.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { compareText, labelsFromRecord } from '../../lib/model/labels.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Database } from '../../storage/database.ts'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'

const HOUR = 3_600_000
const root = path.resolve(import.meta.dirname, '../..')

/** Runs the CLI to its end. */
function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['cmd/monitor.ts', ...args], { cwd: root, encoding: 'utf8', timeout: 20_000 })
  return { status, stdout, stderr }
}

/** The same without standing in the way of servers of this process. */
async function runAside(...args: string[]): Promise<{ status: number | null; stderr: string }> {
  const child = spawn(process.execPath, ['cmd/monitor.ts', ...args], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'], timeout: 20_000 })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [status] = (await once(child, 'exit')) as [number | null]
  return { status, stderr }
}

function job(name: string, address: string): string {
  return `  - job_name: ${name}\n    scrape_interval: 500ms\n    scrape_timeout: 500ms\n    static_configs: [{ targets: ['${address}'] }]\n`
}

describe('monitor', () => {
  it('answers --version and --help, and names the nearest flag to a wrong one', () => {
    expect(run('--version').stdout).toMatch(/^monitor, version \d/)
    expect(run('--help').stdout).toContain('--storage.tsdb.path')
    const wrong = run('--storage.tsdb.pth=x')
    expect(wrong.status).toBe(2)
    expect(wrong.stderr).toContain('--storage.tsdb.path')
    // Where its folder has a name that URLs spell otherwise.
    const odd = `${tempFolder()}/a b`
    fs.symlinkSync(root, odd)
    expect(spawnSync(process.execPath, ['--preserve-symlinks', '--preserve-symlinks-main', `${odd}/cmd/monitor.ts`, '--version'], { encoding: 'utf8', timeout: 60_000 }).stdout).toMatch(/^monitor, version \d/)
  })

  it('will not start on a bad file: file:line:column, the nearest key, exit 1', () => {
    const folder = tempFolder()
    fs.writeFileSync(`${folder}/bad.yml`, 'global:\n  scrape_intervall: 10s\nscrape_configs: []\n')
    const out = run(`--config.file=${folder}/bad.yml`, `--storage.tsdb.path=${folder}/data`, '--web.listen-address=127.0.0.1:0')
    expect(out.status).toBe(1)
    expect(out.stderr).toContain(`${folder}/bad.yml:2:3`)
    expect(out.stderr).toContain('scrape_interval')
  })

  it('is known to the tests to have ended as soon as it has', async () => {
    const from = performance.now()
    const failure = await MonitorProcess.start(tempFolder(), { flags: ['--no-such-flag'] }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ message: expect.stringContaining('--no-such-flag') as string, cause: { message: 'exited with 2' } })
    // Readiness is waited for 15 s.
    expect(performance.now() - from).toBeLessThan(12_000)
  })

  it('says what to do where the system gives the head no address space', () => {
    const command = `ulimit -v 2000000; exec "${process.execPath}" cmd/monitor.ts --storage.tsdb.path="${tempFolder()}" --storage.head.memory=1GB --web.listen-address=127.0.0.1:0`
    const { status, stderr } = spawnSync('sh', ['-c', command], { cwd: root, encoding: 'utf8', timeout: 20_000 })
    expect(stderr).toBe('monitor: cannot reserve 1GB of address space for the head: lower --storage.head.memory, or raise the process\' limit (ulimit -v)\n')
    expect(status).toBe(1)
  })

  it('starts with nothing, says where it serves and what it scrapes, scrapes itself, stops with 0', async () => {
    const monitor = await MonitorProcess.start(tempFolder(), {})
    onTestFinished(() => monitor.kill9())
    expect(monitor.output).toContain(monitor.base)
    expect(monitor.output).toContain('data')
    await waitFor('a scrape of itself', async () => (await monitor.query('up')).length === 1)
    expect(await monitor.value('up')).toBe(1)
    const started = performance.now()
    expect(await monitor.stop()).toBe(0)
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it('scrapes itself where the system chose the port, too', async () => {
    const child = spawn(process.execPath, ['cmd/monitor.ts', `--storage.tsdb.path=${tempFolder()}/data`, '--web.listen-address=127.0.0.1:0'], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const base = await waitFor('the address', async () => /serves (http:\S+),.* scrapes 1 target/.exec(said)?.[1])
    expect(said).toContain(`scrapes 1 target (${base}/metrics)`)
    await waitFor('a scrape of itself', async () => (await (await fetch(`${base}/api/v1/query?query=up==1`)).text()).includes('"monitor"'))
  })

  it('serves all interfaces of both kinds of address', async () => {
    const child = spawn(process.execPath, ['cmd/monitor.ts', `--storage.tsdb.path=${tempFolder()}/data`, '--web.listen-address=:0'], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const port = await waitFor('the address', async () => /serves http:\/\/127\.0\.0\.1:(\d+),/.exec(said)?.[1])
    const own = Object.values(os.networkInterfaces()).flatMap((list) => list ?? []).filter(({ address }) => ['127.0.0.1', '::1'].includes(address))
    for (const { address, family } of own) expect((await fetch(`http://${family === 'IPv6' ? `[${address}]` : address}:${port}/-/healthy`)).status, address).toBe(200)
  })

  it('reloads a good file on SIGHUP and POST, keeps the old one on a bad file', async () => {
    const target = http.createServer((_, reply) => void reply.setHeader('content-type', 'text/plain; version=0.0.4').end('a 1\n'))
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void target.close())
    const address = `127.0.0.1:${(target.address() as AddressInfo).port}`
    const folder = tempFolder()
    const monitor = await MonitorProcess.start(folder, { config: `scrape_configs:\n${job('one', address)}`, flags: ['--web.enable-lifecycle'] })
    onTestFinished(() => monitor.kill9())
    const jobs = async (): Promise<string> => (await monitor.query('count by (job) (up)')).map(({ metric }) => metric['job'] ?? '').toSorted(compareText).join()
    await waitFor('job one', async () => (await jobs()) === 'one')

    fs.writeFileSync(`${folder}/monitor.yml`, `scrape_configs:\n${job('one', address)}${job('two', address)}`)
    monitor.child.kill('SIGHUP')
    await waitFor('job two', async () => (await jobs()) === 'one,two')

    fs.writeFileSync(`${folder}/monitor.yml`, `scrape_configs:\n${job('one', address)}${job('one', address)}`)
    const refused = await fetch(`${monitor.base}/-/reload`, { method: 'POST' })
    expect(refused.status).toBe(500)
    expect(await refused.text()).toContain('monitor.yml:6:15')
    expect((await monitor.get('/metrics')).text).toContain('prometheus_config_last_reload_successful 0')

    fs.writeFileSync(`${folder}/monitor.yml`, `scrape_configs:\n${job('three', address)}`)
    expect((await fetch(`${monitor.base}/-/reload`, { method: 'POST' })).status).toBe(200)
    await waitFor('job three', async () => (await jobs()).includes('three'))
    expect((await monitor.get('/metrics')).text).toContain('prometheus_config_last_reload_successful 1')
    expect(await monitor.stop()).toBe(0)
  }, 120_000)

  it('takes signals while it starts: a reload waits, an end is clean', async () => {
    const folder = tempFolder()
    const child = spawn(process.execPath, ['cmd/monitor.ts', `--storage.tsdb.path=${folder}/data`, '--web.listen-address=127.0.0.1:0'], {
      // A busy machine starts slowly.
      cwd: root, stdio: ['ignore', 'pipe', 'pipe'], timeout: 90_000,
    })
    let output = ''
    let isSignalled = false
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      // It is not ready yet: the first query worker is still to come. The line may come in two pieces.
      if (isSignalled || !output.includes('data folder opened')) return
      isSignalled = true
      for (const signal of ['SIGHUP', 'SIGTERM'] as const) child.kill(signal)
    })
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(output).toContain('configuration applied')
    expect(output).toMatch(/msg=stopped\n$/)
    expect(fs.existsSync(`${folder}/data/lock`)).toBe(false)
  }, 100_000)

  it('says the retention that the file sets, takes a new one with a reload, and says what waits for the next start', async () => {
    const folder = tempFolder()
    const scrape = 'scrape_configs: []\n'
    const monitor = await MonitorProcess.start(folder, { config: `${scrape}storage: { tsdb: { retention: { time: 30d } } }\n`, flags: ['--web.enable-lifecycle'] })
    onTestFinished(() => monitor.kill9())
    expect(monitor.output).toContain('/data (30d), scrapes')
    expect((await monitor.get('/api/v1/status/runtimeinfo')).text).toContain('"storageRetention":"30d"')
    fs.writeFileSync(`${folder}/monitor.yml`, `${scrape}storage: { tsdb: { retention: { time: 60d } } }\nglobal: { evaluation_interval: 7s }\n`)
    expect((await fetch(`${monitor.base}/-/reload`, { method: 'POST' })).status).toBe(200)
    expect(monitor.output).toContain('global.evaluation_interval, as the step of subqueries, has changed; that takes effect at the next start')
    expect(monitor.output).not.toMatch(/(features|storage) has changed/)
    expect((await monitor.get('/api/v1/status/runtimeinfo')).text).toContain('"storageRetention":"60d"')
    expect((await monitor.get('/metrics')).text).toContain('prometheus_tsdb_retention_limit_seconds 5184000\n')
  })

  it('ends with 1, and lets go of its folder, when one of its ports is taken', async () => {
    const taken = http.createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void taken.close())
    const folder = tempFolder()
    const out = await runAside(`--storage.tsdb.path=${folder}/data`, '--web.listen-address=127.0.0.1:0', `--web.listen-address=127.0.0.1:${(taken.address() as AddressInfo).port}`)
    expect(out.status).toBe(1)
    expect(out.stderr).toContain('another program uses the port')
    expect(fs.existsSync(`${folder}/data/lock`)).toBe(false)
  })

  it('says what to do where the address is not this machine\'s', async () => {
    const out = await runAside(`--storage.tsdb.path=${tempFolder()}/data`, '--web.listen-address=203.0.113.1:9090')
    expect([out.status, out.stderr]).toEqual([1, 'monitor: cannot listen on 203.0.113.1:9090: no network interface of this machine has the address; give one that has, or :PORT for all, with --web.listen-address\n'])
  })

  it('is a command by a link, with paths from where it is called', () => {
    const folder = tempFolder()
    fs.symlinkSync(`${root}/cmd/monitor.sh`, `${folder}/monitor`)
    fs.writeFileSync(`${folder}/a.yml`, 'scrape_configs: []\n')
    const { status, stdout } = spawnSync('./monitor', ['check', 'config', 'a.yml'], { cwd: folder, encoding: 'utf8', timeout: 60_000 })
    expect([status, stdout]).toEqual([0, 'Checking a.yml\n  SUCCESS: 0 scrape configs, 0 rules, no receivers found\n\n'])
  })

  it('ends a tool whose reader has seen enough', () => {
    const folder = tempFolder()
    fs.writeFileSync(`${folder}/a.om`, `${Array.from({ length: 200_000 }, (_, i) => `a{b="${i % 10}"} 1 ${1_795_000_000 + i}`).join('\n')}\n# EOF\n`)
    const tool = `${process.execPath} cmd/monitor.ts tsdb`
    const { stdout, stderr } = spawnSync('sh', ['-c', `${tool} create-blocks-from openmetrics -q ${folder}/a.om ${folder}/data && ${tool} dump --storage.tsdb.path=${folder}/data | head -n 1; ls ${folder}/data`], { cwd: root, encoding: 'utf8', timeout: 60_000 })
    expect(stderr).toBe('')
    expect(stdout.split('\n', 1)).toEqual(['{__name__="a", b="0"} 1 1795000000000'])
    expect(stdout).not.toMatch(/^lock/m)
    const full = spawnSync('sh', ['-c', `${tool} dump ${folder}/data > /dev/full`], { cwd: root, encoding: 'utf8', timeout: 60_000 })
    expect([full.status, full.stderr]).toEqual([1, 'cannot write the output: ENOSPC: no space left on device, write\n'])
  }, 120_000)

  it('knows no other commands than it has', async () => {
    expect(await runAside('serve')).toEqual({ status: 2, stderr: 'monitor: there is no command serve; there are query, tsdb, check, test, promql and deadman\nSee monitor --help.\n' })
  })

  it('refuses a second process on the same data', async () => {
    const folder = tempFolder()
    const monitor = await MonitorProcess.start(folder)
    onTestFinished(() => monitor.kill9())
    const second = run(`--storage.tsdb.path=${folder}/data`, '--web.listen-address=127.0.0.1:0')
    expect(second.status).toBe(1)
    expect(second.stderr).toContain(`locked by pid ${monitor.child.pid}`)
  })

  it.each(['gone', 'stuck'])('goes on where the reader of its log is %s, and ends in order', async (state) => {
    const folder = tempFolder()
    const monitor = await MonitorProcess.start(folder, { config: 'scrape_configs: []\n', flags: ['--web.enable-lifecycle'] })
    onTestFinished(() => monitor.kill9())
    const { stderr } = monitor.child
    if (state === 'gone') stderr!.destroy()
    else stderr!.removeAllListeners('data').pause()
    fs.writeFileSync(`${folder}/monitor.yml`, `${'x'.repeat(3000)}: 1\n`)
    // More than a pipe holds: each refusal is a line that names the key.
    for (let i = 0; i < 300; i++) expect((await fetch(`${monitor.base}/-/reload`, { method: 'POST' })).status).toBe(500)
    expect((await monitor.get('/-/ready')).status).toBe(200)
    expect(await monitor.stop()).toBe(0)
    const next = await MonitorProcess.start(folder, { config: 'scrape_configs: []\n' })
    onTestFinished(() => next.kill9())
    expect(next.output).toContain('unclean_shutdown=false')
    await next.stop()
  })

  it('says in answers, and by tsdb verify, that a block is gone', async () => {
    const folder = tempFolder()
    const from = Math.floor(Date.now() / (2 * HOUR) - 4) * 2 * HOUR
    const clock = new FakeClock(from)
    const db = new Database({ folder: `${folder}/data`, retentionMs: Infinity, headBytesMax: 64 * 2 ** 20, clock, compacts: false })
    const ref = db.series(labelsFromRecord({ __name__: 'm', job: 'a' }))
    for (; clock.now() < from + 4.5 * HOUR; clock.jump(60_000)) db.append({ count: 1, refs: Uint32Array.of(ref), values: Float64Array.of(1), t: clock.now(), times: null, stale: null }, new Uint8Array(1))
    await db.maintain()
    await db.blocks.idle()
    await db.close()
    const [first] = fs.readdirSync(`${folder}/data/blocks`).filter((name) => /^\d/.test(name)).toSorted()
    fs.rmSync(`${folder}/data/blocks/${first}`, { recursive: true })
    const verified = run('tsdb', 'verify', `--storage.tsdb.path=${folder}/data`)
    expect([verified.status, verified.stdout]).toEqual([1, expect.stringContaining(`blocks/${first}: it is not there`)])
    const monitor = await MonitorProcess.start(folder)
    onTestFinished(() => monitor.kill9())
    const [start, end] = [from / 1000 + 60, from / 1000 + 3600]
    const told = `partial answer: samples from ${new Date(from).toISOString()} to ${new Date(from + 2 * HOUR - 60_000).toISOString()} are missing`
    for (const path of [`query_range?query=m&start=${start}&end=${end}&step=60`, `query?query=m&time=${end}`, `series?match[]=m&start=${start}&end=${end}`, `labels?start=${start}&end=${end}`, `label/job/values?start=${start}&end=${end}`]) {
      const { status, body } = await monitor.get(`/api/v1/${path}`).then((reply) => ({ status: reply.status, body: reply.json() as { warnings?: string[] } }))
      expect([path, status, body.warnings]).toEqual([path, 200, [expect.stringContaining(told)]])
    }
    expect((await monitor.get(`/api/v1/query?query=m&time=${from / 1000 + 3.5 * 3600}`)).json()).not.toHaveProperty('warnings')
    await monitor.stop()
  })

  it('starts without silences that it cannot read, names them, and has the others', async () => {
    const folder = tempFolder()
    const sql = (text: string): void => {
      execFileSync(process.execPath, ['-e', 'new (require("node:sqlite").DatabaseSync)(process.argv[1]).exec(process.argv[2])', `${folder}/data/meta/monitor.db`, text])
    }
    const first = await MonitorProcess.start(folder)
    onTestFinished(() => first.kill9())
    const silence = { matchers: [{ name: 'a', value: 'x.*', isRegex: true, isEqual: true }], startsAt: new Date(0).toISOString(), endsAt: '2999-01-01T00:00:00Z', createdBy: 'ann', comment: 'works' }
    const made = await fetch(`${first.base}/alertmanager/api/v2/silences`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(silence) })
    expect(made.status).toBe(200)
    await first.stop()
    sql(`UPDATE silences SET body = replace(body, 'x.*', 'x(')`)
    const second = await MonitorProcess.start(folder)
    onTestFinished(() => second.kill9())
    await second.stop()
    expect(second.output).toContain('silences nothing: make it anew')
    expect(second.output).toContain('by ann (works)')
    sql(`UPDATE silences SET body = replace(body, 'x(', 'x.*')`)
    sql(`INSERT INTO silences VALUES ('one', '{}'), ('two', '{"id": ')`)
    const last = await MonitorProcess.start(folder)
    onTestFinished(() => last.kill9())
    expect(last.output).toContain('unclean_shutdown=false')
    expect((await last.get('/alertmanager/api/v2/silences')).json()).toMatchObject([{ comment: 'works' }])
    await last.stop()
    for (const id of ['one', 'two']) expect(last.output).toContain(`silence ${id}: its entry in meta/monitor.db is damaged`)
  }, 120_000)
})
