// Receivers that do what no receiver should, over real sockets: HTTP services and mail servers, by the name of their fault.
import net from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

export interface BadReceiver {
  /** A section of a receiver, as it stands in the configuration. */
  section: string
  /** It takes a message sometimes, or once; null: never. */
  takes: 'once' | null
}

/** `nth`: how often this body has come; `bodies`: how many there were, this one included. */
type Answer = (socket: net.Socket, nth: number, bodies: number) => void | Promise<void>

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'

/** Messages that find a service busy: a Retry-After holds all that wait for it, so that of very many it would take no more than two a second. */
const BUSY_BODIES = 40

/** What an HTTP service does with a request. */
const HTTP_FAULTS: Readonly<Record<string, { takes: BadReceiver['takes']; answer: Answer }>> = {
  'never answers': { takes: null, answer: () => {} },
  'answers byte by byte': {
    takes: 'once',
    answer: async (socket) => {
      for (const byte of OK) {
        socket.write(byte)
        await wait(5)
      }
      socket.end()
    },
  },
  'closes within the head': { takes: null, answer: (socket) => void socket.end(OK.slice(0, 20)) },
  'closes without a word': { takes: null, answer: (socket) => void socket.destroy() },
  'resets after its 200': {
    takes: 'once',
    answer: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok')
      setTimeout(() => socket.resetAndDestroy(), 20)
    },
  },
  'has a body without end': {
    takes: 'once',
    answer: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      const piece = `8000\r\n${'x'.repeat(0x8000)}\r\n`
      const more = (): void => {
        while (!socket.destroyed && socket.write(piece));
      }
      socket.on('drain', more)
      more()
    },
  },
  'speaks no HTTP': { takes: null, answer: (socket) => void socket.end('220 ESMTP ready\r\n') },
  'sends elsewhere': { takes: null, answer: (socket) => void socket.end('HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n') },
  'drips a head without end': {
    takes: null,
    answer: async (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nX: ')
      while (!socket.destroyed) {
        socket.write('x')
        await wait(200)
      }
    },
  },
  'resets the connection': { takes: null, answer: (socket) => void socket.resetAndDestroy() },
  'is broken': { takes: null, answer: (socket) => void socket.end('HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n') },
  'is always busy': { takes: null, answer: (socket) => void socket.end('HTTP/1.1 429 Slowly\r\nRetry-After: 3\r\nContent-Length: 0\r\nConnection: close\r\n\r\n') },
  'sends round and round': { takes: null, answer: (socket) => void socket.end('HTTP/1.1 307 Round\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n') },
  'is busy at first': {
    takes: 'once',
    answer: (socket, nth, bodies) => void socket.end(nth === 1 && bodies <= BUSY_BODIES ? 'HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' : OK),
  },
}

/** Replies of a mail server by the command's first word; `hang` and `close` are no replies. `DONE` stands for the end of the mail. */
const MAIL_FAULTS: Readonly<Record<string, { takes: BadReceiver['takes']; replies: Readonly<Record<string, string | ((nth: number) => string)>> }>> = {
  'never greets': { takes: null, replies: { HELLO: 'hang' } },
  'refuses senders': { takes: null, replies: { MAIL: '550 not you' } },
  'refuses recipients': { takes: null, replies: { RCPT: '550 nobody here' } },
  greylists: { takes: 'once', replies: { RCPT: (nth) => (nth === 1 ? '451 come again' : '250 ok') } },
  'refuses data': { takes: null, replies: { DATA: '554 no' } },
  'is full at the end': { takes: null, replies: { DONE: '452 full' } },
  'refuses the mail': { takes: null, replies: { DONE: '554 spam' } },
  'hangs after the mail': { takes: null, replies: { DONE: 'hang' } },
  'closes within the mail': { takes: null, replies: { DATA: 'close' } },
  'closes after its 250': { takes: 'once', replies: { QUIT: 'close' } },
}

/** Owns its servers until `stop`. */
export class BadReceivers {
  readonly #servers: net.Server[] = []
  readonly #sockets = new Set<net.Socket>()
  /** By fault: what came, whole requests or mails, and how often. */
  readonly #came = new Map<string, Map<string, number>>()

  async start(): Promise<Map<string, BadReceiver>> {
    const receivers = new Map<string, BadReceiver>()
    for (const [fault, { takes, answer }] of Object.entries(HTTP_FAULTS)) {
      const port = await this.#listen(fault, (socket, came) => onRequest(socket, came, answer))
      receivers.set(fault, { takes, section: `webhook_configs: [{url: "http://127.0.0.1:${port}/", timeout: ${takes === null ? '2s' : '5m'}}]` })
    }
    for (const [fault, { takes, replies }] of Object.entries(MAIL_FAULTS)) {
      const port = await this.#listen(fault, (socket, came) => onMail(socket, came, replies))
      receivers.set(fault, { takes, section: `email_configs: [{to: ops@example.com, from: m@example.com, smarthost: "127.0.0.1:${port}", require_tls: false, headers: {X-Alert: '{{ .CommonLabels.alertname }}'}}]` })
    }
    const plain = await this.#listen('knows no TLS', (socket) => void socket.on('data', () => socket.end(OK)))
    receivers.set('refuses connections', { takes: null, section: `webhook_configs: [{url: "http://127.0.0.1:${await closedPort()}/", timeout: 2s}]` })
    receivers.set('knows no TLS', { takes: null, section: `webhook_configs: [{url: "https://127.0.0.1:${plain}/", timeout: 2s}]` })
    receivers.set('has no name', { takes: null, section: 'webhook_configs: [{url: "http://nothing.invalid/", timeout: 2s}]' })
    return receivers
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }

  /** Messages of one alert that came to a receiver, by the alert's name. */
  cameTo(fault: string): Map<string, number> {
    const counts = new Map<string, number>()
    for (const [text, count] of this.#came.get(fault) ?? []) {
      const name = /"alertname":"(A\d+)"/.exec(text)?.[1] ?? /^x-alert: (A\d+)\r?$/im.exec(text)?.[1]
      if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + count)
    }
    return counts
  }

  async #listen(fault: string, serve: (socket: net.Socket, came: Map<string, number>) => void): Promise<number> {
    const came = new Map<string, number>()
    const server = net.createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
      serve(socket, came)
    })
    this.#servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as net.AddressInfo
    this.#came.set(fault, came)
    return port
  }
}

function onRequest(socket: net.Socket, came: Map<string, number>, answer: Answer): void {
  let text = ''
  socket.on('data', (piece: Buffer) => {
    text += piece.toString()
    const head = text.indexOf('\r\n\r\n')
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
    if (head < 0 || Buffer.byteLength(text.slice(head + 4)) < length) return
    const body = text.slice(head + 4)
    text = ''
    const nth = count(came, body)
    void answer(socket, nth, came.size)
  })
}

function onMail(socket: net.Socket, came: Map<string, number>, replies: Readonly<Record<string, string | ((nth: number) => string)>>): void {
  const reply = (command: string, usual: string): void => {
    const own = replies[command]
    const text = typeof own === 'function' ? own(count(came, command)) : own ?? usual
    if (text === 'close') socket.destroy()
    else if (text !== 'hang') socket.write(`${text}\r\n`)
  }
  let buffer = ''
  let isData = false
  reply('HELLO', '220 ready')
  socket.on('data', (piece: Buffer) => {
    buffer += piece.toString()
    for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
      if (isData) {
        const last = buffer.indexOf('\r\n.\r\n')
        if (last < 0) return
        count(came, buffer.slice(0, last))
        buffer = buffer.slice(last + 5)
        isData = false
        reply('DONE', '250 taken')
        continue
      }
      const command = buffer.slice(0, end).split(' ')[0]!.toUpperCase()
      buffer = buffer.slice(end + 2)
      isData = command === 'DATA' && (replies['DATA'] ?? '354').toString().startsWith('354')
      if (command === 'DATA') reply('DATA', '354 go on')
      else reply(command, '250 ok')
    }
  })
}

/** How often it has come, this time included. */
function count(came: Map<string, number>, what: string): number {
  const times = (came.get(what) ?? 0) + 1
  came.set(what, times)
  return times
}

async function closedPort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
