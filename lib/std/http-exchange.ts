// One request and its answer over undici's dispatch interface, its cheapest: no streams, no promise per chunk. A plain
// body is copied into one buffer sized by Content-Length or the caller's hint (so that no pooled slab is retained);
// a gzip body is inflated on the thread pool, never past the limit.
import { gunzip } from 'node:zlib'
import type { Dispatcher } from 'undici'
import type { Clock, Timer } from './clock.ts'
import { HttpError, toHttpError } from './http-error.ts'

export interface HttpResponse {
  status: number
  /** `200 OK`, as the server wrote it. */
  statusText: string
  /** '' where the header is missing. */
  contentType: string
  /** '' where the answer is no redirect. */
  location: string
  /** Decoded; memory of its own. Empty unless the status is 200. */
  body: Uint8Array
}

export interface ExchangeLimits {
  /** A decoded body of this many bytes or more is refused while it streams in; 0: no limit. */
  bodyBytesMax: number
  /** Expected size of the decoded body, to take memory once. */
  bodyBytesHint: number
}

/** A body of an answer that is not 200 is read this far, to keep the connection, and dropped. */
const DISCARD_BYTES_MAX = 65_536
const FIRST_BUFFER_BYTES = 16_384
const NO_BYTES = new Uint8Array(0)

/** Dispatches one request; resolves with the whole answer, rejects with HttpError. `deadlineMs` is relative and covers everything. */
export function exchange(
  dispatcher: Dispatcher, options: Dispatcher.DispatchOptions, limits: ExchangeLimits, clock: Clock, deadline: Deadline,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    dispatcher.dispatch(options, new Exchange(limits, clock, deadline, resolve, reject))
  })
}

/** When an exchange, redirects included, must have ended. */
export interface Deadline {
  /** On the clock's monotonic scale. */
  atMs: number
  signal: AbortSignal | null
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #limits: ExchangeLimits
  readonly #timer: Timer
  readonly #signal: AbortSignal | null
  readonly #resolve: (response: HttpResponse) => void
  readonly #reject: (error: HttpError) => void
  #controller: Dispatcher.DispatchController | null = null
  #failure: HttpError | null = null
  #isDone = false
  #response: HttpResponse | null = null
  #isGzip = false
  #isDiscarded = false
  #chunks: Buffer[] = []
  #buffer: Uint8Array = NO_BYTES
  #received = 0

  constructor(
    limits: ExchangeLimits, clock: Clock, deadline: Deadline,
    resolve: (response: HttpResponse) => void, reject: (error: HttpError) => void,
  ) {
    this.#limits = limits
    this.#resolve = resolve
    this.#reject = reject
    this.#timer = clock.after(Math.max(0, deadline.atMs - clock.monotonic()), () => this.#fail(new HttpError('TIMEOUT', 'context deadline exceeded')))
    this.#signal = deadline.signal
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (this.#signal?.aborted) this.#onAbort()
  }

  readonly #onAbort = (): void => this.#fail(new HttpError('ABORTED', 'request cancelled'))

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // The deadline may have passed while the connection was made.
    if (this.#failure !== null) controller.abort(this.#failure)
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>, statusText?: string): void {
    if (status < 200) return
    const location = status >= 300 && status < 400 ? one(headers['location']) : ''
    this.#response = {
      status, location, body: NO_BYTES, contentType: one(headers['content-type']),
      statusText: `${status} ${statusText ?? ''}`.trim(),
    }
    this.#isDiscarded = status !== 200
    this.#isGzip = one(headers['content-encoding']).toLowerCase() === 'gzip'
    const length = Number(one(headers['content-length']) || 0)
    if (!this.#isDiscarded && this.#isOver(length)) this.#fail(tooLarge(this.#limits.bodyBytesMax))
    else if (!this.#isDiscarded && !this.#isGzip) this.#buffer = new Uint8Array(length > 0 ? length : this.#limits.bodyBytesHint)
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#failure !== null) return
    this.#received += chunk.length
    if (this.#isDiscarded) {
      if (this.#received > DISCARD_BYTES_MAX) this.#finish(this.#response!)
    } else if (this.#isOver(this.#received)) {
      this.#fail(tooLarge(this.#limits.bodyBytesMax))
    } else if (this.#isGzip) {
      this.#chunks.push(chunk)
    } else {
      this.#reserve(this.#received)
      this.#buffer.set(chunk, this.#received - chunk.length)
    }
  }

  onResponseEnd(): void {
    const response = this.#response!
    if (this.#isDone) return
    if (this.#isDiscarded) this.#finish(response)
    else if (this.#isGzip) this.#inflate(response)
    else this.#finish({ ...response, body: fitted(this.#buffer, this.#received) })
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(toHttpError(error, this.#response !== null))
  }

  #isOver(sizeBytes: number): boolean {
    return this.#limits.bodyBytesMax > 0 && sizeBytes >= this.#limits.bodyBytesMax
  }

  #reserve(sizeBytes: number): void {
    if (sizeBytes <= this.#buffer.length) return
    const grown = new Uint8Array(Math.max(sizeBytes, this.#buffer.length * 2, FIRST_BUFFER_BYTES))
    grown.set(this.#buffer)
    this.#buffer = grown
  }

  #inflate(response: HttpResponse): void {
    const { bodyBytesMax, bodyBytesHint } = this.#limits
    const packed = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    this.#chunks = []
    // A body that fits into one chunk is not copied again. Some room is left for growth since the last time.
    const chunkSize = Math.max(FIRST_BUFFER_BYTES, bodyBytesHint + (bodyBytesHint >>> 6) + 256)
    const maxOutputLength = bodyBytesMax > 0 ? Math.max(1, bodyBytesMax - 1) : undefined
    gunzip(packed, { chunkSize, ...(maxOutputLength !== undefined && { maxOutputLength }) }, (error, body) => {
      if (error === null) this.#finish({ ...response, body: fitted(body, body.length) })
      else if ('code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') this.#fail(tooLarge(bodyBytesMax))
      else this.#fail(new HttpError('BAD_ENCODING', `gzip: ${error.message}`, error))
    })
  }

  #finish(response: HttpResponse): void {
    if (this.#isDone) return
    this.#end()
    this.#resolve(response)
    if (this.#isDiscarded) this.#controller?.abort(new HttpError('ABORTED', 'body not wanted'))
  }

  #fail(error: HttpError): void {
    if (this.#isDone) return
    this.#failure = error
    this.#end()
    this.#chunks = []
    this.#reject(error)
    this.#controller?.abort(error)
  }

  #end(): void {
    this.#isDone = true
    this.#timer.cancel()
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}

function tooLarge(bodyBytesMax: number): HttpError {
  return new HttpError('BODY_TOO_LARGE', `body size limit exceeded (${bodyBytesMax} bytes, uncompressed)`)
}

/** The first `length` bytes, in memory that is not much larger: what is kept until the next scrape. */
function fitted(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.buffer.byteLength > length + (length >>> 3) + 1024 ? Uint8Array.from(bytes.subarray(0, length)) : bytes.subarray(0, length)
}

function one(header: string | string[] | undefined): string {
  return (Array.isArray(header) ? header[0] : header) ?? ''
}
