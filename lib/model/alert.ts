// An alert on its way from the rules to those who tell people of it.
import type { Labels } from './labels.ts'

export interface SentAlert {
  /** `alertname` among them; external labels are not. */
  labels: Labels
  annotations: ReadonlyMap<string, string>
  /** Unix ms. */
  startsAtMs: number
  /** Unix ms: when it was resolved, or until when it holds without a further word. */
  endsAtMs: number
  /** Page of its expression. */
  generatorUrl: string
}
