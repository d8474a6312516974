// What Monitor and the process of its courier say to each other.
import type { HttpClientOptions } from '../../std/http.ts'
import type { HttpErrorCode } from '../../std/http-error.ts'
import type { SmtpError } from '../../std/smtp-error.ts'
import type { Refusal } from '../../std/smtp.ts'
import type { CarriedAnswer, CarriedMail, CarriedRequest, ToldMessage } from './courier.ts'

/** Of what the two say: a program that was replaced on disk while it runs may start a courier of the one that took its place. */
export const COURIER_PROTOCOL = '3'

export type ToCourier =
  | { kind: 'ping' }
  | { kind: 'open'; route: number; options: HttpClientOptions; timeoutMs: number }
  /** Once what it was asked has ended. */
  | { kind: 'shut'; route: number }
  /** `hasReceipt`: it is the last of a try; of one before the whole answer counts. */
  | { kind: 'http'; id: number; route: number; request: CarriedRequest; told: ToldMessage | null; hasReceipt: boolean }
  | { kind: 'mail'; id: number; mail: CarriedMail; told: ToldMessage | null }

/** An error as it travels. */
export type CarriedError =
  | { kind: 'http'; code: HttpErrorCode; message: string }
  | { kind: 'smtp'; stage: SmtpError['stage']; replyCode: number; message: string }
  /** Of ours. */
  | { kind: 'other'; message: string }

/** `isKept`: null where it was not taken, else whether `told` stands in the courier's log. */
export type FromCourier =
  | { kind: 'pong' }
  | { kind: 'answer'; id: number; answer: CarriedAnswer; isKept: boolean | null }
  | { kind: 'mailed'; id: number; refused: readonly Refusal[]; isKept: boolean | null }
  | { kind: 'failed'; id: number; error: CarriedError }
  | { kind: 'warn'; message: string }
