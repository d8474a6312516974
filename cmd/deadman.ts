// The dead man's switch: `monitor deadman`, a process of its own that pages when Monitor has been silent. It hears the alert
// Watchdog, which always fires, through the whole pipe (rule, route, receiver), and stands on nothing of Monitor's: Node's own
// modules and the mail library. Whatever stops Monitor must not stop this.
//
//   Monitor ──Watchdog, each minute──▶ POST / ──▶ last heard ──3 min of silence──▶ mail, webhook (again each half hour)
//                                             └──▶ GET heartbeat URL, so that an outside service notices when this stops, too
import { readFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import nodemailer from 'nodemailer'

const HELP = `usage: monitor deadman [flags]

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
const TICK_MS = 5000 // Between looks, and what Monitor has to answer.
const SEND_MS = 20_000
const HEARTBEAT_MS = 45_000 // Watchdogs come a minute apart, a little early or late.
const BODY_BYTES_MAX = 1 << 20
const STOPPED_S = 60

interface DeadmanOptions {
  listen: { host: string; port: number }
  monitorUrl: string
  silenceMs: number
  repeatMs: number
  mail: { url: string; from: string; to: string } | null
  webhookUrl: string // '' for none
  heartbeatUrl: string
  clock: { monotonic(): number; now(): number } // ms that never jump, and Unix ms
  log: (line: string) => void
}

export class Deadman {
  readonly #options: DeadmanOptions
  readonly #server: http.Server
  #heardMs: number
  #pagedMs: number | null = null // null: nobody was paged of this silence.
  #beatMs = -Infinity

  constructor(options: DeadmanOptions) {
    this.#options = options
    this.#heardMs = options.clock.monotonic() // A Monitor that never comes is silent from now on.
    this.#server = http.createServer((request, response) => this.#take(request, response))
  }

  /** The port it listens on. */
  async start(): Promise<number> {
    await new Promise<void>((resolve, reject) => this.#server.once('error', reject).listen(this.#options.listen, resolve))
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #take(request: http.IncomingMessage, response: http.ServerResponse): void {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => void ((size += chunk.length) <= BODY_BYTES_MAX && chunks.push(chunk))).on('error', () => undefined)
    request.on('end', () => {
      const nowMs = this.#options.clock.monotonic()
      const status = request.method === 'GET' ? '' : watchdogStatus(Buffer.concat(chunks).toString())
      if (request.method === 'GET') response.end(`${JSON.stringify({ silent_seconds: Math.round((nowMs - this.#heardMs) / 1000), paged: this.#pagedMs !== null })}\n`)
      else if (status === 'firing') void this.#hear(nowMs).then((why) => response.end(why))
      else response.writeHead(status === 'resolved' ? 200 : 400).end('want an alert Watchdog that fires, as Alertmanager\'s webhooks have it\n')
    })
  }

  /** What is answered. One that is repeated for minutes after the rules have stopped is none; clocks that differ make all parts look so. */
  async #hear(nowMs: number): Promise<string> {
    const [stopped, , parts] = await this.#whatStopped()
    if (stopped.includes('rules') && stopped.length < parts) return 'not heard: nobody evaluates its rule any more\n'
    this.#heardMs = Math.max(this.#heardMs, nowMs)
    void this.#beat()
    return 'ok\n'
  }

  /** Pages if it is time to: once every few seconds, one after the other; what cannot be told is tried again with the next. Never rejects. */
  async look(): Promise<void> {
    const { clock, silenceMs, repeatMs } = this.#options
    const nowMs = clock.monotonic()
    const silentMs = nowMs - this.#heardMs
    if (silentMs < silenceMs) {
      if (this.#pagedMs !== null && await this.#tell('resolved', 'Monitor is heard again', silentMs, [])) this.#pagedMs = null
      return
    }
    if (this.#pagedMs !== null && nowMs - this.#pagedMs < repeatMs) return
    const [stopped, why] = await this.#whatStopped()
    if (await this.#tell('firing', `Monitor has been silent for ${Math.round(silentMs / 1000)} s: ${why}`, silentMs, stopped)) this.#pagedMs = nowMs
  }

  /** The parts whose heartbeat is older than a minute, what that means in words, and how many parts there are. */
  async #whatStopped(): Promise<[string[], string, number]> {
    const { monitorUrl, clock } = this.#options
    const shown = monitorUrl.replace(/\/\/.*@/, '//')
    try {
      const answer = await ask(`${monitorUrl}/metrics`, TICK_MS)
      const beats = [...(await answer.text()).matchAll(/^monitor_heartbeat_timestamp_seconds\{component="([a-z]+)"\} (\S+)$/gm)]
      const stopped = beats.filter(([, , at]) => clock.now() / 1000 - Number(at) > STOPPED_S).map(([, component]) => component!)
      if (beats.length === 0) return [[], `${shown} answers and shows no heartbeats`, 0]
      if (stopped.length === 0) return [[], `${shown} answers and all of its parts work; look at the rule Watchdog, its route and its receiver`, beats.length]
      return [stopped, `stopped: ${stopped.join(', ')}`, beats.length]
    } catch (error) {
      return [[], `${shown} does not answer as it should (${words(error)})`, 0]
    }
  }

  /** Whether someone was reached. */
  async #tell(status: 'firing' | 'resolved', text: string, silentMs: number, stopped: readonly string[]): Promise<boolean> {
    const { mail, webhookUrl, log } = this.#options
    log(text)
    const ways: [string, Promise<unknown>][] = []
    if (mail !== null) ways.push(['mail', sendMail(mail, `[${status.toUpperCase()}] Monitor's dead man's switch`, text)])
    if (webhookUrl !== '') ways.push(['webhook', ask(webhookUrl, SEND_MS, { status, text, silent_seconds: Math.round(silentMs / 1000), stopped })])
    const outcomes = await Promise.allSettled(ways.map(([, way]) => way))
    outcomes.forEach((outcome, i) => outcome.status === 'rejected' && log(`cannot page by ${ways[i]![0]}: ${words(outcome.reason)}`))
    return outcomes.some(({ status: settled }) => settled === 'fulfilled')
  }

  async #beat(): Promise<void> {
    const { heartbeatUrl, clock, log } = this.#options
    if (heartbeatUrl === '' || clock.monotonic() - this.#beatMs < HEARTBEAT_MS) return
    this.#beatMs = clock.monotonic()
    await ask(heartbeatUrl, SEND_MS).catch((error: unknown) => log(`the heartbeat URL does not answer as it should (${words(error)})`))
  }
}

async function sendMail({ url, from, to }: NonNullable<DeadmanOptions['mail']>, subject: string, text: string): Promise<void> {
  await nodemailer.createTransport({ url, connectionTimeout: SEND_MS, greetingTimeout: SEND_MS, socketTimeout: SEND_MS }).sendMail({ from, to, subject, text: `${text}\n` })
}

/** POST of a body, else GET; with the name and password of a URL, which fetch refuses to send and names in its refusal. */
async function ask(url: string, timeoutMs: number, body?: object): Promise<Response> {
  const { origin, pathname, search, username, password } = new URL(url)
  const auth = username === '' ? {} : { authorization: `Basic ${Buffer.from(decodeURIComponent(`${username}:${password}`)).toString('base64')}` }
  const headers = { ...auth, 'content-type': 'application/json' }
  const answer = await fetch(origin + pathname + search, { headers, signal: AbortSignal.timeout(timeoutMs), ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }) })
  if (!answer.ok) throw new Error(`status ${answer.status}`)
  return answer
}

function watchdogStatus(body: string): string {
  try {
    const { alerts } = JSON.parse(body) as { alerts?: { status?: string; labels?: { alertname?: string } }[] }
    const found = Array.isArray(alerts) ? alerts.filter((alert) => alert?.labels?.alertname === 'Watchdog') : []
    return (found.find(({ status }) => status === 'firing') ?? found[0])?.status ?? ''
  } catch {
    return '' // There is none, as this is no JSON.
  }
}

function words(error: unknown): string {
  return !(error instanceof Error) ? String(error) : error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

/** What the flags ask for; null where that is help, which is printed. Throws where they lack something. */
function readFlags(argv: readonly string[]): DeadmanOptions | null {
  const text = (fallback: string): { type: 'string'; default: string } => ({ type: 'string', default: fallback })
  const { values } = parseArgs({ args: [...argv], options: {
    listen: text('127.0.0.1:9099'), monitor: text('http://127.0.0.1:9090'), silence: text('180'), repeat: text('1800'), to: text(''), from: text(''), 'smtp-url': text(''),
    'smtp-url-file': text(''), 'monitor-url-file': text(''), 'webhook-url': text(''), 'heartbeat-url': text(''), help: { type: 'boolean', short: 'h', default: false },
  } })
  if (values.help) process.stdout.write(HELP)
  if (values.help) return null
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(values.listen) ?? []
  const either = (url: string, file: string): string => (file === '' ? url : readFileSync(file, 'utf8').trim())
  const url = either(values['smtp-url'], values['smtp-url-file'])
  const monitorUrl = either(values.monitor, values['monitor-url-file']).replace(/\/$/, '')
  if (!/^https?:/.test(monitorUrl) || !URL.canParse(monitorUrl)) throw new Error('--monitor: want a URL such as http://127.0.0.1:9090')
  if (port === '') throw new Error(`--listen: want host:port, got ${JSON.stringify(values.listen)}`)
  for (const name of ['silence', 'repeat'] as const) if (!(Number(values[name]) > 0)) throw new Error(`--${name}: want seconds, got ${JSON.stringify(values[name])}`)
  if (url !== '' && (values.from === '' || values.to === '')) throw new Error('mail wants --from and --to')
  if (url === '' && values['webhook-url'] === '') throw new Error('it has no one to page: set --smtp-url, --from and --to, or --webhook-url')
  return {
    listen: { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }, monitorUrl, silenceMs: Number(values.silence) * 1000,
    repeatMs: Number(values.repeat) * 1000, mail: url === '' ? null : { url, from: values.from, to: values.to }, webhookUrl: values['webhook-url'], heartbeatUrl: values['heartbeat-url'],
    clock: { monotonic: () => performance.now(), now: () => Date.now() }, log: (line) => process.stderr.write(`${new Date().toISOString()} ${line}\n`),
  }
}

/** `monitor deadman`: runs until a signal; the exit code. */
export async function runDeadman(argv: readonly string[]): Promise<number> {
  try {
    const options = readFlags(argv)
    if (options === null) return 0
    const deadman = new Deadman(options)
    options.log(`listening on port ${await deadman.start()}`)
    const stop = new AbortController()
    for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stop.abort())
    while (await sleep(TICK_MS, true, { signal: stop.signal }).catch(() => false)) await deadman.look()
    await deadman.stop()
    return 0
  } catch (error) {
    process.stderr.write(`monitor deadman: ${words(error)}\nSee monitor deadman --help.\n`)
    return 2
  }
}
