// Who evaluates rules: a thread of their own, or with --threads=0 the main thread itself.
import type { EngineOptions } from '../lang/engine.ts'
import { engineFeatures } from '../lang/parse/features.ts'
import type { RuleGroupConfig } from '../lib/config/rule-config.ts'
import type { Config } from '../lib/config/scrape-config.ts'
import type { SentAlert } from '../lib/model/alert.ts'
import type { RuleSettings } from '../lib/rules/manager.ts'
import { RuleMetrics } from '../lib/rules/rule-metrics.ts'
import { RuleWriter } from '../lib/rules/rule-writer.ts'
import { RulesThread } from '../lib/rules/thread.ts'
import type { Clock } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Metrics } from '../lib/std/metrics.ts'
import type { Database } from '../storage/database.ts'
import { SLOT_COUNT } from '../storage/head/shared-heap.ts'
import type { RuleRetriever } from '../web/parts.ts'
import type { Flags } from './flags.ts'
import type { RulesWorkerData } from './rules-worker.ts'

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
}

/** Reader slot of the rules; the last two are main's and that of jobs on blocks. */
export const RULES_SLOT: number = SLOT_COUNT - 3

export async function makeRulesRunner(flags: Flags, config: Config, ground: RulesGround): Promise<RulesRunner> {
  const features = engineFeatures([...flags.features, ...config.features])
  const engine: Partial<Omit<EngineOptions, 'clock'>> = {
    features, samplesMax: flags.querySamplesMax, subqueryStepMs: config.global.evaluationIntervalMs,
  }
  if (flags.threads === 0) {
    // Else main need not load what evaluates.
    const { InlineRules } = await import('./inline-rules.ts')
    return new InlineRules({ ...engine, clock: ground.clock }, features, flags, ground)
  }
  const { clock, logger, metrics, db, onAlerts } = ground
  return new RulesThread({
    workerUrl: new URL('./rules-worker.ts', import.meta.url),
    workerData: {
      handle: db.handle(), slot: RULES_SLOT, engine, timeoutMs: flags.queryTimeoutMs, lookbackMs: flags.lookbackMs,
      restoreLimits: flags.restoreLimits, resendMs: flags.resendMs, log: { level: flags.logLevel, format: flags.logFormat },
    } satisfies RulesWorkerData,
    writer: new RuleWriter(db), metrics: new RuleMetrics(metrics), clock, logger, queryTimeoutMs: flags.queryTimeoutMs, onAlerts, onGone: () => db.releaseSlot(RULES_SLOT),
  })
}

/** What the rules take from a configuration whose groups are all read, and from those made by API. */
export function ruleSettings({ global, rules }: Config, flags: Flags, made: readonly RuleGroupConfig[]): RuleSettings {
  return {
    groups: [...rules.groups, ...made], evaluationIntervalMs: global.evaluationIntervalMs, queryOffsetMs: global.ruleQueryOffsetMs,
    externalLabels: global.externalLabels,
    externalUrl: flags.externalUrl,
  }
}
