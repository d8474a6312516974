// The checked form of alertmanager.yml, and of the same keys inside monitor.yml. Durations are ms. Names and defaults are
// Alertmanager's (alertmanager config/config.go); templates are texts still.
import type { Matcher } from '../model/matcher.ts'

export interface RouteConfig {
  /** Name; the root's is inherited. */
  receiver: string
  /** null: by all labels (`...`). */
  groupBy: readonly string[] | null
  matchers: readonly Matcher[]
  isContinued: boolean
  groupWaitMs: number
  groupIntervalMs: number
  repeatIntervalMs: number
  muteTimeIntervals: readonly string[]
  activeTimeIntervals: readonly string[]
  /** Name of an escalation policy, '' for none; Monitor's own key `escalation`. */
  escalation: string
  routes: readonly RouteConfig[]
}

export interface InhibitRule {
  sourceMatchers: readonly Matcher[]
  targetMatchers: readonly Matcher[]
  equal: readonly string[]
}

/** Monitor's own: steps that are told one after another until someone acknowledges. */
export interface EscalationPolicy {
  name: string
  /** `afterMs` of the first firing. */
  steps: readonly { afterMs: number; receiver: string }[]
}
