// A real HTTP receiver on loopback that notes the webhooks it is sent.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Page {
  receiver: string
  status: string
  groupKey: string
  alerts: { status: string; labels: Record<string, string>; ackURL?: string }[]
  atMs: number
}

export class PageServer {
  readonly pages: Page[] = []
  readonly #server: Server
  /** What it answers; 0: nothing at all. */
  answer = 200

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        if (this.answer === 0) return
        if (this.answer === 200) this.pages.push({ ...JSON.parse(Buffer.concat(chunks).toString('utf8')) as Page, atMs: Date.now() })
        response.writeHead(this.answer).end()
      })
    })
  }

  static async start(): Promise<PageServer> {
    const server = new PageServer()
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  /** How often each alert was told to fire, by the value of one label. */
  firings(label: string): Map<string, number> {
    const counts = new Map<string, number>()
    for (const { alerts } of this.pages) {
      for (const { status, labels } of alerts) if (status === 'firing') counts.set(labels[label] ?? '', (counts.get(labels[label] ?? '') ?? 0) + 1)
    }
    return counts
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
