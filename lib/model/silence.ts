// A silence: alerts that all of one of its matcher sets match are told to no one while it is active. As Alertmanager's.
import type { Matcher } from './matcher.ts'

export interface Silence {
  /** UUID. */
  id: string
  /** Sets of matchers; an alert is silenced where all of one set match. */
  matcherSets: readonly (readonly Matcher[])[]
  /** Unix ms: active from here … */
  startsAtMs: number
  /** … to before here. */
  endsAtMs: number
  updatedAtMs: number
  createdBy: string
  comment: string
  annotations: ReadonlyMap<string, string>
}
