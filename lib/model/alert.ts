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
