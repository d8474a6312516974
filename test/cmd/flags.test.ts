import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseFlags, type Flags } from '../../cmd/flags.ts'
import { defaultConfigText, loadConfig } from '../../lib/config/load.ts'

function run(...argv: string[]): Flags {
  const parsed = parseFlags(argv, '1.2.3')
  if (parsed.kind !== 'run') throw new Error(parsed.stderr)
  return parsed.flags
}

function failure(...argv: string[]): string {
  const parsed = parseFlags(argv, '1.2.3')
  if (parsed.kind !== 'exit') throw new Error('expected a refusal')
  expect([parsed.code, parsed.stdout]).toEqual([2, ''])
  return parsed.stderr.split('\n')[0]!
}

/** Every flag of Prometheus 3.5.3, hidden ones too, `[no-]` where it is a switch. */
const PROMETHEUS_FLAGS = `config.file [no-]config.auto-reload config.auto-reload-interval [no-]storage.tsdb.allow-overlapping-compaction
  storage.tsdb.block-reload-interval storage.tsdb.delay-compact-file.path [no-]web.enable-otlp-receiver web.search.max-limit
  storage.agent.checkpoint-batch-size [no-]storage.agent.checkpoint-from-in-memory-series web.listen-address [no-]auto-gomaxprocs [no-]auto-gomemlimit auto-gomemlimit.ratio
  web.config.file web.read-timeout web.max-connections web.max-notifications-subscribers web.external-url web.route-prefix web.local-assets
  web.user-assets [no-]web.enable-lifecycle [no-]web.enable-admin-api [no-]web.enable-remote-write-receiver
  web.remote-write-receiver.accepted-protobuf-messages web.console.templates web.console.libraries web.page-title web.cors.origin
  storage.tsdb.path storage.tsdb.retention.time storage.tsdb.retention.size [no-]storage.tsdb.no-lockfile
  storage.tsdb.head-chunks-write-queue-size storage.agent.path [no-]storage.agent.wal-compression storage.agent.retention.min-time
  storage.agent.retention.max-time [no-]storage.agent.no-lockfile storage.remote.flush-deadline storage.remote.read-sample-limit
  storage.remote.read-concurrent-limit storage.remote.read-max-bytes-in-frame rules.alert.for-outage-tolerance rules.alert.for-grace-period
  rules.alert.resend-delay rules.max-concurrent-evals alertmanager.notification-queue-capacity alertmanager.notification-batch-size
  [no-]alertmanager.drain-notification-queue-on-shutdown query.lookback-delta query.timeout query.max-concurrency query.max-samples
  storage.tsdb.min-block-duration storage.tsdb.max-block-duration storage.tsdb.wal-segment-size [no-]storage.tsdb.wal-compression
  storage.tsdb.wal-compression-type storage.tsdb.samples-per-chunk storage.tsdb.max-block-chunk-segment-size
  storage.tsdb.delayed-compaction.max-percent storage.agent.wal-segment-size storage.agent.wal-truncate-frequency
  storage.agent.wal-compression-type [no-]scrape.adjust-timestamps scrape.timestamp-tolerance scrape.discovery-reload-interval
  enable-feature [no-]agent log.level log.format`.split(/\s+/)

describe('parseFlags', () => {
  it('has defaults that need no configuration', () => {
    const { all, ...flags } = run()
    expect(flags).toMatchObject({
      configFile: '', isStrict: true, dataFolder: 'data', retentionMs: 604_800_000, listenHost: '127.0.0.1', listenPort: 9090, isLifecycleEnabled: false,
      externalUrl: 'http://127.0.0.1:9090', routePrefix: '', queryTimeoutMs: 120_000, queriesMax: 20, querySamplesMax: 50_000_000, lookbackMs: 300_000, features: [], threads: null,
      logLevel: 'info', logFormat: 'logfmt', warnings: [],
    })
    expect(all.get('query.timeout')).toBe('2m')
  })

  it('reads both spellings of a value and of a switch', () => {
    expect(run('--config.file=a.yml', '--query.timeout', '1h30m')).toMatchObject({ configFile: 'a.yml', queryTimeoutMs: 5_400_000 })
    expect(run('--web.enable-lifecycle').isLifecycleEnabled).toBe(true)
    expect(run('--no-web.enable-lifecycle').isLifecycleEnabled).toBe(false)
    expect(run('--config.strict=false').isStrict).toBe(false)
    expect(run('--no-config.strict').isStrict).toBe(false)
    expect(run('--web.enable-lifecycle', '--log.level', 'debug', '--log.format=json')).toMatchObject({ logLevel: 'debug', logFormat: 'json' })
    expect(run('--config.file=').configFile).toBe('')
    expect(run('--web.external-url=http://x/?a=b')).toMatchObject({ externalUrl: 'http://x/?a=b', routePrefix: '' })
    expect(run('--web.listen-address=:8080', '--web.route-prefix=/m').externalUrl).toBe(`http://${hostname()}:8080/m`)
    expect(run('--web.listen-address=[::1]:8080').externalUrl).toBe('http://[::1]:8080')
    expect(run('--web.external-url=http://x/ops/mon/').routePrefix).toBe('/ops/mon')
    expect(run('--web.external-url=http://x/ops/mon/').externalUrl).toBe('http://x/ops/mon')
    expect(run('--web.external-url=http://x/ops/', '--web.route-prefix=/').routePrefix).toBe('')
    expect(run('--web.route-prefix=mon/').routePrefix).toBe('/mon')
    expect(run('--threads=0').threads).toBe(0)
  })

  it('reads listen addresses', () => {
    const f = (address: string, host: string, port: number): void => expect(run('--web.listen-address', address)).toMatchObject({ listenHost: host, listenPort: port })
    f('127.0.0.1:9091', '127.0.0.1', 9091)
    f(':9090', '::', 9090)
    f('0.0.0.0:80', '0.0.0.0', 80)
    f('localhost:1', 'localhost', 1)
    f('[::1]:9090', '::1', 9090)
    for (const address of ['9090', 'host', 'host:', 'host:99999', '::1:9090', 'a:b', '']) expect(failure('--web.listen-address', address)).toContain('wants host:port')
    // As Prometheus 3 says both in /api/v1/status/flags.
    const two = run('--web.listen-address=127.0.0.1:80', '--web.listen-address', '[::1]:81')
    expect(two).toMatchObject({ listenHost: '127.0.0.1', listenPort: 80, listensToo: [{ host: '::1', port: 81 }], externalUrl: 'http://127.0.0.1:80' })
    expect(two.all.get('web.listen-address')).toBe('127.0.0.1:80,[::1]:81')
    expect(failure('--web.listen-address=:80', '--web.listen-address=:81', '--web.listen-address=80')).toContain('wants host:port')
    expect(failure('--web.listen-address=:80', '--web.listen-address=:80')).toBe('monitor: flag --web.listen-address: :80 is given twice')
  })

  it('refuses what would store nothing or answer nothing', () => {
    expect(failure('--storage.tsdb.retention.time', '0s')).toContain('wants more than 0')
    expect(failure('--query.max-concurrency', '0')).toContain('wants 1 or more')
    expect(failure('--web.external-url', 'nowhere')).toContain('wants a URL')
    expect(failure('--web.external-url', 'monitor.example.com:9090')).toContain('wants a URL')
    expect(failure('--web.route-prefix=/a?b')).toContain('wants a path such as /monitor')
    expect(failure('--storage.head.memory=100KB')).toBe('monitor: flag --storage.head.memory: wants 16MB or more, got "100KB"')
    expect(run('--storage.head.memory=16MB', '--web.external-url=').headBytes).toBe(16 << 20)
    expect(run('--threads', '0').threads).toBe(0)
    expect(failure('--storage.tsdb.retention.size=1KB')).toBe('monitor: flag --storage.tsdb.retention.size: wants 1MB or more, got "1KB"')
    expect([run('--storage.tsdb.retention.size=2GB').retentionBytes, run().retentionBytes]).toEqual([2 * 2 ** 30, 0])
  })

  it('takes every flag of Prometheus, with a warning where it means nothing', () => {
    const values = new Map([['log.level', 'info'], ['log.format', 'json'], ['web.listen-address', ':1'], ['query.max-samples', '5'], ['query.max-concurrency', '5'], ['web.external-url', 'http://x'], ['storage.tsdb.retention.size', '5GB'], ['alertmanager.notification-queue-capacity', '5'], ['alertmanager.notification-batch-size', '5']])
    for (const word of PROMETHEUS_FLAGS) {
      const name = word.replace('[no-]', '')
      if (word !== name) {
        expect(run(`--no-${name}`).warnings.length, name).toBeLessThan(2)
        run(`--${name}`)
      } else expect(run(`--${name}`, values.get(name) ?? '5m').warnings.length, name).toBeLessThan(2)
    }
    expect(run('--storage.tsdb.allow-overlapping-blocks', '--alertmanager.timeout=10s').warnings, 'of Prometheus 2').toEqual([
      '--storage.tsdb.allow-overlapping-blocks has no meaning here: what overlaps is merged when it is read, and when blocks are compacted',
      '--alertmanager.timeout has no meaning here: each of alerting.alertmanagers has a timeout',
    ])
    expect(run('--web.enable-remote-write-receiver').warnings).toEqual(['--web.enable-remote-write-receiver has no meaning here: the receiver is always on'])
    // Who asks for passwords must not get a server without.
    expect(run('--no-agent', '--storage.tsdb.max-block-duration=1d').warnings).toHaveLength(2)
  })

  it('adds features up and warns of those it does not have', () => {
    const { features, warnings } = run('--enable-feature=promql-experimental-functions', '--enable-feature', 'exemplar-storage,')
    expect(features).toEqual(['promql-experimental-functions', 'exemplar-storage'])
    expect(warnings).toEqual(['--enable-feature=exemplar-storage has no meaning here: exemplars are on by default; storage.exemplars.max_exemplars: 0 switches them off'])
  })

  it('refuses what is wrong with code 2 and the nearest right name', () => {
    expect(failure('--config.fil=x')).toBe('monitor: unknown flag --config.fil; did you mean --config.file?')
    expect(failure('--storage.tsdb.retention.tme=1d')).toBe('monitor: unknown flag --storage.tsdb.retention.tme; did you mean --storage.tsdb.retention.time?')
    expect(failure('--zzzzzzzzzzzzzzzzzzz')).toBe('monitor: unknown flag --zzzzzzzzzzzzzzzzzzz')
    expect([run('--web.shutdown-delay=0s').shutdownDelayMs, run('--web.shutdown-delay=10s').shutdownDelayMs]).toEqual([0, 10_000])
    expect(failure('--query.timeout=1.5m')).toBe('monitor: flag --query.timeout: unknown unit "." in duration "1.5m"')
    expect(failure('--query.max-samples=-1')).toBe('monitor: flag --query.max-samples: wants a whole number, got "-1"')
    expect(failure('--log.level=loud')).toBe('monitor: flag --log.level: wants one of debug, info, warn, error, got "loud"')
    expect(failure('--fault-point=log.nowhere')).toContain('wants NAME or NAME:N with a name of log.file-made, log.definitions-written')
    expect(failure('--fault-point=log.rows-written:0')).toContain('wants NAME')
    expect(failure('--config.strict=maybe')).toBe('monitor: flag --config.strict: wants true or false, got "maybe"')
    expect(failure('--no-config.file')).toMatch(/^monitor: unknown flag --no-config.file/)
    expect(failure('--config.file')).toBe('monitor: flag --config.file wants a value')
    expect(failure('--config.file', '--log.level=info')).toBe('monitor: flag --config.file wants a value')
    expect(failure('--config.file=a', '--config.file=b')).toBe('monitor: flag --config.file is given twice')
    expect(failure('start')).toBe('monitor: unexpected argument "start"; flags begin with --')
    expect(failure('--__proto__=x')).toMatch(/^monitor: unknown flag/)
  })

  it('prints help on one screen and the version, with code 0', () => {
    const help = parseFlags(['--help'], '1.2.3')
    expect(parseFlags(['-h'], '1.2.3')).toEqual(help)
    if (help.kind !== 'exit') throw new Error('expected help')
    expect([help.code, help.stderr]).toEqual([0, ''])
    expect(help.stdout).toContain('127.0.0.1:9090')
    expect(help.stdout.split('\n').length).toBeLessThan(44)
    expect(parseFlags(['--log.level=debug', '--version'], '1.2.3')).toEqual({ kind: 'exit', code: 0, stdout: 'monitor, version 1.2.3\n', stderr: '' })
  })
})

describe('monitor.yml', () => {
  const file = path.resolve(import.meta.dirname, '../../monitor.yml')
  const text = readFileSync(file, 'utf8')

  it('scrapes Monitor and evaluates rules every 10 s, as a start without it', () => {
    const { config, warnings } = loadConfig(text, file, { strict: true, env: {} })
    expect(warnings).toEqual([])
    expect(config.global.evaluationIntervalMs).toBe(10_000)
    expect(loadConfig(defaultConfigText('127.0.0.1:9090', '/metrics'), 'none', { strict: true, env: {} }).config.global.evaluationIntervalMs).toBe(10_000)
    expect(config.scrapeConfigs).toMatchObject([{ jobName: 'monitor', scrapeIntervalMs: 10_000, metricsPath: '/metrics' }])
  })

  it('has examples that work once their # is gone', () => {
    const [head, jobs] = text.split('\nscrape_configs:\n')
    const uncommented = jobs!.split('\n').map((line) => line.replace(/^ {2}# (?=- job_name| {2})/, '  ')).join('\n')
    const { config } = loadConfig(`${head}\nscrape_configs:\n${uncommented}`, file, { strict: true, env: {} })
    expect(config.scrapeConfigs.map((one) => one.jobName)).toEqual(['monitor', 'node', 'fleet', 'shop', 'probe'])
  })
})
