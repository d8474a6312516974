// How calls reach who has the file: through a thread (thread-channel.ts), or in this one (inline-channel.ts).
import type { Clock } from '../std/clock.ts'
import type { Logger } from '../std/log.ts'
import type { MetaMetrics } from './meta-metrics.ts'
import type { Call, Outcome } from './request.ts'

export interface Channel {
  send(call: Call): Promise<Outcome>
  /** Resolves when all that was sent is answered and the file is closed. */
  close(): Promise<void>
}

export interface ChannelOptions {
  folder: string
  clock: Clock
  logger: Logger
  metrics: MetaMetrics
}

/** Of a call that comes too late. */
export function closedOutcome({ method }: Call): Outcome {
  return { value: null, error: `cannot ${method}: Monitor ends` }
}
