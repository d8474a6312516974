// The dead man's switch: `monitor deadman`, a process of its own that pages when Monitor has been silent. It hears the alert
// Watchdog, which always fires, through the whole pipe (rule, route, receiver), and stands on nothing of Monitor's but the
// clock: Node's own modules and the mail library. Whatever stops Monitor must not stop this.
//
//   Monitor ──Watchdog, each minute──▶ POST / ──▶ last heard ──3 min of silence──▶ mail, webhook (again each half hour)
//                                             └──▶ GET heartbeat URL, so that an outside service notices when this stops, too
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { parseArgs } from 'node:util'
import nodemailer from 'nodemailer'
import { systemClock, type Clock, type Timer } from '../lib/std/clock.ts'

const DEADMAN_HELP = `usage: monitor deadman [flags]

Pages when Monitor's alert Watchdog has not come for a while. Route the alert to it once a minute (docs/receivers.md).

  --listen=127.0.0.1:9099           where the Watchdog is posted to
  --monitor=http://127.0.0.1:9090   Monitor, to be asked which part of it stopped
  --silence=180                     seconds without a Watchdog before it pages
  --repeat=1800                     seconds between pages while it stays silent
  --to=ADDRESS --from=ADDRESS       whom to mail, and as whom
  --smtp-url=smtp://host:587        mail server; smtps:// for TLS from the first byte. With user and password better in a file:
  --smtp-url-file=FILE
  --webhook-url=URL                 is posted {"status","text","silent_seconds","stopped"}; with or in place of mail
  --heartbeat-url=URL               is asked for (GET) whenever a Watchdog comes, at most once a minute
`
const TICK_MS = 5000
const ASK_MS = 5000
const SEND_MS = 20_000
const HEARTBEAT_MS = 60_000
const BODY_BYTES_MAX = 1 << 20
/** A part of Monitor that has not set its heartbeat for so long has stopped. */
const STOPPED_S = 60

interface DeadmanOptions {
  listenHost: string
  listenPort: number
  monitorUrl: string
  silenceMs: number
  repeatMs: number
  mail: { url: string; from: string; to: string } | null
  /** '' for none. */
  webhookUrl: string
  heartbeatUrl: string
  clock: Clock
  log: (line: string) => void
}

export class Deadman {
  readonly #options: DeadmanOptions
  readonly #server: http.Server
  #heardMs: number
  /** null: nobody was paged of this silence. */
  #pagedMs: number | null = null
  #beatMs = -Infinity
  #timer: Timer | null = null
  #sending: Promise<void> | null = null

  constructor(options: DeadmanOptions) {
    this.#options = options
    // A Monitor that never comes is silent from now on.
    this.#heardMs = options.clock.monotonic()
    this.#server = http.createServer((request, response) => this.#take(request, response))
  }

  /** The port it listens on. */
  async start(): Promise<number> {
    const { listenHost, listenPort, log } = this.#options
    await new Promise<void>((resolve, reject) => this.#server.once('error', reject).listen(listenPort, listenHost, resolve))
    const address = this.#server.address()
    const port = address !== null && typeof address === 'object' ? address.port : listenPort
    log(`listening on ${listenHost}:${port}`)
    this.#schedule()
    return port
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#sending
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(TICK_MS, () => {
      this.#sending ??= this.#look().finally(() => (this.#sending = null))
      this.#schedule()
    })
  }

  #take(request: http.IncomingMessage, response: http.ServerResponse): void {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= BODY_BYTES_MAX) chunks.push(chunk)
    })
    request.on('error', () => undefined)
    request.on('end', () => {
      const silentSeconds = Math.round((this.#options.clock.monotonic() - this.#heardMs) / 1000)
      if (request.method === 'GET') response.end(`${JSON.stringify({ silent_seconds: silentSeconds, paged: this.#pagedMs !== null })}\n`)
      else if (isWatchdog(Buffer.concat(chunks).toString())) {
        this.#heardMs = this.#options.clock.monotonic()
        void this.#beat()
        response.end('ok\n')
      } else response.writeHead(400).end('want an alert Watchdog that fires, as Alertmanager\'s webhooks have it\n')
    })
  }

  async #look(): Promise<void> {
    const { clock, silenceMs, repeatMs } = this.#options
    const nowMs = clock.monotonic()
    const silentMs = nowMs - this.#heardMs
    if (silentMs < silenceMs) {
      if (this.#pagedMs !== null && await this.#tell('resolved', 'Monitor is heard again', silentMs, [])) this.#pagedMs = null
      return
    }
    if (this.#pagedMs !== null && nowMs - this.#pagedMs < repeatMs) return
    const [stopped, why] = await this.#whatStopped()
    const text = `Monitor has been silent for ${Math.round(silentMs / 1000)} s: ${why}`
    // What cannot be told now is tried again with the next tick.
    if (await this.#tell('firing', text, silentMs, stopped)) this.#pagedMs = nowMs
  }

  /** The parts whose heartbeat is old, and what that means in words. */
  async #whatStopped(): Promise<[string[], string]> {
    const { monitorUrl, clock } = this.#options
    try {
      const answer = await fetch(`${monitorUrl}/metrics`, { signal: AbortSignal.timeout(ASK_MS) })
      const beats = [...(await answer.text()).matchAll(/^monitor_heartbeat_timestamp_seconds\{component="([a-z]+)"\} (\S+)$/gm)]
      const stopped = beats.filter(([, , at]) => clock.now() / 1000 - Number(at) > STOPPED_S).map(([, component]) => component!)
      if (!answer.ok || beats.length === 0) return [[], `${monitorUrl} answers ${answer.status} and shows no heartbeats`]
      if (stopped.length === 0) return [[], `${monitorUrl} answers and all of its parts work; look at the rule Watchdog, its route and its receiver`]
      return [stopped, `stopped: ${stopped.join(', ')}`]
    } catch (error) {
      return [[], `${monitorUrl} does not answer (${words(error)})`]
    }
  }

  /** Whether someone was reached. */
  async #tell(status: 'firing' | 'resolved', text: string, silentMs: number, stopped: readonly string[]): Promise<boolean> {
    const { mail, webhookUrl, log } = this.#options
    const ways: [string, Promise<unknown>][] = []
    if (mail !== null) ways.push(['mail', this.#mail(mail, `[${status.toUpperCase()}] Monitor's dead man's switch`, text)])
    if (webhookUrl !== '') ways.push(['webhook', this.#post(webhookUrl, { status, text, silent_seconds: Math.round(silentMs / 1000), stopped })])
    log(text)
    const outcomes = await Promise.allSettled(ways.map(([, way]) => way))
    outcomes.forEach((outcome, i) => {
      if (outcome.status === 'rejected') log(`cannot page by ${ways[i]![0]}: ${words(outcome.reason)}`)
    })
    return outcomes.some(({ status: settled }) => settled === 'fulfilled')
  }

  async #mail({ url, from, to }: NonNullable<DeadmanOptions['mail']>, subject: string, text: string): Promise<void> {
    const timeouts = { connectionTimeout: SEND_MS, greetingTimeout: SEND_MS, socketTimeout: SEND_MS }
    await nodemailer.createTransport({ url, ...timeouts }).sendMail({ from, to, subject, text: `${text}\n` })
  }

  async #post(url: string, body: unknown): Promise<void> {
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal: AbortSignal.timeout(SEND_MS) })
    if (!answer.ok) throw new Error(`status ${answer.status}`)
  }

  async #beat(): Promise<void> {
    const { heartbeatUrl, clock, log } = this.#options
    if (heartbeatUrl === '' || clock.monotonic() - this.#beatMs < HEARTBEAT_MS) return
    this.#beatMs = clock.monotonic()
    await fetch(heartbeatUrl, { signal: AbortSignal.timeout(SEND_MS) }).catch((error: unknown) => log(`cannot reach the heartbeat URL: ${words(error)}`))
  }
}

function isWatchdog(body: string): boolean {
  try {
    const { alerts } = JSON.parse(body) as { alerts?: { status?: string; labels?: { alertname?: string } }[] }
    return Array.isArray(alerts) && alerts.some(({ status, labels }) => status === 'firing' && labels?.alertname === 'Watchdog')
  } catch {
    // No JSON: answered as what it is, no Watchdog.
    return false
  }
}

function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

/** `monitor deadman`: runs until a signal; the exit code. */
export async function runDeadman(argv: readonly string[]): Promise<number> {
  const fail = (why: string): number => {
    process.stderr.write(`monitor deadman: ${why}\nSee monitor deadman --help.\n`)
    return 2
  }
  const text = (fallback: string): { type: 'string'; default: string } => ({ type: 'string', default: fallback })
  const options = {
    listen: text('127.0.0.1:9099'), monitor: text('http://127.0.0.1:9090'), silence: text('180'), repeat: text('1800'), to: text(''), from: text(''), 'smtp-url': text(''),
    'smtp-url-file': text(''), 'webhook-url': text(''), 'heartbeat-url': text(''), help: { type: 'boolean', short: 'h', default: false },
  } as const
  let deadman: Deadman
  try {
    const { values } = parseArgs({ args: [...argv], options })
    if (values.help) {
      process.stdout.write(DEADMAN_HELP)
      return 0
    }
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(values.listen) ?? []
    const url = values['smtp-url-file'] === '' ? values['smtp-url'] : readFileSync(values['smtp-url-file'], 'utf8').trim()
    const mail = url === '' ? null : { url, from: values.from, to: values.to }
    if (port === '') return fail(`--listen: want host:port, got ${JSON.stringify(values.listen)}`)
    for (const name of ['silence', 'repeat'] as const) if (!(Number(values[name]) > 0)) return fail(`--${name}: want seconds, got ${JSON.stringify(values[name])}`)
    if (mail !== null && (mail.from === '' || mail.to === '')) return fail('mail wants --from and --to')
    if (mail === null && values['webhook-url'] === '') return fail('it has no one to page: set --smtp-url, --from and --to, or --webhook-url')
    deadman = new Deadman({
      listenHost: host.replace(/^\[|\]$/g, ''), listenPort: Number(port), monitorUrl: values.monitor.replace(/\/$/, ''), silenceMs: Number(values.silence) * 1000,
      repeatMs: Number(values.repeat) * 1000, mail, webhookUrl: values['webhook-url'], heartbeatUrl: values['heartbeat-url'], clock: systemClock,
      log: (line) => process.stderr.write(`${new Date(systemClock.now()).toISOString()} ${line}\n`),
    })
    await deadman.start()
  } catch (error) {
    return fail(words(error))
  }
  await new Promise<void>((resolve) => void process.once('SIGINT', resolve).once('SIGTERM', resolve))
  await deadman.stop()
  return 0
}
