// Reads HTTP/1.x answers (RFC 9112) off one connection, as strictly as Node's own parser does: what is not plainly one
// answer is refused, since a guess would put bytes of one into the next. But lines of the head may end without CR (§2.2), which
// Go, and so Prometheus, takes of small devices.
//
//   status line, headers ─▶ [1xx: again] ─▶ body by length │ chunks │ until the connection closes
import { HttpError } from './http-error.ts'
import { endOfHead, malformed, mustBeHead, readHead, type Head } from './http-head.ts'

/** Hears one answer; `chunk` is the reader's memory, to be copied by whoever keeps it. */
export interface AnswerHandler {
  onResponseStart(control: AnswerControl, status: number, headers: Readonly<Record<string, string | string[] | undefined>>, statusText?: string): void
  /** `isLast`: the answer is whole with it, and onResponseEnd comes in this turn. */
  onResponseData(control: AnswerControl, chunk: Buffer, isLast?: boolean): void
  onResponseEnd(): void
  onResponseError(control: AnswerControl, error: Error): void
}

export interface AnswerControl {
  /** What a connection that is not made yet is at, for words on a deadline: ' (connecting)'. */
  readonly stage?: string
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
const CR = 0x0d
const LF = 0x0a

export class AnswerReader {
  /** Where the body begins, so that a cut one is told from no answer. */
  hasHeaders = false
  /** The connection may carry another request. */
  isKept = false
  /** What the server says of how long it keeps an idle connection, ms; Infinity if nothing. */
  keepMs: number = Infinity
  #state = DONE
  #head: Buffer = NO_BYTES
  #keepAlive = ''
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
    const head = known === 0 ? bytes : Buffer.concat([this.#head, bytes.subarray(from, n)])
    const start = known === 0 ? from : 0
    const stop = known === 0 ? n : head.length
    // What came before has been looked at: a target may send byte by byte.
    const end = endOfHead(head, Math.max(start, start + known - END_BYTES_MAX), stop)
    if ((end < 0 ? stop : end) - start > HEADER_BYTES_MAX) throw new HttpError('HEADERS_TOO_LARGE', 'response headers are larger than 16 KiB')
    if (end < 0) {
      mustBeHead(head, start, stop)
      this.#head = Buffer.from(head.subarray(start, stop))
      return n
    }
    this.#head = NO_BYTES
    this.#takeHead(readHead(head, start, end), handler, control)
    return from + (end - start) - known
  }

  #takeHead({ minor, status, reason, headers }: Head, handler: AnswerHandler, control: AnswerControl): void {
    // Another protocol was not asked for.
    if (status === 101) throw malformed('it changes the protocol')
    if (status < 200) return
    this.#frame(status, headers)
    const connection = (headers.connection ?? '').toLowerCase()
    this.isKept = this.#state !== BODY_TO_CLOSE && (minor === 1 ? !connection.includes('close') : connection.includes('keep-alive'))
    this.#takeKeepAlive(headers['keep-alive'] ?? '')
    this.hasHeaders = true
    handler.onResponseStart(control, status, headers, reason)
  }

  /** A server says the same each time. */
  #takeKeepAlive(value: string): void {
    if (value === this.#keepAlive) return
    const seconds = /timeout=(\d+)/.exec(value)?.[1]
    this.keepMs = seconds === undefined ? Infinity : Number(seconds) * 1000
    this.#keepAlive = value
  }

  /** How long the body is (RFC 9112 §6.3). */
  #frame(status: number, headers: Head['headers']): void {
    const coding = headers['transfer-encoding']
    const length = headers['content-length']
    if (coding !== undefined) {
      if (coding.toLowerCase() !== 'chunked') throw malformed(`Transfer-Encoding ${JSON.stringify(coding)} is not understood`)
      if (length !== undefined) throw malformed('it has both Content-Length and Transfer-Encoding')
    }
    if (length !== undefined && !/^\d{1,15}$/.test(length)) throw malformed(`Content-Length is ${JSON.stringify(length)}`)
    this.#left = Number(length ?? 0)
    this.#lineBytes = 0
    if (status === 204 || status === 304) this.#state = DONE
    else if (coding !== undefined) this.#state = CHUNK_SIZE
    else if (length === undefined) this.#state = BODY_TO_CLOSE
    else this.#state = this.#left === 0 ? DONE : BODY_SIZED
  }

  #readBody(bytes: Buffer, at: number, n: number, handler: AnswerHandler, control: AnswerControl): number {
    const end = this.#state === BODY_TO_CLOSE ? n : Math.min(n, at + this.#left)
    this.#left -= end - at
    if (this.#state !== BODY_TO_CLOSE && this.#left === 0) this.#state = this.#state === CHUNK_DATA ? CHUNK_END : DONE
    handler.onResponseData(control, bytes.subarray(at, end), this.#state === DONE)
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

function malformedBody(why: string): HttpError {
  return new HttpError('PROTOCOL', `malformed HTTP body: ${why}`)
}
