// The command line: Prometheus' flag names, `--name=value`, `--name value`, `--switch`, `--no-switch`.
import { hostname } from 'node:os'
import { isUrl } from '../lib/config/http-client.ts'
import type { KernelMode } from '../lib/kernels/module.ts'
import { DurationError, parseDuration } from '../lib/model/duration.ts'
import { SizeError, formatSize, parseSize } from '../lib/model/size.ts'
import { nearestWord } from '../lib/std/nearest-word.ts'
import { FAULT_POINTS, isFaultPoint } from '../lib/std/fault-point.ts'
import type { LogFormat, LogLevel } from '../lib/std/log.ts'
import { featureWarnings } from './features.ts'
import { FLAGS, FOREIGN_FLAGS, FOREIGN_SWITCHES, type FlagSpec } from './flag-table.ts'

export interface Flags {
  configFile: string
  isStrict: boolean
  dataFolder: string
  retentionMs: number
  /** 0: no limit. */
  retentionBytes: number
  /** null: a share of the file system. */
  reserveBytes: number | null
  /** 0: choose by the machine's memory. */
  headBytes: number
  /** The first of the addresses to serve on: where Monitor finds itself. */
  listenHost: string
  listenPort: number
  /** The others. */
  listensToo: readonly ListenAddress[]
  /** TLS and passwords; '' for neither. */
  webConfigFile: string
  scheme: 'http' | 'https'
  isLifecycleEnabled: boolean
  isAdminEnabled: boolean
  /** Where people reach Monitor, without a slash at its end. */
  externalUrl: string
  /** Without a slash at its end. */
  routePrefix: string
  shutdownDelayMs: number
  queryTimeoutMs: number
  queriesMax: number
  querySamplesMax: number
  /** 0: choose by the machine's memory. */
  queryBytesMax: number
  lookbackMs: number
  restoreLimits: { outageToleranceMs: number; graceMs: number }
  resendMs: number
  notifyLimits: { capacity: number; batch: number }
  isNotifyDrained: boolean
  features: readonly string[]
  /** null: one a core, two at least. */
  threads: number | null
  kernels: KernelMode
  faultPoint: string
  logLevel: LogLevel
  logFormat: LogFormat
  /** Every flag and its value, as text, for /api/v1/status/flags. */
  all: ReadonlyMap<string, string>
  /** What was accepted and means nothing here. */
  warnings: readonly string[]
}

export interface ListenAddress {
  host: string
  port: number
}

export type ParsedFlags =
  | { kind: 'run'; flags: Flags }
  | { kind: 'exit'; code: 0 | 2; stdout: string; stderr: string }

class FlagError extends Error {
  readonly code = 'BAD_FLAG'
}

const byName = new Map(FLAGS.map((spec) => [spec.name, spec]))

/** Reads argv without the program's name. Never throws: what is wrong becomes an exit with code 2. */
export function parseFlags(argv: readonly string[], version: string): ParsedFlags {
  if (argv.includes('--help') || argv.includes('-h')) return { kind: 'exit', code: 0, stdout: helpText(), stderr: '' }
  if (argv.includes('--version')) return { kind: 'exit', code: 0, stdout: `monitor, version ${version}\n`, stderr: '' }
  try {
    return { kind: 'run', flags: readFlags(argv) }
  } catch (error) {
    if (!(error instanceof FlagError)) throw error
    return { kind: 'exit', code: 2, stdout: '', stderr: `monitor: ${error.message}\nSee monitor --help.\n` }
  }
}

function readFlags(argv: readonly string[]): Flags {
  const values = new Map(FLAGS.map((spec) => [spec.name, spec.fallback]))
  const warnings: string[] = []
  const seen = new Set<string>()
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!
    if (!word.startsWith('--')) throw new FlagError(`unexpected argument ${JSON.stringify(word)}; flags begin with --`)
    const equals = word.indexOf('=')
    const given = equals < 0 ? word.slice(2) : word.slice(2, equals)
    const name = canonicalName(given)
    const isSwitch = byName.get(name)?.kind === 'bool' || FOREIGN_SWITCHES.has(name)
    let value = equals < 0 ? undefined : word.slice(equals + 1)
    if (value === undefined) {
      if (isSwitch) value = given === name ? 'true' : 'false'
      else if (i + 1 < argv.length && !argv[i + 1]!.startsWith('--')) value = argv[++i]!
      else throw new FlagError(`flag --${name} wants a value`)
    }
    const reason = FOREIGN_FLAGS.get(name)
    if (reason !== undefined) {
      warnings.push(`--${name} has no meaning here: ${reason}`)
      continue
    }
    const spec = byName.get(name)!
    if (seen.has(name) && spec.isRepeatable !== true) throw new FlagError(`flag --${name} is given twice`)
    values.set(name, checked(spec, seen.has(name) ? `${values.get(name)},${value}` : value))
    seen.add(name)
  }
  return toFlags(values, warnings)
}

function canonicalName(given: string): string {
  if (byName.has(given) || FOREIGN_FLAGS.has(given)) return given
  if (given.startsWith('no-')) {
    const name = given.slice(3)
    if (byName.get(name)?.kind === 'bool' || FOREIGN_SWITCHES.has(name)) return name
  }
  const nearest = nearestWord(given, [...byName.keys(), ...FOREIGN_FLAGS.keys(), 'help', 'version'])
  throw new FlagError(`unknown flag --${given}${nearest === null ? '' : `; did you mean --${nearest}?`}`)
}

function checked(spec: FlagSpec, value: string): string {
  const wrong = (want: string): FlagError => new FlagError(`flag --${spec.name}: ${want}, got ${JSON.stringify(value)}`)
  switch (spec.kind) {
    case 'bool':
      if (value !== 'true' && value !== 'false') throw wrong('wants true or false')
      return value
    case 'count':
      if (!/^\d{1,15}$/.test(value)) throw wrong('wants a whole number')
      if (Number(value) < (spec.min ?? 1)) throw wrong(`wants ${spec.min ?? 1} or more`)
      return value
    case 'choice':
      if (!spec.choices!.includes(value)) throw wrong(`wants one of ${spec.choices!.join(', ')}`)
      return value
    case 'duration':
    case 'size':
      try {
        if (spec.kind === 'duration') {
          if (parseDuration(value) <= 0 && spec.min !== 0) throw wrong('wants more than 0')
        } else if (parseSize(value) > 0 && parseSize(value) < spec.min!) throw wrong(`wants ${formatSize(spec.min!)} or more`)
      } catch (error) {
        if (!(error instanceof DurationError) && !(error instanceof SizeError)) throw error
        throw new FlagError(`flag --${spec.name}: ${error.message}`)
      }
      return value
    case 'url':
      if (value !== '' && !isUrl(value)) throw wrong('wants a URL such as http://monitor.example.com:9090')
      return value
    case 'fault-point':
      if (!isFaultPoint(value)) throw wrong(`wants NAME or NAME:N with a name of ${FAULT_POINTS.join(', ')}`)
      return value
    case 'text':
      return value
  }
}

function toFlags(values: ReadonlyMap<string, string>, warnings: string[]): Flags {
  const text = (name: string): string => values.get(name)!
  const [{ host, port }, ...listensToo] = listenAddresses(text('web.listen-address'))
  const features = text('enable-feature').split(',').map((name) => name.trim()).filter((name) => name !== '')
  warnings.push(...featureWarnings(features, '--enable-feature='))
  const threads = text('threads')
  const prefix = routePrefix(text('web.route-prefix'), text('web.external-url'))
  return {
    configFile: text('config.file'),
    isStrict: text('config.strict') === 'true',
    dataFolder: text('storage.tsdb.path'),
    retentionMs: parseDuration(text('storage.tsdb.retention.time')),
    retentionBytes: parseSize(text('storage.tsdb.retention.size')),
    reserveBytes: text('storage.reserve.size') === '' ? null : parseSize(text('storage.reserve.size')),
    headBytes: parseSize(text('storage.head.memory')),
    listenHost: host,
    listenPort: port,
    listensToo,
    webConfigFile: text('web.config.file'),
    scheme: 'http',
    isLifecycleEnabled: text('web.enable-lifecycle') === 'true',
    isAdminEnabled: text('web.enable-admin-api') === 'true',
    externalUrl: text('web.external-url').replace(/\/$/, '') || ownUrl('http', host, port, prefix),
    routePrefix: prefix,
    shutdownDelayMs: parseDuration(text('web.shutdown-delay')),
    queryTimeoutMs: parseDuration(text('query.timeout')),
    queriesMax: Number(text('query.max-concurrency')),
    querySamplesMax: Number(text('query.max-samples')),
    queryBytesMax: parseSize(text('query.max-memory')),
    lookbackMs: parseDuration(text('query.lookback-delta')),
    restoreLimits: { outageToleranceMs: parseDuration(text('rules.alert.for-outage-tolerance')), graceMs: parseDuration(text('rules.alert.for-grace-period')) },
    resendMs: parseDuration(text('rules.alert.resend-delay')),
    notifyLimits: { capacity: Number(text('alertmanager.notification-queue-capacity')), batch: Number(text('alertmanager.notification-batch-size')) },
    isNotifyDrained: text('alertmanager.drain-notification-queue-on-shutdown') === 'true',
    features,
    kernels: text('kernels') as KernelMode,
    faultPoint: text('fault-point'),
    threads: threads === '' ? null : Number(threads),
    logLevel: text('log.level') as LogLevel,
    logFormat: text('log.format') as LogFormat,
    all: values,
    warnings,
  }
}

/** IPv6's, which takes IPv4 too. */
export const ANY_HOST = '::'

function listenAddresses(text: string): [ListenAddress, ...ListenAddress[]] {
  const [first, ...others] = text.split(',')
  const twice = others.find((address, i) => address === first || others.indexOf(address) < i)
  if (twice !== undefined && !twice.endsWith(':0')) throw new FlagError(`flag --web.listen-address: ${twice} is given twice`)
  return [parseListenAddress(first!), ...others.map(parseListenAddress)]
}

/** `host:port`, `:port` (all interfaces), `[::1]:port`. */
function parseListenAddress(address: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(address)
  const port = Number(match?.[3])
  if (!match || port > 65535) {
    const want = 'host:port, such as 127.0.0.1:9090 or :9090'
    throw new FlagError(`flag --web.listen-address: wants ${want}, got ${JSON.stringify(address)}`)
  }
  return { host: match[1] ?? (match[2] === '' ? ANY_HOST : match[2]!), port }
}

/** The flags of a server that listens on `port`, which it was given as 0: any free one; by `scheme`. */
export function servedOn(flags: Flags, port: number, scheme: Flags['scheme'] = flags.scheme): Flags {
  const isSaid = flags.all.get('web.external-url') !== ''
  return { ...flags, listenPort: port, scheme, externalUrl: isSaid ? flags.externalUrl : ownUrl(scheme, flags.listenHost, port, flags.routePrefix) }
}

/** As Prometheus takes it: slashes around it are not said. */
function routePrefix(given: string, externalUrl: string): string {
  const path = given !== '' ? given : externalUrl === '' ? '' : new URL(externalUrl).pathname
  const trimmed = path.replace(/^\/+|\/+$/g, '')
  if (!/^[\w.~/%-]*$/.test(trimmed)) throw new FlagError(`flag --web.route-prefix: wants a path such as /monitor, got ${JSON.stringify(path)}`)
  return trimmed === '' ? '' : `/${trimmed}`
}

/** Under its name nobody would reach a server that listens on loopback alone. */
function ownUrl(scheme: Flags['scheme'], listenHost: string, port: number, prefix: string): string {
  const isLoopback = listenHost === 'localhost' || listenHost === '::1' || listenHost.startsWith('127.')
  const host = isLoopback ? listenHost : hostname()
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${prefix}`
}

function helpText(): string {
  const rows = FLAGS.map((spec) => {
    const example = spec.fallback || spec.kind.toUpperCase()
    const left = spec.kind === 'bool' ? `--[no-]${spec.name}` : `--${spec.name}=${example}`
    return `  ${left.padEnd(40)} ${spec.help}`
  })
  return `Usage: monitor [flags]
       monitor COMMAND --help: query (a server), check (configurations, rules), test rules, deadman, tsdb, promql

Monitor scrapes servers, stores what they say, answers PromQL and draws it, evaluates rules and tells people of alerts.

${rows.join('\n')}
  ${'--version'.padEnd(40)} Print the version.
  ${'-h, --help'.padEnd(40)} Print this.

Exit codes: 0 ended by a signal, 1 cannot run (configuration, data folder, port), 2 wrong flags.
`
}
