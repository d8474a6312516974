// Who takes messages to where they go: a process of its own (process-courier.ts), which a kill of this one leaves alive for as long
// as it has messages under way, or this process (local-courier.ts).
//
//   receivers ─▶ Courier ─▶ [messages.ts] ─▶ serve.ts ─▶ LocalCourier ─▶ HttpClient, SMTP
//                                                └▶ carried-log.ts: what is under way, what was taken
import type { NotificationEntry } from '../../meta/interface.ts'
import type { HttpClientOptions, HttpMethod } from '../../std/http.ts'
import type { Envelope, Refusal, SmtpServer } from '../../std/smtp.ts'

/** What is to stand where a restart looks for it as soon as the other side has taken a message. */
export interface ToldMessage {
  entry: NotificationEntry
  /** Ids of the episodes that it told of, as firing and as resolved. */
  firingIds: readonly string[]
  resolvedIds: readonly string[]
}

export interface Receipt {
  /** null where nothing is to be kept, as of a test message. */
  readonly told: ToldMessage | null
  /** In the turn in which the other side's word is here; `isKept`: `told` stands there already. */
  onTaken(isKept: boolean): void
}

/** What a service says in a 2xx of what it took: a field of a JSON object, or this text. */
export interface Word {
  field: string
  value: string | number | boolean
  text?: string
}

export interface CarriedRequest {
  url: string
  method: HttpMethod
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>
  body: string | Uint8Array | null
  /** The answer's body tells whether it was taken; null: the head of a 2xx does. */
  word: Word | null
}

export interface CarriedAnswer {
  status: number
  /** '' where a header is missing. */
  contentType: string
  location: string
  retryAfter: string
  text: string
}

export interface CarriedMail {
  server: SmtpServer
  envelope: Envelope
  bytes: Buffer
  timeoutMs: number
}

/** Requests of one client's connections and credentials. */
export interface HttpRoute {
  /** Any status is an answer; where the head has told that it was taken, what fails of the body is left out. Rejects with HttpError, or the signal's reason. */
  send(request: CarriedRequest, signal: AbortSignal, receipt: Receipt | null): Promise<CarriedAnswer>
  close(): Promise<void>
}

export interface Courier {
  /** `timeoutMs`: the longest that a request may take. */
  http(options: HttpClientOptions, timeoutMs: number): HttpRoute
  /** Resolves with those who were refused; taken once nobody is. Rejects with SmtpError, or the signal's reason. */
  mail(mail: CarriedMail, signal: AbortSignal, receipt: Receipt | null): Promise<readonly Refusal[]>
  /** What is under way is not cut, but nobody hears of it. */
  close(): void
}

export function isGood(status: number): boolean {
  return status >= 200 && status <= 299
}
