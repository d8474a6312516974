// Reads HTTP/1.x answers (RFC 9112) off one connection, as strictly as Node's own parser does: what is not plainly one
// answer is refused, since a guess would put bytes of one into the next. But lines of the head may end without CR (§2.2), which
// Go, and so Prometheus, takes of small devices.
//
//   status line, headers ─▶ [1xx: again] ─▶ body by length │ chunks │ until the connection closes
import { HttpError } from './http-error.ts'

/** Hears one answer; `chunk` is the reader's memory, to be copied by whoever keeps it. */
export interface AnswerHandler {
  onResponseStart(control: AnswerControl, status: number, headers: Readonly<Record<string, string | string[] | undefined>>, statusText?: string): void
  onResponseData(control: AnswerControl, chunk: Buffer): void
  onResponseEnd(): void
  onResponseError(control: AnswerControl, error: Error): void
}

export interface AnswerControl {
  /** Ends the exchange and its connection. */
  abort(reason: Error): void
}

const HEAD = 0
const BODY_SIZED = 1
const BODY_TO_CLOSE = 2
const CHUNK_SIZE = 3
const CHUNK_DATA = 4
const CHUNK_END = 5
const TRAILER = 6
/** The answer is whole. */
const DONE = 7

const HEADER_BYTES_MAX = 16_384
/** Of an empty line and the end of the one before, `LF CR LF` at the most. */
const END_BYTES_MAX = 3
const NO_BYTES = Buffer.alloc(0)
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/
// eslint-disable-next-line no-control-regex
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const CR = 0x0d
const LF = 0x0a

/** What is read of the headers; others are only checked. */
interface Headers extends Record<string, string | undefined> {
  'content-type': string | undefined
  'content-encoding': string | undefined
  'content-length': string | undefined
  'transfer-encoding': string | undefined
  'keep-alive': string | undefined
  connection: string | undefined
  location: string | undefined
}

export class AnswerReader {
  /** Where the body begins, so that a cut one is told from no answer. */
  hasHeaders = false
  /** The connection may carry another request. */
  isKept = false
  /** What the server says of how long it keeps an idle connection, ms; Infinity if nothing. */
  keepMs: number = Infinity
  #state = DONE
  #head: Buffer = NO_BYTES
  /** Bytes left of the body or chunk; of a chunk's size line and of trailers, bytes read. */
  #left = 0
  #lineBytes = 0

  /** Expects an answer. */
  begin(): void {
    this.#state = HEAD
    this.hasHeaders = false
    this.isKept = false
  }

  get isDone(): boolean {
    return this.#state === DONE
  }

  /** Takes bytes[0, n); returns how many belong to the answer. Throws HttpError for what is none. */
  read(bytes: Buffer, n: number, handler: AnswerHandler, control: AnswerControl): number {
    let at = 0
    while (at < n && this.#state !== DONE) {
      switch (this.#state) {
        case HEAD: at = this.#readHead(bytes, at, n, handler, control); break
        case BODY_SIZED: case CHUNK_DATA: case BODY_TO_CLOSE: at = this.#readBody(bytes, at, n, handler, control); break
        case CHUNK_SIZE: at = this.#readChunkSize(bytes, at, n); break
        case CHUNK_END: at = this.#readChunkEnd(bytes, at); break
        default: at = this.#readTrailer(bytes, at, n)
      }
    }
    return at
  }

  /** The connection was closed; true if that ends the answer well. */
  close(): boolean {
    if (this.#state !== BODY_TO_CLOSE) return false
    this.#state = DONE
    return true
  }

  #readHead(bytes: Buffer, from: number, n: number, handler: AnswerHandler, control: AnswerControl): number {
    const known = this.#head.length
    const head = known === 0 ? bytes.subarray(from, n) : Buffer.concat([this.#head, bytes.subarray(from, n)])
    // What came before has been looked at: a target may send byte by byte.
    const end = endOfHead(head, Math.max(0, known - END_BYTES_MAX))
    if (end > HEADER_BYTES_MAX || (end < 0 && head.length > HEADER_BYTES_MAX)) throw new HttpError('HEADERS_TOO_LARGE', 'response headers are larger than 16 KiB')
    if (end < 0) {
      mustBeHead(head)
      this.#head = Buffer.from(head)
      return n
    }
    this.#head = NO_BYTES
    this.#takeHead(head.toString('latin1', 0, end), handler, control)
    return from + end - known
  }

  #takeHead(text: string, handler: AnswerHandler, control: AnswerControl): void {
    const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
    // The empty one that ends the head, and what is behind it.
    lines.length -= 2
    const status = STATUS_LINE.exec(lines[0]!)
    if (status === null) throw malformed(`its first line is ${JSON.stringify(lines[0]!.slice(0, 60))}`)
    const code = Number(status[2])
    const headers = headersOf(lines)
    // Another protocol was not asked for.
    if (code === 101) throw malformed('it changes the protocol')
    if (code < 200) return
    this.#frame(code, headers)
    const connection = (headers.connection ?? '').toLowerCase()
    this.isKept = this.#state !== BODY_TO_CLOSE && (status[1] === '1' ? !connection.includes('close') : connection.includes('keep-alive'))
    const seconds = /timeout=(\d+)/.exec(headers['keep-alive'] ?? '')?.[1]
    this.keepMs = seconds === undefined ? Infinity : Number(seconds) * 1000
    this.hasHeaders = true
    handler.onResponseStart(control, code, headers, status[3] ?? '')
  }

  /** How long the body is (RFC 9112 §6.3). */
  #frame(code: number, headers: Headers): void {
    const coding = headers['transfer-encoding']
    const length = headers['content-length']
    if (coding !== undefined) {
      if (coding.toLowerCase() !== 'chunked') throw malformed(`Transfer-Encoding ${JSON.stringify(coding)} is not understood`)
      if (length !== undefined) throw malformed('it has both Content-Length and Transfer-Encoding')
    }
    if (length !== undefined && !/^\d{1,15}$/.test(length)) throw malformed(`Content-Length is ${JSON.stringify(length)}`)
    this.#left = Number(length ?? 0)
    this.#lineBytes = 0
    if (code === 204 || code === 304) this.#state = DONE
    else if (coding !== undefined) this.#state = CHUNK_SIZE
    else if (length === undefined) this.#state = BODY_TO_CLOSE
    else this.#state = this.#left === 0 ? DONE : BODY_SIZED
  }

  #readBody(bytes: Buffer, at: number, n: number, handler: AnswerHandler, control: AnswerControl): number {
    const end = this.#state === BODY_TO_CLOSE ? n : Math.min(n, at + this.#left)
    this.#left -= end - at
    if (this.#state !== BODY_TO_CLOSE && this.#left === 0) this.#state = this.#state === CHUNK_DATA ? CHUNK_END : DONE
    handler.onResponseData(control, bytes.subarray(at, end))
    return end
  }

  /** `1a2b [; extension] CRLF`. */
  #readChunkSize(bytes: Buffer, at: number, n: number): number {
    // Fast path: the whole line is here, with nothing but the size.
    if (this.#head.length === 0) {
      let size = 0
      let p = at
      for (let digit = hexDigit(bytes[p]!); digit >= 0 && p < n && p - at < 12; digit = hexDigit(bytes[++p]!)) size = size * 16 + digit
      if (p > at && p + 1 < n && bytes[p] === CR && bytes[p + 1] === LF) {
        this.#beginChunk(size)
        return p + 2
      }
    }
    const end = bytes.indexOf(LF, at)
    const stop = end < 0 || end >= n ? n : end + 1
    this.#head = Buffer.concat([this.#head, bytes.subarray(at, stop)])
    if (this.#head.length > HEADER_BYTES_MAX) throw malformedBody('a chunk has a size of many digits')
    if (this.#head.at(-1) !== LF) return stop
    const size = /^([0-9a-fA-F]{1,12})[ \t]*(?:;[^\r\n]*)?\r\n$/.exec(this.#head.toString('latin1', 0, this.#head.length))?.[1]
    if (size === undefined) throw malformedBody('a chunk has no size')
    this.#head = NO_BYTES
    this.#beginChunk(Number.parseInt(size, 16))
    return stop
  }

  #beginChunk(size: number): void {
    this.#state = size === 0 ? TRAILER : CHUNK_DATA
    this.#left = size === 0 ? HEADER_BYTES_MAX : size
  }

  /** CRLF behind a chunk's bytes, which may come one by one. */
  #readChunkEnd(bytes: Buffer, at: number): number {
    const c = bytes[at]!
    if (c !== (this.#lineBytes === 0 ? CR : LF)) throw malformedBody('a chunk is longer than it says')
    this.#lineBytes++
    if (c === LF) {
      this.#lineBytes = 0
      this.#state = CHUNK_SIZE
    }
    return at + 1
  }

  /** Lines that nobody reads, up to an empty one. */
  #readTrailer(bytes: Buffer, at: number, n: number): number {
    while (at < n) {
      const c = bytes[at++]!
      if (--this.#left === 0) throw malformedBody('its trailer is too long')
      if (c === LF) {
        if (this.#lineBytes === 0) {
          this.#state = DONE
          return at
        }
        this.#lineBytes = 0
      } else if (c !== CR) {
        this.#lineBytes++
      }
    }
    return at
  }
}

/** -1 for a byte that is none. */
function hexDigit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30
  const letter = c | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** Where the first empty line ends, -1 where none has yet; looked for from a place on. */
function endOfHead(head: Buffer, from: number): number {
  for (let at = head.indexOf(LF, from); at >= 0; at = head.indexOf(LF, at + 1)) {
    if (head[at + 1] === LF) return at + 2
    if (head[at + 1] === CR && head[at + 2] === LF) return at + 3
  }
  return -1
}

/** What has come so far may still become a head. */
function mustBeHead(head: Buffer): void {
  const begin = 'HTTP/1.'
  const n = Math.min(begin.length, head.length)
  if (head.toString('latin1', 0, n) !== begin.slice(0, n)) throw malformed(`it begins with ${JSON.stringify(head.toString('latin1', 0, Math.min(60, head.length)))}`)
}

/** Of values that come twice the first, but for those that say where the body ends. */
function headersOf(lines: readonly string[]): Headers {
  const headers: Headers = {
    'content-type': undefined, 'content-encoding': undefined, 'content-length': undefined, 'transfer-encoding': undefined, 'keep-alive': undefined,
    connection: undefined, location: undefined,
  }
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).trim()
    if (colon <= 0 || !NAME.test(name) || !VALUE.test(value)) throw malformed(`a header is ${JSON.stringify(line.slice(0, 60))}`)
    switch (name.toLowerCase()) {
      case 'content-type': headers['content-type'] ??= value; break
      case 'content-encoding': headers['content-encoding'] ??= value; break
      case 'content-length':
        if ((headers['content-length'] ?? value) !== value) throw malformed('it has two values of Content-Length')
        headers['content-length'] = value
        break
      case 'transfer-encoding': headers['transfer-encoding'] = joined(headers['transfer-encoding'], value); break
      case 'keep-alive': headers['keep-alive'] ??= value; break
      case 'connection': headers.connection = joined(headers.connection, value); break
      case 'location': headers.location ??= value; break
      default:
    }
  }
  return headers
}

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`
}

function malformed(why: string): HttpError {
  return new HttpError('PROTOCOL', `malformed HTTP response: ${why}`)
}

function malformedBody(why: string): HttpError {
  return new HttpError('PROTOCOL', `malformed HTTP body: ${why}`)
}
