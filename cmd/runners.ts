// What evaluates queries and rules for the server, in threads or in the main one.
import type { PendingSink, SentAlert } from '../lib/model/alert.ts'
import type { RuleSettings } from '../lib/rules/manager.ts'
import type { Clock } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Metrics } from '../lib/std/metrics.ts'
import type { Database } from '../storage/database.ts'
import { SLOT_COUNT } from '../storage/head/shared-heap.ts'
import type { QueryRunner, RuleRetriever } from '../web/parts.ts'

export interface StoppableRunner extends QueryRunner {
  stop(): Promise<void>
}

export interface RulesRunner extends RuleRetriever {
  /** The rules from now on. */
  apply(settings: RuleSettings): void
  stop(): Promise<void>
}

export interface RulesGround {
  clock: Clock
  logger: Logger
  metrics: Metrics
  db: Database
  /** `hasMore`: others of the same evaluation follow at once. */
  onAlerts: (alerts: readonly SentAlert[], hasMore?: boolean) => void
  pending: PendingSink
}

/** Reader slots: of the rules, of their tests and their baselines; the last two are main's and that of jobs on blocks. */
export const RULES_SLOT: number = SLOT_COUNT - 3
export const BACKTEST_SLOT: number = SLOT_COUNT - 4
export const BASELINE_SLOT: number = SLOT_COUNT - 5
/** Those before are of query workers. */
export const QUERY_SLOTS: number = BASELINE_SLOT
