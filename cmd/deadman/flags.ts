// Flags of `monitor deadman`, and what it runs with.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

export const HELP = `usage: monitor deadman [flags]

Pages when Monitor's alert Watchdog has not come for a while. Route the alert to it once a minute (docs/receivers.md).
  --listen=127.0.0.1:9099           where the Watchdog is posted to
  --monitor=http://127.0.0.1:9090   Monitor, to be asked which part of it stopped; or --monitor-url-file=FILE, for http://NAME:PASSWORD@HOST
  --silence=180                     seconds without a Watchdog before it pages
  --repeat=1800                     seconds between pages while it stays silent
  --to=ADDRESS --from=ADDRESS       whom to mail, and as whom
  --smtp-url=smtp://host:587        mail server; smtps:// for TLS from the first byte; or --smtp-url-file=FILE, for one with a password
  --webhook-url=URL                 is posted {"status","text","silent_seconds","stopped"}; with or in place of mail
  --heartbeat-url=URL               is asked for (GET) whenever a Watchdog comes, at most each 45 s
`

export interface Mail {
  url: string
  from: string
  to: string
}

export interface DeadmanOptions {
  listen: { host: string; port: number }
  monitorUrl: string
  silenceMs: number
  repeatMs: number
  mail: Mail | null
  /** '' for none, as of the heartbeat's. */
  webhookUrl: string
  heartbeatUrl: string
  /** ms that never jump, and Unix ms. */
  clock: { monotonic(): number; now(): number }
  log: (line: string) => void
}

/** What the flags ask for. Throws where they lack something. */
export function readFlags(argv: readonly string[]): DeadmanOptions | 'help' {
  const values = parse(argv)
  if (values.help) return 'help'
  for (const name of ['silence', 'repeat'] as const) if (!(Number(values[name]) > 0)) throw new Error(`--${name}: want seconds, got ${JSON.stringify(values[name])}`)
  const mail = mailOf(values['smtp-url'], values['smtp-url-file'], values)
  if (mail === null && values['webhook-url'] === '') throw new Error('it has no one to page: set --smtp-url, --from and --to, or --webhook-url')
  return {
    listen: listenAddress(values.listen),
    monitorUrl: monitorUrl(values.monitor, values['monitor-url-file']),
    silenceMs: Number(values.silence) * 1000,
    repeatMs: Number(values.repeat) * 1000,
    mail,
    webhookUrl: values['webhook-url'],
    heartbeatUrl: values['heartbeat-url'],
    clock: { monotonic: () => performance.now(), now: () => Date.now() },
    log: (line) => process.stderr.write(`${new Date().toISOString()} ${line}\n`),
  }
}

function text(fallback = ''): { type: 'string'; default: string } {
  return { type: 'string', default: fallback }
}

const FLAGS = {
  listen: text('127.0.0.1:9099'),
  monitor: text('http://127.0.0.1:9090'),
  'monitor-url-file': text(),
  silence: text('180'),
  repeat: text('1800'),
  to: text(),
  from: text(),
  'smtp-url': text(),
  'smtp-url-file': text(),
  'webhook-url': text(),
  'heartbeat-url': text(),
  help: { type: 'boolean', short: 'h', default: false },
} as const

type Values = Record<Exclude<keyof typeof FLAGS, 'help'>, string> & { help: boolean }

function parse(argv: readonly string[]): Values {
  return parseArgs({ args: [...argv], options: FLAGS }).values
}

function listenAddress(address: string): DeadmanOptions['listen'] {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? []
  if (port === '') throw new Error(`--listen: want host:port, got ${JSON.stringify(address)}`)
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

function monitorUrl(url: string, file: string): string {
  const given = either(url, file).replace(/\/$/, '')
  if (!/^https?:/.test(given) || !URL.canParse(given)) throw new Error('--monitor: want a URL such as http://127.0.0.1:9090')
  return given
}

function mailOf(url: string, file: string, { from, to }: Values): Mail | null {
  const given = either(url, file)
  if (given === '') return null
  if (from === '' || to === '') throw new Error('mail wants --from and --to')
  return { url: given, from, to }
}

/** A file keeps a password off the command line. */
function either(url: string, file: string): string {
  return file === '' ? url : readFileSync(file, 'utf8').trim()
}
