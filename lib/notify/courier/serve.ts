// The courier's process: takes messages to where they go, notes what was taken before it says so, and ends with who started it, but
// not before what is under way has ended. Signals of a terminal or a service manager are for that one: it ends by their connection.
import { systemClock } from '../../std/clock.ts'
import { HttpError } from '../../std/http.ts'
import { SmtpError } from '../../std/smtp-error.ts'
import { CarriedLog } from './carried-log.ts'
import type { HttpRoute, Receipt, ToldMessage } from './courier.ts'
import { LocalCourier } from './local-courier.ts'
import { COURIER_PROTOCOL, type CarriedError, type FromCourier, type ToCourier } from './messages.ts'

/** Beyond a request's own deadline, for the line that says how it went. */
const SPARE_MS = 1000
const NEVER: AbortSignal = new AbortController().signal

interface Route {
  route: HttpRoute
  timeoutMs: number
  openCount: number
  isShut: boolean
}

/** Its exit code where who started it says other things than it does. */
const OTHER_PROTOCOL = 64

/** `folder`: where its log lies; `protocol`: of who started it. */
export function serveCourier(folder: string, protocol: string): void {
  if (protocol !== COURIER_PROTOCOL) process.exit(OTHER_PROTOCOL)
  const process_ = new CourierProcess(folder)
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => {})
  process.on('message', (message: ToCourier) => process_.take(message))
  process.on('disconnect', () => process_.leave())
}

class CourierProcess {
  readonly #courier = new LocalCourier(systemClock)
  readonly #routes = new Map<number, Route>()
  readonly #log: CarriedLog
  #openCount = 0
  #isLeft = false

  constructor(folder: string) {
    this.#log = new CarriedLog(folder, systemClock, ({ message }) => this.#say({ kind: 'warn', message }))
  }

  take(message: ToCourier): void {
    switch (message.kind) {
      case 'ping':
        this.#say({ kind: 'pong' })
        break
      case 'open':
        this.#routes.set(message.route, { route: this.#courier.http(message.options, message.timeoutMs), timeoutMs: message.timeoutMs, openCount: 0, isShut: false })
        break
      case 'shut': {
        const route = this.#routes.get(message.route)!
        route.isShut = true
        this.#shut(message.route, route)
        break
      }
      case 'http': {
        const { id, request, told, hasReceipt } = message
        const route = this.#routes.get(message.route)!
        route.openCount++
        void this.#carry(id, told, route.timeoutMs, async (receipt) => {
          try {
            const answer = await route.route.send(request, NEVER, hasReceipt ? receipt : null)
            return (isKept) => ({ kind: 'answer', id, answer, isKept })
          } finally {
            route.openCount--
            this.#shut(message.route, route)
          }
        })
        break
      }
      case 'mail': {
        const { id, mail, told } = message
        // What travels is a plain array of bytes.
        const bytes = Buffer.from(mail.bytes)
        void this.#carry(id, told, mail.timeoutMs, async (receipt) => {
          const refused = await this.#courier.mail({ ...mail, bytes }, NEVER, receipt)
          return (isKept) => ({ kind: 'mailed', id, refused, isKept })
        })
      }
    }
  }

  /** Nobody listens any more. */
  leave(): void {
    this.#isLeft = true
    if (this.#openCount === 0) process.exit(0)
  }

  async #carry(id: number, told: ToldMessage | null, timeoutMs: number, send: (receipt: Receipt) => Promise<(isKept: boolean | null) => FromCourier>): Promise<void> {
    this.#openCount++
    /** The line that says that it was taken. */
    let noted: Promise<boolean> | null = null
    if (told !== null) await this.#log.begin(told.entry, systemClock.now() + timeoutMs + SPARE_MS)
    const onTaken = (): void => {
      noted = told === null ? Promise.resolve(false) : this.#log.taken(told, systemClock.now())
    }
    const ended = async (): Promise<boolean | null> => {
      if (noted === null && told !== null) await this.#log.failed(told.entry)
      return await noted
    }
    try {
      const reply = await send({ told, onTaken })
      this.#say(reply(await ended()))
    } catch (error) {
      await ended()
      this.#say({ kind: 'failed', id, error: carriedError(error) })
    }
    if (--this.#openCount === 0 && this.#isLeft) process.exit(0)
  }

  #shut(id: number, { route, openCount, isShut }: Route): void {
    if (!isShut || openCount > 0) return
    this.#routes.delete(id)
    void route.close()
  }

  #say(message: FromCourier): void {
    if (process.connected) process.send!(message, undefined, undefined, () => {
      // Who started it is gone: the log has it.
    })
  }
}

function carriedError(error: unknown): CarriedError {
  if (error instanceof HttpError) return { kind: 'http', code: error.code, message: error.message }
  if (error instanceof SmtpError) return { kind: 'smtp', stage: error.stage, replyCode: error.replyCode, message: error.message }
  return { kind: 'other', message: error instanceof Error ? error.message : String(error) }
}
