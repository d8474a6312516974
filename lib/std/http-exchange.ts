// One request and its answer over a transport (PlainHttp, or undici's dispatchers): no streams, no promise per chunk. What
// comes is copied into one buffer sized by Content-Length or the caller's hint, which is used again for other answers:
// buffers that live from one scrape to the next become old, and it takes a full collection to free them. A gzip body
// is inflated in one go if it is small and of known size, else on the thread pool; never past the limit.
import { kMaxLength as MAX_LENGTH } from 'node:buffer'
import { gunzip } from 'node:zlib'
import type { AnswerControl } from './http-answer.ts'
import type { Ending, Endings } from './http-endings.ts'
import { HttpError, toHttpError } from './http-error.ts'
import type { PlainHandler } from './http-plain.ts'
import { Inflater, NOT_INFLATED } from './inflate.ts'

export interface HttpResponse {
  status: number
  /** `200 OK`, as the server wrote it. */
  statusText: string
  /** '' where the header is missing. */
  contentType: string
  /** '' where the answer is no redirect. */
  location: string
  /** As the server wrote it; '' where it is missing or the status is good. */
  retryAfter: string
  /** Decoded; valid until it is given back by `BodyBuffers.release`. Empty unless the status is 200 or the caller wants every body. */
  body: Uint8Array
}

/** Buffers for bodies, used in turn. */
export class BodyBuffers {
  readonly #free: Uint8Array[] = []
  /** Memory made here. What zlib gives may lie in the pool that all small Buffers of the process share. */
  readonly #own = new WeakSet<ArrayBufferLike>()

  acquire(sizeBytes: number): Uint8Array {
    const found = this.#free.findLastIndex((buffer) => buffer.length >= sizeBytes)
    if (found >= 0) return this.#free.splice(found, 1)[0]!
    const made = new Uint8Array(Math.max(sizeBytes + (sizeBytes >>> 2), FIRST_BUFFER_BYTES))
    this.#own.add(made.buffer)
    return made
  }

  /** Takes the memory of a body back, if it is from here and worth keeping; the body must not be read any more. */
  release(body: Uint8Array): void {
    const { buffer } = body
    if (!this.#own.has(buffer) || buffer.byteLength > KEPT_BYTES_MAX) return
    this.#free.push(new Uint8Array(buffer))
    if (this.#free.length <= KEPT_BUFFERS_MAX) return
    // The smallest goes: large bodies would else find none that holds them, and have one made each time.
    const sizes = this.#free.map(({ length }) => length)
    this.#free.splice(sizes.indexOf(Math.min(...sizes)), 1)
  }
}

/** What bodies are read and inflated into. Clients of one thread may share it, as it is needed only while one is being read. */
export class AnswerMemory {
  readonly buffers: BodyBuffers = new BodyBuffers()
  readonly inflater: Inflater = new Inflater()
}

export interface ExchangeLimits {
  /** A decoded body of this many bytes or more is refused while it streams in; 0: no limit. */
  bodyBytesMax: number
  /** Expected size of the decoded body, to take memory once. */
  bodyBytesHint: number
  /** What comes with another status than 200 is wanted, too: its words say why. */
  isEveryBodyKept?: boolean
  /** Called with the answer without its body in the turn in which its head comes; the body may still fail. */
  onHead?: (head: HttpResponse) => void
}

/** A body of an answer that is not 200 is read this far, to keep the connection, and dropped. */
const DISCARD_BYTES_MAX = 65_536
const FIRST_BUFFER_BYTES = 16_384
/** What BodyBuffers holds at most: 16 MiB. */
const KEPT_BUFFERS_MAX = 16
const KEPT_BYTES_MAX = 1 << 20
/**
 * Up to here inflating takes about a ms, and handing it to another thread and back costs more than doing it (in CPU:
 * 0.2 of 1.3 µs per sample). A body that turns out larger than expected goes to the thread pool after all.
 */
const INLINE_BYTES_MAX = 262_144
const NO_BYTES = new Uint8Array(0)

/** As undici has it. */
export interface TransportRequest {
  origin: string
  path: string
  method: HttpMethod
  headers: Record<string, string | string[]>
  body?: string | Uint8Array
}

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH'

/** Takes a request to where it goes. */
export interface Transport<R> {
  dispatch(request: R, handler: PlainHandler): unknown
}

/** Dispatches one request; resolves with the whole answer, rejects with HttpError. */
export function exchange<R extends TransportRequest>(
  transport: Transport<R>, request: R, limits: ExchangeLimits, means: ExchangeMeans, deadline: Deadline,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    transport.dispatch(request, new Exchange(limits, means, deadline, { resolve, reject }))
  })
}

export interface ExchangeMeans {
  endings: Endings
  memory: AnswerMemory
}

/** When an exchange, redirects included, must have ended. */
export interface Deadline {
  /** On the clock's monotonic scale. */
  atMs: number
  signal: AbortSignal | null
}

interface Settle {
  resolve: (response: HttpResponse) => void
  reject: (error: HttpError) => void
}

class Exchange implements PlainHandler, Ending {
  readonly deadlineMs: number
  readonly signal: AbortSignal | null
  readonly #limits: ExchangeLimits
  readonly #settle: Settle
  readonly #means: ExchangeMeans
  #controller: AnswerControl | null = null
  #failure: HttpError | null = null
  #isDone = false
  #response: HttpResponse | null = null
  #isGzip = false
  #isDiscarded = false
  /** Size to make the buffer of. */
  #expected = 0
  #buffer: Uint8Array = NO_BYTES
  #received = 0
  /** A whole packed body in the transport's memory, until the turn ends. */
  #whole: Uint8Array = NO_BYTES

  constructor(limits: ExchangeLimits, means: ExchangeMeans, deadline: Deadline, settle: Settle) {
    this.deadlineMs = deadline.atMs
    this.signal = deadline.signal
    this.#limits = limits
    this.#means = means
    this.#settle = settle
    means.endings.add(this)
    if (this.signal?.aborted) this.abort()
  }

  expire(): void {
    const stage = this.#response === null ? this.#controller?.stage ?? '' : ` (after ${this.#received} bytes of the body)`
    this.#fail(new HttpError('TIMEOUT', `context deadline exceeded${stage}`))
  }

  abort(): void {
    this.#fail(new HttpError('ABORTED', 'request cancelled'))
  }

  onRequestStart(controller: AnswerControl): void {
    this.#controller = controller
    // The deadline may have passed while the connection was made.
    if (this.#failure !== null) controller.abort(this.#failure)
  }

  onResponseStart(_: AnswerControl, status: number, headers: Record<string, string | string[] | undefined>, statusText?: string): void {
    if (status < 200) return
    const location = status >= 300 && status < 400 ? one(headers['location']) : ''
    this.#response = {
      status, location, body: NO_BYTES, contentType: one(headers['content-type']),
      retryAfter: status >= 300 ? one(headers['retry-after']) : '',
      statusText: `${status} ${statusText ?? ''}`.trim(),
    }
    this.#limits.onHead?.(this.#response)
    this.#isDiscarded = status !== 200 && this.#limits.isEveryBodyKept !== true
    this.#isGzip = one(headers['content-encoding']).toLowerCase() === 'gzip'
    const length = Number(one(headers['content-length']) || 0)
    if (!this.#isDiscarded && this.#isOver(length)) this.#fail(tooLarge(this.#limits.bodyBytesMax))
    this.#expected = length > 0 || this.#isGzip ? length : this.#limits.bodyBytesHint
  }

  onResponseData(_: AnswerControl, chunk: Buffer, isLast?: boolean): void {
    if (this.#failure !== null) return
    this.#received += chunk.length
    if (this.#isDiscarded) {
      if (this.#received > DISCARD_BYTES_MAX) this.#finish(this.#response!)
    } else if (this.#isOver(this.#received)) {
      this.#fail(tooLarge(this.#limits.bodyBytesMax))
    } else if (isLast === true && this.#isGzip && this.#received === chunk.length) {
      this.#whole = chunk
    } else {
      this.#reserve(this.#received)
      this.#buffer.set(chunk, this.#received - chunk.length)
    }
  }

  onResponseEnd(): void {
    const response = this.#response!
    if (this.#isDone) return
    if (this.#isDiscarded) this.#finish(response)
    else if (this.#isGzip) this.#inflate(response, this.#whole === NO_BYTES ? this.#buffer.subarray(0, this.#received) : this.#whole)
    else this.#finishWith(response, this.#buffer.subarray(0, this.#received))
  }

  onResponseError(_: AnswerControl, error: Error): void {
    this.#fail(toHttpError(error, this.#response !== null))
  }

  #isOver(sizeBytes: number): boolean {
    return this.#limits.bodyBytesMax > 0 && sizeBytes >= this.#limits.bodyBytesMax
  }

  #reserve(sizeBytes: number): void {
    if (sizeBytes <= this.#buffer.length) return
    const { buffers } = this.#means.memory
    const grown = buffers.acquire(Math.max(sizeBytes, this.#expected, this.#buffer.length * 2))
    grown.set(this.#buffer)
    buffers.release(this.#buffer)
    this.#buffer = grown
  }

  #inflate(response: HttpResponse, packed: Uint8Array): void {
    const { bodyBytesMax, bodyBytesHint } = this.#limits
    const { buffers, inflater } = this.#means.memory
    // Some room is left for growth since the last time.
    const chunkSize = Math.max(FIRST_BUFFER_BYTES, bodyBytesHint + (bodyBytesHint >>> 4) + 256)
    const lengthMax = bodyBytesMax > 0 ? Math.max(1, bodyBytesMax - 1) : MAX_LENGTH
    if (bodyBytesHint > 0 && bodyBytesHint <= INLINE_BYTES_MAX) {
      const out = buffers.acquire(chunkSize)
      const length = inflater.inflateInto(packed, out.length > lengthMax ? out.subarray(0, lengthMax) : out)
      if (length !== NOT_INFLATED) {
        buffers.release(packed)
        this.#finishWith(response, out.subarray(0, length))
        return
      }
      buffers.release(out)
    }
    gunzip(packed === this.#whole ? Buffer.from(packed) : packed, { chunkSize, maxOutputLength: lengthMax }, (error, body) => {
      buffers.release(packed)
      if (error === null) this.#finishWith(response, body)
      else if ('code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') this.#fail(tooLarge(bodyBytesMax))
      else this.#fail(new HttpError('BAD_ENCODING', `gzip: ${error.message}`, error))
    })
  }

  #finishWith(response: HttpResponse, body: Uint8Array): void {
    response.body = body
    this.#finish(response)
  }

  #finish(response: HttpResponse): void {
    if (this.#isDone) return
    this.#end()
    this.#settle.resolve(response)
    if (this.#isDiscarded) this.#controller?.abort(new HttpError('ABORTED', 'body not wanted'))
  }

  #fail(error: HttpError): void {
    if (this.#isDone) return
    this.#failure = error
    this.#end()
    this.#settle.reject(error)
    this.#controller?.abort(error)
  }

  #end(): void {
    this.#isDone = true
    this.#means.endings.remove(this)
  }
}

function tooLarge(bodyBytesMax: number): HttpError {
  return new HttpError('BODY_TOO_LARGE', `body size limit exceeded (${bodyBytesMax} bytes, uncompressed)`)
}

function one(header: string | string[] | undefined): string {
  return (Array.isArray(header) ? header[0] : header) ?? ''
}
