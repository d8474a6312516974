// Who evaluates rules: a thread of their own, or with --threads=0 the main thread itself; baselines of anomalies have one in either case.
import { engineFeatures } from '../lang/parse/features.ts'
import type { RuleGroupConfig } from '../lib/config/rule-config.ts'
import type { Config } from '../lib/config/scrape-config.ts'
import type { RuleSettings } from '../lib/rules/manager.ts'
import { RuleMetrics } from '../lib/rules/rule-metrics.ts'
import { RuleWriter } from '../lib/rules/rule-writer.ts'
import { BaselineThread } from '../lib/rules/baseline/baseline-thread.ts'
import { RulesThread } from '../lib/rules/thread.ts'
import type { BaselineWorkerData } from './baseline-worker.ts'
import { engineSettings } from './engine-options.ts'
import type { Flags } from './flags.ts'
import type { RulesWorkerData } from './rules-worker.ts'
import { BASELINE_SLOT, RULES_SLOT, type RulesGround, type RulesRunner } from './runners.ts'

export async function makeRulesRunner(flags: Flags, config: Config, ground: RulesGround): Promise<RulesRunner> {
  const features = engineFeatures([...flags.features, ...config.features])
  const engine = engineSettings(flags, config)
  const { clock, logger, metrics, db, onAlerts, pending } = ground
  const limits = { timeoutMs: flags.queryTimeoutMs, lookbackMs: flags.lookbackMs }
  // Also with --threads=0: hours of weeks in one go would hold scrapes up, and the thread is gone when it has nothing to do.
  const baselines = new BaselineThread({
    workerUrl: new URL('./baseline-worker.ts', import.meta.url),
    workerData: { handle: db.handle(), slot: BASELINE_SLOT, engine, ...limits } satisfies BaselineWorkerData,
    clock, queryTimeoutMs: flags.queryTimeoutMs, onGone: () => db.releaseSlot(BASELINE_SLOT),
  })
  if (flags.threads === 0) {
    // Else main need not load what evaluates.
    const { InlineRules } = await import('./inline-rules.ts')
    return new InlineRules({ ...engine, clock }, features, flags, { ...ground, baselines })
  }
  return new RulesThread({
    workerUrl: new URL('./rules-worker.ts', import.meta.url),
    workerData: {
      handle: db.handle(), slot: RULES_SLOT, engine, ...limits,
      restoreLimits: flags.restoreLimits, resendMs: flags.resendMs, log: { level: flags.logLevel, format: flags.logFormat },
    } satisfies RulesWorkerData,
    writer: new RuleWriter(db), metrics: new RuleMetrics(metrics), clock, logger, queryTimeoutMs: flags.queryTimeoutMs, onAlerts, pending, baselines,
    onGone: () => db.releaseSlot(RULES_SLOT),
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
