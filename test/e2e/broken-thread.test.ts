// A thread that does not start, or never answers: Monitor runs without what it does, says so, and ends when it is told to.
import fs from 'node:fs'
import { pathToFileURL } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { PageServer } from '../support/page-server.ts'
import { writeBody } from '../support/remote-write-body.ts'
import { tempFolder } from '../support/temp-folder.ts'

const THREADS = { meta: "workerData?.folder?.endsWith('/meta')", query: 'workerData == null', all: 'true' }

/** Runs before everything else in the thread of the relational store, in those of queries, or in all but main. */
function inThread(folder: string, code: string, which: keyof typeof THREADS = 'meta'): NodeJS.ProcessEnv {
  const file = `${folder}/before.mjs`
  fs.writeFileSync(file, `import { isMainThread, workerData } from 'node:worker_threads'\nif (!isMainThread && ${THREADS[which]}) ${code}\n`)
  return { NODE_OPTIONS: `--import=${pathToFileURL(file).href}` }
}

it('serves without the relational store where its thread cannot start, and ends at once', async () => {
  const folder = tempFolder()
  const monitor = await MonitorProcess.start(folder, { env: inThread(folder, "throw new Error('no memory for it')") })
  onTestFinished(() => monitor.kill9())
  expect(monitor.output).toContain('no memory for it')
  expect(await monitor.value('vector(1)')).toBe(1)
  expect(await monitor.stop()).toBe(0)
}, 120_000)

it('takes samples and says what is wrong where no thread can start at all, and ends at once', async () => {
  const folder = tempFolder()
  const config = `rule_files: [${folder}/rules.yml]\n`
  fs.writeFileSync(`${folder}/rules.yml`, "groups: [{ name: g, interval: 1s, rules: [{ record: r, expr: vector(1) }] }]\n")
  const monitor = await MonitorProcess.start(folder, { env: inThread(folder, "throw new Error('no memory for it')", 'all'), config })
  onTestFinished(() => monitor.kill9())
  const reply = await monitor.get('/api/v1/query?query=1')
  expect(reply.text).toContain('no memory for it')
  expect(await push(monitor)).toBe(204)
  expect(await monitor.stop()).toBe(0)
}, 120_000)

/** The status. */
async function push({ base }: MonitorProcess): Promise<number> {
  const { status } = await fetch(`${base}/api/v1/write`, {
    method: 'POST', headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    body: new Uint8Array(writeBody([{ labels: [['__name__', 'm']], samples: [[1, Date.now()]] }])),
  })
  return status
}

const NEVER = 'await new Promise(() => setInterval(() => {}, 1e6))'

// Side by side: each waits for most of its time.
it('starts where a thread never answers, says what it does without, and ends within its grace', async () => {
  await Promise.all([pagesWithoutStore(), endsAmidStart(), servesWithoutQueries()])
}, 120_000)

async function servesWithoutQueries(): Promise<void> {
  const folder = tempFolder()
  const monitor = await MonitorProcess.start(folder, { env: inThread(folder, NEVER, 'query') })
  onTestFinished(() => monitor.kill9())
  expect(monitor.output).toContain('queries are not answered yet')
  expect(await push(monitor)).toBe(204)
  expect(await monitor.stop()).toBe(0)
}

async function pagesWithoutStore(): Promise<void> {
  const folder = tempFolder()
  const pages = await PageServer.start()
  onTestFinished(() => pages.stop())
  const config = `alerting:
  route: { receiver: hook, group_by: [alertname], group_wait: 0s }
  receivers: [{ name: hook, webhook_configs: [{ url: "${pages.url}" }] }, { name: browsers, webpush_configs: [{}] }]
rules: [{ name: g, interval: 1s, rules: [{ alert: OfRule, expr: vector(1) }] }]
`
  const monitor = await MonitorProcess.start(folder, { env: inThread(folder, NEVER), config })
  onTestFinished(() => monitor.kill9())
  await waitFor('the page', () => Promise.resolve(pages.firings('alertname').has('OfRule')))
  for (const what of ['silences and the log of notifications are not read yet', 'the rules made by API are not read yet', 'open alerts and acknowledgements are not read yet']) expect(monitor.output).toContain(what)
  expect((await monitor.get('/metrics')).text).toContain('\nmonitor_notification_state_read 0\n')
}

async function endsAmidStart(): Promise<void> {
  const folder = tempFolder()
  const monitor = await MonitorProcess.launch(folder, { env: inThread(folder, NEVER) })
  onTestFinished(() => monitor.kill9())
  await waitFor('the store', async () => monitor.output.includes('data folder opened'))
  const startedMs = performance.now()
  expect(await monitor.stop()).toBe(1)
  // Nine seconds, and what a machine that is busy with the others takes to end a process.
  expect(performance.now() - startedMs).toBeLessThan(20_000)
  expect(monitor.output).toContain('the end took too long and is cut')
}
