// Who may ask: before any route, each request is held against the web configuration. Headers first, then the limit of requests, then
// name and password, as Prometheus does (exporter-toolkit web/handler.go).
//
//   request ─▶ headers ─▶ limit (429) ─▶ Authorization ─┬─ known by its digest ─▶ in, or 401
//                                                       └─ bcrypt, in a thread ─▶ in, or 401
import { createHmac, randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { WebConfig } from '../lib/config/web-config.ts'
import type { Clock } from '../lib/std/clock.ts'
import { LruMap } from '../lib/std/lru-map.ts'
import type { WebDoor } from './parts.ts'

/** Those that were right and those that were wrong are remembered apart: who guesses makes nobody wait who knows. */
const REMEMBERED_MAX = 1000
/** Of names that there are not: takes as long to refuse as another, so that nobody can ask which names there are. */
const NOBODY = '$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi'
/** Beyond this a password is none (bcrypt reads 72 bytes). */
const CREDENTIALS_CHARS_MAX = 4096

export class Gate {
  readonly #door: WebDoor
  readonly #clock: Clock
  /** Digests of credentials are worthless elsewhere. */
  readonly #key = randomBytes(32)
  readonly #right = new LruMap<true>(REMEMBERED_MAX)
  readonly #wrong = new LruMap<true>(REMEMBERED_MAX)
  /** Being looked at: a page asks for ten things at once. */
  readonly #open = new Map<string, Promise<boolean>>()
  /** Requests that may come now, and when that was. */
  #allowance = Infinity
  #allowedAtMs: number

  constructor(door: WebDoor, clock: Clock) {
    this.#door = door
    this.#clock = clock
    this.#allowedAtMs = clock.monotonic()
  }

  /** Calls `enter` for who may, now or later; others are answered here. */
  admit(request: FastifyRequest, reply: FastifyReply, enter: () => void): void {
    const config = this.#door.config()
    for (const [name, value] of config.headers) reply.header(name, value)
    if (!this.#isWithinLimit(config)) return plain(reply, 429, 'Too Many Requests')
    if (config.users.size === 0) return enter()
    const credentials = credentialsOf(request.headers.authorization)
    if (credentials === null) return refuse(reply)
    const isKnown = this.#knows(config, credentials)
    if (typeof isKnown === 'boolean') {
      if (isKnown) enter()
      else refuse(reply)
      return
    }
    isKnown.then((isRight) => (isRight ? enter() : refuse(reply)), (error: unknown) => plain(reply.header('Retry-After', '1'), 503, error instanceof Error ? error.message : String(error)))
  }

  /** As of a token bucket. */
  #isWithinLimit({ rateLimit }: WebConfig): boolean {
    if (rateLimit === null) return true
    const nowMs = this.#clock.monotonic()
    this.#allowance = Math.min(this.#allowance + (nowMs - this.#allowedAtMs) / rateLimit.intervalMs, rateLimit.burst)
    this.#allowedAtMs = nowMs
    if (this.#allowance < 1) return false
    this.#allowance--
    return true
  }

  #knows({ users }: WebConfig, { name, password }: Credentials): boolean | Promise<boolean> {
    const hash = users.get(name)
    const digest = createHmac('sha256', this.#key).update(JSON.stringify([name, hash ?? '', password])).digest('base64')
    if (this.#right.get(digest) === true) return true
    if (this.#wrong.get(digest) === true) return false
    let open = this.#open.get(digest)
    if (open === undefined) {
      open = this.#door.checkPassword(password, hash ?? NOBODY).then((isMatch) => {
        const isRight = isMatch && hash !== undefined
        ;(isRight ? this.#right : this.#wrong).set(digest, true)
        return isRight
      }).finally(() => this.#open.delete(digest))
      this.#open.set(digest, open)
    }
    return open
  }
}

interface Credentials {
  name: string
  password: string
}

/** Of `Authorization: Basic …`; null for none. */
function credentialsOf(header: string | undefined): Credentials | null {
  const encoded = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(header ?? '')?.[1]
  if (encoded === undefined || encoded.length > CREDENTIALS_CHARS_MAX) return null
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? null : { name: text.slice(0, colon), password: text.slice(colon + 1) }
}

function refuse(reply: FastifyReply): void {
  plain(reply.header('WWW-Authenticate', 'Basic realm="Monitor", charset="UTF-8"'), 401, 'Unauthorized')
}

function plain(reply: FastifyReply, status: number, text: string): void {
  reply.code(status).type('text/plain; charset=utf-8').send(`${text}\n`)
}
