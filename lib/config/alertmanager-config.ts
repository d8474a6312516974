// The checked form of alertmanager.yml, and of the same keys inside monitor.yml. Durations are ms. Names and defaults are
// Alertmanager's (alertmanager config/config.go); templates are texts still.
import type { Matcher } from '../model/matcher.ts'
import type { TimeInterval } from '../model/time-interval.ts'
import type { ReceiverConfig } from './receiver-config.ts'
import type { ReceiverGlobals } from './receivers/globals.ts'

export interface RouteConfig {
  /** Name; the root's is inherited. */
  receiver: string
  /** null: by all labels (`...`). */
  groupBy: readonly string[] | null
  /** For templates, parents' included; values are templates. */
  labels: ReadonlyMap<string, string>
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

/** Monitor's own: who is told of a group where its receiver was not reached for `afterMs`. */
export interface FallbackConfig {
  receiver: string
  afterMs: number
}

/** What becomes of alerts. */
export interface PipelineConfig {
  /** How long an alert without an end holds after it was last told of. */
  resolveTimeoutMs: number
  route: RouteConfig
  /** What integrations fall back on, and rules for all of them. */
  globals: ReceiverGlobals
  receivers: readonly ReceiverConfig[]
  inhibitRules: readonly InhibitRule[]
  timeIntervals: ReadonlyMap<string, readonly TimeInterval[]>
  /** Absolute patterns of files. */
  templates: readonly string[]
  /** What the files hold, once they are read (cmd/config-file.ts); `name` is a file's without its folder. */
  templateFiles: readonly { name: string; text: string }[]
  escalations: readonly EscalationPolicy[]
  /** null: nobody. */
  fallback: FallbackConfig | null
}
