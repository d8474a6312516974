// From a breach to a mail, over real sockets: targets that are scraped, and a mail server. Both note when, and both can be gone
// for a while.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

/** The header that names the incident of a mail. */
const HEADER = 'X-Incident'

export interface Incident {
  /** `performance.now()` of the first answer to a scrape that showed it; null before. */
  shownMs: number | null
  /** Of each mail that said it fires. */
  mailedMs: number[]
}

/** Targets at /t/0 …: `incident{incident="7"}` is 0 until it is broken. The i-th incident is at target i modulo their count. */
export class BreachWorld {
  readonly incidents: Incident[]
  readonly #targetCount: number
  readonly #isBroken: Uint8Array
  #targets: http.Server | null = null
  #mail: SMTPServer | null = null
  #targetPort = 0
  #mailPort = 0

  constructor({ incidents, targets }: { incidents: number; targets: number }) {
    this.incidents = Array.from({ length: incidents }, () => ({ shownMs: null, mailedMs: [] }))
    this.#isBroken = new Uint8Array(incidents)
    this.#targetCount = targets
  }

  async start(): Promise<void> {
    await this.startTargets()
    await this.startMail()
  }

  async stop(): Promise<void> {
    await this.stopTargets()
    await this.stopMail()
  }

  /** `scrape_configs` and `alerting` of monitor.yml; `route` are keys of the route beside its receiver and groups. */
  config(scrape: string, route: string): string {
    return `${this.scrapeConfig(scrape)}alerting:\n${this.alertingConfig(route).replace(/^/gm, '  ')}\n`
  }

  scrapeConfig(scrape: string): string {
    const targets = this.targetUrls().map((url) => `{targets: ["${url.host}"], labels: {__metrics_path__: ${url.pathname}}}`)
    return `
scrape_configs: [{job_name: breach, ${scrape}static_configs: [${targets.join(', ')}], relabel_configs: [{source_labels: [__metrics_path__], target_label: path}]}]
`
  }

  targetUrls(): URL[] {
    return Array.from({ length: this.#targetCount }, (_, i) => new URL(`http://127.0.0.1:${this.#targetPort}/t/${i}`))
  }

  /** The keys of an alertmanager.yml, one a line. */
  alertingConfig(route: string): string {
    return `global: {smtp_smarthost: "127.0.0.1:${this.#mailPort}", smtp_from: monitor@example.com, smtp_require_tls: false}
route: {receiver: mail, group_by: [incident]${route}}
receivers: [{name: mail, email_configs: [{to: ops@example.com, headers: {${HEADER}: '{{ .CommonLabels.incident }}'}}]}]`
  }

  breach(incident: number): void {
    this.#isBroken[incident] = 1
  }

  async startTargets(): Promise<void> {
    const server = http.createServer((request, response) => {
      const target = Number(request.url?.slice('/t/'.length))
      const shown: Incident[] = []
      let body = '# TYPE incident gauge\n'
      for (let i = target; i < this.incidents.length; i += this.#targetCount) {
        body += `incident{incident="${i}"} ${this.#isBroken[i]}\n`
        if (this.#isBroken[i] === 1) shown.push(this.incidents[i]!)
      }
      response.setHeader('Content-Type', 'text/plain; version=0.0.4')
      response.end(body)
      for (const incident of shown) incident.shownMs ??= performance.now()
    })
    await new Promise<void>((resolve) => server.listen(this.#targetPort, '127.0.0.1', resolve))
    this.#targets = server
    this.#targetPort = (server.address() as AddressInfo).port
  }

  async stopTargets(): Promise<void> {
    this.#targets?.closeAllConnections()
    await new Promise<void>((resolve) => (this.#targets === null ? resolve() : this.#targets.close(() => resolve())))
    this.#targets = null
  }

  async startMail(): Promise<void> {
    const server = new SMTPServer({
      authOptional: true, disabledCommands: ['STARTTLS'], logger: false, closeTimeout: 10,
      onData: (stream, _session, callback) => {
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const incident = this.incidents[Number(new RegExp(`^${HEADER}: (\\d+)`, 'mi').exec(text)?.[1])]
          if (/^Subject: \[FIRING/m.test(text)) incident?.mailedMs.push(performance.now())
          callback(null)
        })
      },
    })
    // A client that is killed resets its connection.
    server.on('error', () => undefined)
    await new Promise<void>((resolve) => void server.listen(this.#mailPort, '127.0.0.1', () => resolve()))
    this.#mail = server
    this.#mailPort = (server.server.address() as AddressInfo).port
  }

  async stopMail(): Promise<void> {
    await new Promise<void>((resolve) => (this.#mail === null ? resolve() : this.#mail.close(() => resolve())))
    this.#mail = null
  }

  get allMailed(): boolean {
    return this.incidents.every(({ mailedMs }) => mailedMs.length > 0)
  }

  /** ms from the breach that was shown to its first mail, in order; Infinity where none came. */
  delaysMs(): number[] {
    return this.incidents.map(({ shownMs, mailedMs }) => (mailedMs[0] ?? Infinity) - (shownMs ?? 0)).toSorted((a, b) => a - b)
  }
}
