// An alert on its way from the rules to those who tell people of it.
import type { Labels } from './labels.ts'

export interface SentAlert {
  /** `alertname` among them; external labels are not. */
  labels: Labels
  annotations: ReadonlyMap<string, string>
  /** Unix ms: since when it fires. */
  startsAtMs: number
  /** Unix ms: since when its condition holds; `startsAtMs` where the sender does not tell. */
  activeAtMs: number
  /** Of its expression at the last evaluation; null where the sender does not tell. */
  value: number | null
  /** Unix ms: when it was resolved, or until when it holds without a further word. */
  endsAtMs: number
  /** The sender told no end; `endsAtMs` is what resolve_timeout makes of that. */
  isTimeout?: true
  /** Page of its expression. */
  generatorUrl: string
}

/** An alert that waits for its `for`, or did so in vain: nobody is told of it, and its history is kept. */
export interface PendingAlert {
  labels: Labels
  annotations: ReadonlyMap<string, string>
  /** Unix ms: since when its condition holds. */
  activeAtMs: number
  /** Unix ms at which it ended without having fired; null: it goes on. */
  endedAtMs: number | null
  /** Of its expression at the last evaluation. */
  value: number
  /** Page of its expression. */
  generatorUrl: string
}

/** Where pending alerts come from: those that began or ended, a part at a time. */
export interface PendingSink {
  /** `lostCount`: episodes that came too fast to be told. */
  receive(alerts: readonly PendingAlert[], lostCount: number): void
  /** Who evaluates the rules begins anew: it tells again what still is pending. */
  doubt(): void
}
