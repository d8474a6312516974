// Every flag Monitor knows: name, kind, default, help. One table for parsing, --help and /api/v1/status/flags.

export type FlagKind = 'text' | 'url' | 'bool' | 'duration' | 'size' | 'count' | 'choice' | 'fault-point'

export interface FlagSpec {
  name: string
  kind: FlagKind
  /** As Prometheus prints it; '' for none. */
  fallback: string
  help: string
  choices?: readonly string[]
  /** Given again it adds up, separated by commas. */
  isRepeatable?: boolean
  /** Least count or size, which 0 may go below where it stands for something, 1 where not given; 0 for a duration that may be none. */
  min?: number
}

export const FLAGS: readonly FlagSpec[] = [
  { name: 'config.file', kind: 'text', fallback: '', help: 'Configuration (monitor.yml or a prometheus.yml). Without it Monitor scrapes itself.' },
  { name: 'config.strict', kind: 'bool', fallback: 'true', help: 'Refuse keys that are not built yet; =false warns and ignores them.' },
  { name: 'storage.tsdb.path', kind: 'text', fallback: 'data', help: 'Data folder.' },
  { name: 'storage.tsdb.retention.time', kind: 'duration', fallback: '7d', help: 'How long samples are kept.' },
  { name: 'storage.tsdb.retention.size', kind: 'size', fallback: '0B', help: 'The oldest blocks go while the data folder is larger; 0 sets no limit.', min: 1 << 20 },
  { name: 'storage.reserve.size', kind: 'size', fallback: '', help: 'No samples are taken while less of the disk is free; 0 sets no reserve. Default: 5 % of it, at most 500MB.', min: 0 },
  { name: 'storage.head.memory', kind: 'size', fallback: '0B', help: 'Address space of the head; 0 takes 60 % of memory, at most 4GB.', min: 16 << 20 },
  { name: 'web.listen-address', kind: 'text', fallback: '127.0.0.1:9090', help: 'Address to serve on; :9090 is all interfaces. May be given again for more.', isRepeatable: true },
  { name: 'web.config.file', kind: 'text', fallback: '', help: 'TLS and passwords of the web server, in Prometheus\' format.' },
  { name: 'web.enable-lifecycle', kind: 'bool', fallback: 'false', help: 'Allow POST /-/reload and /-/quit.' },
  { name: 'web.enable-admin-api', kind: 'bool', fallback: 'false', help: 'Allow deleting series and making snapshots under /api/v1/admin.' },
  { name: 'web.external-url', kind: 'url', fallback: '', help: 'URL under which people reach Monitor, which messages and pages link to.' },
  { name: 'web.route-prefix', kind: 'text', fallback: '', help: 'What paths begin with as they come here. Default: the path of --web.external-url; / where a proxy takes it away.' },
  { name: 'web.shutdown-delay', kind: 'duration', fallback: '0s', help: 'From SIGTERM on say by /-/ready that the end comes, and serve on for so long: for load balancers.', min: 0 },
  { name: 'query.timeout', kind: 'duration', fallback: '2m', help: 'Longest a query may take.' },
  { name: 'query.max-concurrency', kind: 'count', fallback: '20', help: 'Queries running or waiting at once.' },
  { name: 'query.max-samples', kind: 'count', fallback: '50000000', help: 'Samples a query may hold.' },
  { name: 'query.max-memory', kind: 'size', fallback: '0B', help: 'Memory a query may hold in arrays and its answer; 0 shares a quarter of memory among those that run at once, 256MB to 4GB each.', min: 16 << 20 },
  { name: 'query.lookback-delta', kind: 'duration', fallback: '5m', help: 'How far back an instant selector looks.' },
  { name: 'rules.alert.for-outage-tolerance', kind: 'duration', fallback: '1h', help: 'After a longer outage `for` of alerts begins anew.' },
  { name: 'rules.alert.for-grace-period', kind: 'duration', fallback: '10m', help: 'Alerts whose `for` is shorter begin anew after a restart; others wait at least so long.' },
  { name: 'rules.alert.resend-delay', kind: 'duration', fallback: '1m', help: 'How often Alertmanagers are told of alerts that go on.' },
  { name: 'alertmanager.notification-queue-capacity', kind: 'count', fallback: '10000', help: 'Alerts that may wait for an Alertmanager.' },
  { name: 'alertmanager.notification-batch-size', kind: 'count', fallback: '256', help: 'Alerts sent in one request.' },
  { name: 'alertmanager.drain-notification-queue-on-shutdown', kind: 'bool', fallback: 'true', help: 'Send what waits before the end, within 3s.' },
  { name: 'enable-feature', kind: 'text', fallback: '', help: 'Comma-separated features: see docs/configuration.md.', isRepeatable: true },
  { name: 'threads', kind: 'count', fallback: '', help: 'Query workers, 59 at most; 0 evaluates in the main thread. Default: one a core, two at least.', min: 0 },
  { name: 'kernels', kind: 'choice', fallback: 'auto', help: 'Hot loops in WebAssembly (wasm), in TypeScript (ts), or as the first can be had (auto).', choices: ['auto', 'ts', 'wasm'] },
  { name: 'fault-point', kind: 'fault-point', fallback: '', help: 'For tests: die as by kill -9 where the code passes NAME, or passes it for the Nth time (NAME:N).' },
  { name: 'log.level', kind: 'choice', fallback: 'info', help: 'debug, info, warn or error.', choices: ['debug', 'info', 'warn', 'error'] },
  { name: 'log.format', kind: 'choice', fallback: 'logfmt', help: 'logfmt or json.', choices: ['logfmt', 'json'] },
]

/** Prometheus' flags that mean nothing here, and why; accepted with a warning so that a command line can move over. */
export const FOREIGN_FLAGS: ReadonlyMap<string, string> = new Map([
  ['web.enable-remote-write-receiver', 'the receiver is always on'],
  ['web.remote-write-receiver.accepted-protobuf-messages', 'remote write 1.0 and 2.0 are accepted'],
  ['storage.tsdb.no-lockfile', 'the folder is always locked'],
  ['storage.tsdb.wal-compression', 'the log has a format of its own'],
  ['storage.tsdb.wal-compression-type', 'the log has a format of its own'],
  ['storage.tsdb.head-chunks-write-queue-size', 'there is no such queue'],
  ['storage.tsdb.allow-overlapping-compaction', 'what overlaps is merged when it is read, and when blocks are compacted'],
  // Of Prometheus 2.
  ['storage.tsdb.allow-overlapping-blocks', 'what overlaps is merged when it is read, and when blocks are compacted'],
  ['alertmanager.timeout', 'each of alerting.alertmanagers has a timeout'],
  ['storage.tsdb.block-reload-interval', 'what changes in blocks is seen at once'],
  ['storage.tsdb.delay-compact-file.path', 'there is no such file'],
  ['storage.tsdb.min-block-duration', 'blocks are cut every 2 h'],
  ['storage.tsdb.max-block-duration', 'blocks grow to a tenth of the retention'],
  ['storage.tsdb.wal-segment-size', 'log files have a fixed size'],
  ['storage.tsdb.samples-per-chunk', 'chunks have a format of their own'],
  ['storage.tsdb.max-block-chunk-segment-size', 'blocks have a format of their own'],
  ['storage.tsdb.delayed-compaction.max-percent', 'compaction has a thread of its own, at low priority'],
  ['scrape.adjust-timestamps', 'timestamps are always aligned'],
  ['scrape.timestamp-tolerance', 'it is 2 ms, at most 1 % of the interval'],
  ['scrape.discovery-reload-interval', 'it is 5 s'],
  ['config.auto-reload', 'send SIGHUP or POST /-/reload'],
  ['config.auto-reload-interval', 'send SIGHUP or POST /-/reload'],
  ['auto-gomaxprocs', 'this is no Go program'],
  ['auto-gomemlimit', 'this is no Go program'],
  ['auto-gomemlimit.ratio', 'this is no Go program'],
  ['web.enable-otlp-receiver', 'OTLP is not built yet'],
  ['web.search.max-limit', 'the search API is not built yet'],
  ['web.read-timeout', 'requests end after a minute'],
  ['web.max-connections', 'the bound is 1024'],
  ['web.max-notifications-subscribers', '16 may listen'],
  ['web.local-assets', 'the pages are built in'],
  ['web.user-assets', 'the pages are built in'],
  ['web.console.templates', 'there are no console templates'],
  ['web.console.libraries', 'there are no console templates'],
  ['web.page-title', 'the title is fixed'],
  ['web.cors.origin', 'other origins are never allowed'],
  ['storage.agent.path', 'agent mode is not built yet'],
  ['storage.agent.wal-compression', 'agent mode is not built yet'],
  ['storage.agent.wal-compression-type', 'agent mode is not built yet'],
  ['storage.agent.wal-segment-size', 'agent mode is not built yet'],
  ['storage.agent.wal-truncate-frequency', 'agent mode is not built yet'],
  ['storage.agent.retention.min-time', 'agent mode is not built yet'],
  ['storage.agent.retention.max-time', 'agent mode is not built yet'],
  ['storage.agent.checkpoint-batch-size', 'agent mode is not built yet'],
  ['storage.agent.checkpoint-from-in-memory-series', 'agent mode is not built yet'],
  ['storage.agent.no-lockfile', 'agent mode is not built yet'],
  ['storage.remote.flush-deadline', 'sending remote write is not built yet'],
  ['storage.remote.read-sample-limit', 'remote read is not built yet'],
  ['storage.remote.read-concurrent-limit', 'remote read is not built yet'],
  ['storage.remote.read-max-bytes-in-frame', 'remote read is not built yet'],
  ['rules.max-concurrent-evals', 'rules of a group run one after the other'],
  ['agent', 'agent mode is not built yet'],
])

/** Flags of both tables that may stand without a value. */
export const FOREIGN_SWITCHES: ReadonlySet<string> = new Set([
  'web.enable-remote-write-receiver', 'storage.tsdb.no-lockfile', 'storage.tsdb.wal-compression', 'scrape.adjust-timestamps', 'auto-gomaxprocs', 'auto-gomemlimit',
  'storage.agent.wal-compression', 'storage.agent.no-lockfile', 'storage.agent.checkpoint-from-in-memory-series',
  'config.auto-reload', 'storage.tsdb.allow-overlapping-compaction', 'storage.tsdb.allow-overlapping-blocks', 'web.enable-otlp-receiver',
  'agent',
])
