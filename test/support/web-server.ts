// A real WebServer on a free port, over parts a test can look into: the runner answers each job with itself, pushes go
// through the real receiver into plain maps.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { QueryJob, QueryReply } from '../../lang/job.ts'
import { RemoteWriteReceiver } from '../../lib/ingest/remote-write.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { answerRules } from '../../lib/rules/rule-list.ts'
import { Logger } from '../../lib/std/log.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import type { ServerParts } from '../../web/parts.ts'
import { Notifications } from '../../web/notifications.ts'
import { WebServer, createServer } from '../../web/server.ts'
import { MemoryAppender } from './memory-appender.ts'

export const NOW = 1_700_000_000_000

export interface TestServer {
  base: string
  port: number
  server: WebServer
  appender: MemoryAppender
  clock: FakeClock
  metrics: Metrics
  /** Jobs run so far. */
  jobs: QueryJob[]
  log: string[]
  stop(): Promise<void>
}

/** The runner's answer: the job, as the data of a success. */
export function echoJob(job: QueryJob): QueryReply {
  return { status: 200, body: Buffer.from(JSON.stringify({ status: 'success', data: job })) }
}

export async function startServer(change: (parts: ServerParts) => Partial<ServerParts> = () => ({}), isReady = true): Promise<TestServer> {
  const clock = new FakeClock(NOW)
  const metrics = new Metrics()
  const appender = new MemoryAppender(NOW)
  const jobs: QueryJob[] = []
  const log: string[] = []
  const staticFolder = mkdtempSync(path.join(tmpdir(), 'monitor-web-'))
  writeStatic(staticFolder)
  const parts: ServerParts = {
    notifications: new Notifications(clock),
    queries: {
      run: async (job) => {
        jobs.push(job)
        return echoJob(job)
      },
    },
    targets: { activeTargets: () => [], droppedTargets: () => [], droppedCounts: () => new Map() },
    metadata: { metadata: () => [] },
    receivers: { health: () => [], test: () => Promise.resolve(null), pushKey: () => Promise.resolve(''), subscribe: () => Promise.resolve(), unsubscribe: () => Promise.resolve(false) },
    alertmanagers: { alertmanagers: () => ({ active: ['http://am:9093/api/v2/alerts'], dropped: [] }) },
    alertmanager: new Proxy({} as ServerParts['alertmanager'], { get: () => () => { throw new Error('no alerts here') } }),
    alerts: new Proxy({} as ServerParts['alerts'], { get: () => () => { throw new Error('no alerts here') } }),
    alertRules: new Proxy({} as ServerParts['alertRules'], { get: () => () => { throw new Error('no rules here') } }),
    ruleTest: { test: () => Promise.reject(new Error('no rules here')) },
    rules: { ask: (request) => Promise.resolve(answerRules([], request)) },
    selectors: { compile: () => () => true },
    writer: new RemoteWriteReceiver(appender, metrics, 1),
    storage: { status: () => ({ tiers: [], currency: 'USD', head: { series: 0, memoryBytes: 0, segmentBytes: 0, maxTime: null }, log: { bytes: 0 } }) },
    admin: null,
    door: null,
    config: { reload: async () => {}, yaml: () => 'global: {}\n', externalLabels: () => new Map([['site', 'eu']]), lastReload: () => ({ isSuccessful: true, timeMs: NOW }) },
    build: { version: '0.1.0', revision: 'abc', branch: 'main', buildUser: '', buildDate: '' },
    flags: new Map([['web.listen-address', '127.0.0.1:9090'], ['config.file', 'monitor.yml']]),
    metrics,
    clock,
    logger: new Logger({ level: 'debug', format: 'logfmt', clock, write: (line) => log.push(line) }),
    options: { staticFolder, externalUrl: 'http://monitor.example', routePrefix: '', isLifecycleEnabled: false, onQuit: () => {}, queryTimeoutMs: 120_000, lookbackMs: 300_000, idleMs: 180_000, storageRetention: '7d', corruptionCount: () => 3, replay: { filesTotal: 5, filesRead: 2 } },
  }
  const server = createServer({ ...parts, ...change(parts) })
  if (isReady) server.ready()
  const { port } = await server.listen('127.0.0.1', 0)
  return {
    base: `http://127.0.0.1:${port}`, port, server, appender, clock, metrics, jobs, log,
    async stop() {
      await server.stop()
      rmSync(staticFolder, { recursive: true })
    },
  }
}

function writeStatic(folder: string): void {
  mkdirSync(path.join(folder, 'assets'))
  writeFileSync(path.join(folder, 'index.html'), '<!doctype html><base href="/"><meta name="external-url" content="__EXTERNAL_URL__"><meta name="csp-nonce" content="__CSP_NONCE__"><p>app</p>')
  writeFileSync(path.join(folder, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
  writeFileSync(path.join(folder, '.built'), 'hidden')
  writeFileSync(path.join(folder, 'assets', 'main-abc.js'), 'plain')
  writeFileSync(path.join(folder, 'assets', 'main-abc.js.br'), 'brotli')
  writeFileSync(path.join(folder, 'assets', 'main-abc.js.gz'), 'gzip')
}
