// One request to an S3 server: signed, sent, judged, and sent again where that may help.
//
//   5xx, 429, 408, no answer, a body that came damaged ─▶ again, after 1 s … 5 min (twice as long each time, with jitter), or
//   what Retry-After says │ 4xx ─▶ an error that says what the server said
import type { Clock } from '../../lib/std/clock.ts'
import { sleep } from '../../lib/std/clock.ts'
import { HttpError } from '../../lib/std/http-error.ts'
import { HttpTransfer, type TransferAnswer } from '../../lib/std/http-transfer.ts'
import type { TlsOptions } from '../../lib/std/http.ts'
import type { Random } from '../../lib/std/random.ts'
import { ObjectStoreError } from './object-store.ts'
import { xmlText } from './s3-xml.ts'
import { queryOf, signedHeaders, uriEncode, type Credentials } from '../../lib/std/sigv4.ts'

export interface S3Options {
  /** `https://host[:port]`; '' for AWS' own. */
  endpoint: string
  bucket: string
  region: string
  /** Bucket in the path instead of the host name: what servers on one address want. */
  isPathStyle: boolean
  /** Asked for each request, so that renewed keys are taken up. Throws where there are none. */
  credentials: () => Credentials
  tls: TlsOptions | null
  /** How often a request is sent at most, and the wait before the second time. */
  attempts: number
  firstWaitMs: number
  /** Requests under way at a time. */
  connections: number
  /** How long an answer may take to begin; not given: as long as a whole one. */
  headersMs?: number
}

export interface S3Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** '' for the bucket itself. */
  key: string
  query?: Readonly<Record<string, string>>
  headers?: Readonly<Record<string, string>>
  body?: Uint8Array
  /** Statuses beside 2xx that are answers. */
  also?: readonly number[]
  /** Bytes wanted of an object; texts of the server need not be counted. */
  bytesMax?: number
}

const WAIT_MS_MAX = 300_000
const ANSWER_MS = 30_000
/** A server slower than this is given up. */
const BYTES_PER_MS_MIN = 100
const TEXT_BYTES_MAX = 16 << 20
/** Codes of errors of the client that are chance: the body or the connection was damaged on its way. */
const CHANCE: ReadonlySet<string> = new Set(['BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody', 'RequestTimeout'])

export class S3Requests {
  readonly #options: S3Options
  readonly #clock: Clock
  readonly #random: Random
  readonly #transfer: HttpTransfer
  readonly #closing = new AbortController()
  readonly #base: URL

  constructor(options: S3Options, clock: Clock, random: Random) {
    this.#options = options
    this.#clock = clock
    this.#random = random
    this.#transfer = new HttpTransfer(clock, options.tls, options.connections)
    const endpoint = new URL(options.endpoint === '' ? `https://s3.${options.region}.amazonaws.com` : options.endpoint)
    if (!options.isPathStyle) endpoint.host = `${options.bucket}.${endpoint.host}`
    this.#base = endpoint
  }

  /** Rejects with ObjectStoreError. */
  async send(request: S3Request): Promise<TransferAnswer> {
    for (let attempt = 1; ; attempt++) {
      let failure: { error: ObjectStoreError; mayPass: boolean; waitMs: number }
      try {
        const answer = await this.#once(request)
        if (isAnswer(answer, request)) return answer
        failure = this.#judge(answer, request)
      } catch (error) {
        if (!(error instanceof HttpError)) throw error
        failure = { error: this.#failed(request, 'UNREACHABLE', error.message, error), mayPass: error.code !== 'ABORTED', waitMs: 0 }
      }
      if (!failure.mayPass || attempt >= this.#options.attempts) throw failure.error
      const waitMs = Math.min(WAIT_MS_MAX, this.#options.firstWaitMs * 2 ** (attempt - 1)) * (0.5 + this.#random.float() / 2)
      await sleep(this.#clock, Math.min(WAIT_MS_MAX, Math.max(waitMs, failure.waitMs)), this.#closing.signal)
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new ObjectStoreError('UNREACHABLE', 'the store was closed'))
    await this.#transfer.close()
  }

  #once({ method, key, query = {}, headers = {}, body, bytesMax = 0 }: S3Request): Promise<TransferAnswer> {
    const { isPathStyle, bucket, region, credentials } = this.#options
    const url = new URL(this.#base)
    const parts = [...(isPathStyle ? [bucket] : []), ...key.split('/')]
    url.pathname = `/${parts.map(uriEncode).join('/')}`
    url.search = queryOf(query)
    const signed = signedHeaders({ method, url, headers, body: body ?? null }, credentials(), { region, service: 's3' }, this.#clock.now())
    const timeoutMs = ANSWER_MS + ((body?.length ?? 0) + bytesMax) / BYTES_PER_MS_MIN
    return this.#transfer.send({ method, url, headers: signed, body: body ?? null, timeoutMs, headersMs: this.#options.headersMs ?? 0, bodyBytesMax: bytesMax + TEXT_BYTES_MAX })
  }

  #judge(answer: TransferAnswer, request: S3Request): { error: ObjectStoreError; mayPass: boolean; waitMs: number } {
    const text = Buffer.from(answer.body).toString('utf8')
    const code = xmlText(text, 'Code')
    const said = [`${answer.status}`, code, xmlText(text, 'Message')].filter((part) => part !== '').join(' ')
    const { status } = answer
    const mayPass = status >= 500 || status === 429 || status === 408 || CHANCE.has(code) || status < 300
    const kind = mayPass ? 'UNREACHABLE' : status === 404 && code !== 'NoSuchBucket' ? 'NOT_FOUND' : 'REFUSED'
    const advice = ADVICE[code] ?? (code === '' ? UNSAID[status] : undefined) ?? (status === 403 ? ADVICE['AccessDenied'] : undefined)
    const why = code === '' && request.method === 'HEAD' ? `${said}, and no reason, as answers to HEAD have none` : said
    return {
      error: this.#failed(request, kind, advice === undefined ? why : `${why} (${advice})`), mayPass,
      waitMs: retryAfterMs(answer.headers.get('retry-after') ?? '', this.#clock.now()),
    }
  }

  #failed({ method, key }: S3Request, code: 'UNREACHABLE' | 'REFUSED' | 'NOT_FOUND', why: string, cause?: unknown): ObjectStoreError {
    return new ObjectStoreError(code, `cannot ${method} ${key === '' ? 'the bucket' : key} at ${this.#base.origin}, bucket ${this.#options.bucket}: ${why}`, cause)
  }
}

/** Multipart uploads, of files beyond 16 MiB, want the last two. */
const PERMISSIONS = 'the key needs s3:GetObject, PutObject, DeleteObject, ListBucket, ListBucketMultipartUploads and AbortMultipartUpload on this bucket'

const ADVICE: Readonly<Record<string, string>> = {
  AccessDenied: PERMISSIONS,
  SignatureDoesNotMatch: 'check secret_key and region',
  InvalidAccessKeyId: 'check access_key',
  NoSuchBucket: 'make the bucket, or check its name and the endpoint',
  RequestTimeTooSkewed: 'set this machine\'s clock',
  AuthorizationHeaderMalformed: 'check region',
  PermanentRedirect: 'check region and endpoint',
}

/** Where the server gives no reason. */
const UNSAID: Readonly<Record<number, string>> = {
  301: 'check region and endpoint',
  400: 'check region, and that this machine\'s clock is right',
  401: 'check access_key and secret_key',
  403: `check access_key, secret_key, region and this machine's clock; if they are right, ${PERMISSIONS} by its policy`,
}

/** A 200 that tells of an error in its body is one: CompleteMultipartUpload answers so. */
function isAnswer({ status, body }: TransferAnswer, { method, also = [] }: S3Request): boolean {
  if (also.includes(status)) return true
  if (status < 200 || status > 299) return false
  return method !== 'POST' || !Buffer.from(body.subarray(0, 512)).toString('latin1').includes('<Error>')
}

/** Seconds or a date (RFC 9110 §10.2.3); 0 where it is neither. */
function retryAfterMs(text: string, nowMs: number): number {
  if (/^\d{1,6}$/.test(text)) return Number(text) * 1000
  const t = Date.parse(text)
  return Number.isNaN(t) ? 0 : Math.max(0, t - nowMs)
}
