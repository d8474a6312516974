// A scrape target that misbehaves, on a real socket: the path of the URL names how. Every misbehaviour is bounded in
// time and memory on this side too, and `close` ends all of it.
import net from 'node:net'
import { gzipSync } from 'node:zlib'

const HOSTILE_MODES = [
  'good', 'never-answer', 'hang-after-headers', 'drip', 'reset', 'close', 'half-body', 'cut-chunks', 'cut-gzip', 'gzip-bomb',
  'huge', 'endless-chunks', 'wrong-type', 'no-type', 'html', 'partial', 'error', 'not-http', 'redirect-loop', 'redirect-away',
  'redirect-home', 'big-headers', 'bad-utf8', 'big-label', 'duplicates', 'future',
] as const
export type HostileMode = (typeof HOSTILE_MODES)[number]

/** A request as it came in. */
export interface SeenRequest {
  path: string
  headers: ReadonlyMap<string, string>
}

const GOOD = 'good_metric{a="b"} 1\nother_metric 2\n'
const TEXT = 'Content-Type: text/plain; version=0.0.4\r\n'

/** 512 MiB of zeros in 0.5 MiB: many gzip members, so that it is made in no time. */
function bomb(): Buffer {
  const member = gzipSync(Buffer.alloc(8 << 20, 0x23))
  return Buffer.concat(Array.from({ length: 64 }, () => member))
}

export class HostileTarget {
  readonly requests: SeenRequest[] = []
  /** Where `redirect-away` sends its visitors. */
  elsewhere = ''
  /** Bytes handed to sockets for bodies, all modes together. */
  sentBytes = 0
  readonly #server = net.createServer((socket) => this.#serve(socket))
  readonly #sockets = new Set<net.Socket>()
  readonly #timers = new Set<NodeJS.Timeout>()

  static async start(): Promise<HostileTarget> {
    const target = new HostileTarget()
    await new Promise<void>((resolve) => target.#server.listen(0, '127.0.0.1', resolve))
    return target
  }

  /** `host:port`. */
  get address(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('not listening')
    return `127.0.0.1:${address.port}`
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(socket: net.Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      const [first = '', ...lines] = text.slice(0, end).split('\r\n')
      text = text.slice(end + 4)
      const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
      const path = first.split(' ')[1] ?? ''
      this.requests.push({ path, headers })
      this.#answer(socket, path.slice(1).split('?')[0] as HostileMode)
    })
  }

  #answer(socket: net.Socket, mode: HostileMode): void {
    const head = (status: string, headers: string): string => `HTTP/1.1 ${status}\r\n${headers}\r\n`
    const body = (text: string | Buffer, headers = TEXT, status = '200 OK'): void => {
      const bytes = Buffer.from(text)
      this.sentBytes += bytes.length
      socket.write(head(status, `${headers}Content-Length: ${bytes.length}\r\n`))
      socket.write(bytes)
    }
    switch (mode) {
      case 'good': return body(GOOD)
      case 'never-answer': return
      case 'hang-after-headers': return void socket.write(head('200 OK', `${TEXT}Content-Length: 100\r\n`))
      case 'drip': {
        socket.write(head('200 OK', `${TEXT}Content-Length: ${GOOD.length}\r\n`))
        let at = 0
        return this.#every(500, socket, () => socket.write(GOOD.slice(at, ++at)))
      }
      case 'reset': return void socket.resetAndDestroy()
      case 'close': return void socket.end()
      case 'half-body': return void socket.end(`${head('200 OK', `${TEXT}Content-Length: 1000\r\n`)}${GOOD}`)
      case 'cut-chunks': return void socket.end(`${head('200 OK', `${TEXT}Transfer-Encoding: chunked\r\n`)}${GOOD.length.toString(16)}\r\n${GOOD}\r\n40\r\ncut`)
      case 'cut-gzip': return body(gzipSync(GOOD).subarray(0, 30), `${TEXT}Content-Encoding: gzip\r\n`)
      case 'gzip-bomb': return body(bomb(), `${TEXT}Content-Encoding: gzip\r\n`)
      case 'huge': return this.#pour(socket, head('200 OK', `${TEXT}Connection: close\r\n`), 100 << 20, false)
      case 'endless-chunks': return this.#pour(socket, head('200 OK', `${TEXT}Transfer-Encoding: chunked\r\n`), Infinity, true)
      case 'wrong-type': return body(GOOD, 'Content-Type: application/json\r\n')
      case 'no-type': return body(GOOD, '')
      case 'html': return body('<html><body>Login</body></html>', 'Content-Type: text/html; charset=utf-8\r\n')
      case 'partial': return body(GOOD, TEXT, '206 Partial Content')
      case 'error': return body('kaboom', TEXT, '500 Internal Server Error')
      case 'not-http': return void socket.end('SSH-2.0-OpenSSH_9.2p1\r\n')
      case 'redirect-loop': return body('', `${TEXT}Location: /redirect-loop\r\n`, '302 Found')
      case 'redirect-away': return body('', `${TEXT}Location: http://${this.elsewhere}/good\r\n`, '302 Found')
      case 'redirect-home': return body('', `${TEXT}Location: /good\r\n`, '302 Found')
      case 'big-headers': return body(GOOD, `${TEXT}X-Padding: ${'x'.repeat(65_536)}\r\n`)
      case 'bad-utf8': return body(Buffer.concat([Buffer.from(GOOD), Buffer.from([0x61, 0x7b, 0x62, 0x3d, 0x22, 0xff, 0xfe, 0x22, 0x7d, 0x20, 0x31, 0x0a])]))
      case 'big-label': return body(`big{label="${'x'.repeat(2 << 20)}"} 1\n${GOOD}`)
      case 'duplicates': return body('twice 1\ntwice 2\nonce 3\n')
      case 'future': return body(`ahead 1 ${Date.now() + 3_600_000}\nnow 2\n`)
    }
  }

  /** Writes lines as fast as the other side takes them. */
  #pour(socket: net.Socket, head: string, totalBytes: number, isChunked: boolean): void {
    socket.write(head)
    const lines = Buffer.from('filler_metric{with="some",labels="here"} 1234567\n'.repeat(1300))
    const chunk = isChunked ? Buffer.concat([Buffer.from(`${lines.length.toString(16)}\r\n`), lines, Buffer.from('\r\n')]) : lines
    let left = totalBytes
    const more = (): void => {
      while (left > 0 && !socket.destroyed) {
        left -= chunk.length
        this.sentBytes += chunk.length
        if (!socket.write(chunk)) return
      }
      if (left <= 0) socket.end()
    }
    socket.on('drain', more)
    more()
  }

  #every(ms: number, socket: net.Socket, f: () => void): void {
    const timer = setInterval(f, ms)
    this.#timers.add(timer)
    socket.on('close', () => {
      clearInterval(timer)
      this.#timers.delete(timer)
    })
  }
}
