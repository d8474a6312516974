// Who evaluates rules: a thread of their own, or with --threads=0 the main thread itself.
import os from 'node:os'
import { Engine, type EngineOptions } from '../lang/engine.ts'
import type { QueryReply } from '../lang/job.ts'
import type { EngineFeatures } from '../lang/parse/ast.ts'
import { engineFeatures } from '../lang/parse/features.ts'
import type { Config } from '../lib/config/scrape-config.ts'
import { RuleWriteError } from '../lib/rules/group.ts'
import { groupKey, RuleManager, type RuleSettings } from '../lib/rules/manager.ts'
import { answerRules, type RuleRequest } from '../lib/rules/rule-list.ts'
import { reportOf, RuleMetrics } from '../lib/rules/rule-metrics.ts'
import { engineQuery } from '../lib/rules/rule-query.ts'
import { RuleWriter } from '../lib/rules/rule-writer.ts'
import { RulesThread } from '../lib/rules/thread.ts'
import type { Clock } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Metrics } from '../lib/std/metrics.ts'
import type { Database } from '../storage/database.ts'
import { SLOT_COUNT } from '../storage/head/shared-heap.ts'
import { StoreQueryable } from '../storage/store-querier.ts'
import type { RuleRetriever } from '../web/parts.ts'
import type { Flags } from './flags.ts'
import type { RulesWorkerData } from './rules-worker.ts'

export interface RulesRunner extends RuleRetriever {
  /** The rules from now on. */
  apply(settings: RuleSettings): void
  stop(): Promise<void>
}

interface Ground {
  clock: Clock
  logger: Logger
  metrics: Metrics
  db: Database
}

/** Reader slot of the rules; the last two are main's and that of jobs on blocks. */
const RULES_SLOT = SLOT_COUNT - 3

export function makeRulesRunner(flags: Flags, config: Config, ground: Ground): RulesRunner {
  const features = engineFeatures([...flags.features, ...config.features])
  const engine: Partial<Omit<EngineOptions, 'clock'>> = {
    features, samplesMax: flags.querySamplesMax, subqueryStepMs: config.global.evaluationIntervalMs,
  }
  if (flags.threads === 0) return new InlineRules(new Engine({ ...engine, clock: ground.clock }), features, flags, ground)
  const { clock, logger, metrics, db } = ground
  return new RulesThread({
    workerUrl: new URL('./rules-worker.ts', import.meta.url),
    workerData: {
      handle: db.handle(), slot: RULES_SLOT, engine, timeoutMs: flags.queryTimeoutMs, lookbackMs: flags.lookbackMs,
      log: { level: flags.logLevel, format: flags.logFormat },
    } satisfies RulesWorkerData,
    writer: new RuleWriter(db), metrics: new RuleMetrics(metrics), clock, logger, queryTimeoutMs: flags.queryTimeoutMs, onGone: () => db.releaseSlot(RULES_SLOT),
  })
}

/** What the rules take from a configuration whose groups are all read; `url` is where this server listens. */
export function ruleSettings({ global, rules }: Config, flags: Flags): RuleSettings {
  return {
    groups: rules.groups, evaluationIntervalMs: global.evaluationIntervalMs, queryOffsetMs: global.ruleQueryOffsetMs,
    externalLabels: global.externalLabels,
    externalUrl: flags.externalUrl === '' ? `http://${os.hostname()}:${flags.listenPort}` : flags.externalUrl.replace(/\/$/, ''),
  }
}

/** Evaluates in the main thread: for tiny machines and for embedding. */
class InlineRules implements RulesRunner {
  readonly #manager: RuleManager
  readonly #metrics: RuleMetrics
  readonly #queryable: StoreQueryable
  readonly #logger: Logger
  #applying = Promise.resolve()

  constructor(engine: Engine, features: EngineFeatures, flags: Flags, { db, clock, logger, metrics }: Ground) {
    const queryable = new StoreQueryable(db.handle(), RULES_SLOT)
    const writer = new RuleWriter(db)
    this.#queryable = queryable
    this.#logger = logger
    this.#metrics = new RuleMetrics(metrics)
    this.#manager = new RuleManager({
      query: engineQuery(engine, queryable, { timeoutMs: flags.queryTimeoutMs, lookbackMs: flags.lookbackMs }),
      write: async (timeMs, rows) => {
        try {
          return writer.write(timeMs, rows)
        } catch (cause) {
          // A full disk, too many series: the rule shows it, and the next evaluation tries again.
          throw new RuleWriteError(cause instanceof Error ? cause.message : String(cause), { cause })
        }
      },
      queryable, features, clock, logger,
      onEvaluated: (group) => this.#metrics.evaluated(reportOf(group), clock.monotonic()),
      onExpanded: (isGood) => this.#metrics.expanded(isGood),
    })
  }

  apply(settings: RuleSettings): void {
    this.#applying = this.#applying.then(() => this.#manager.apply(settings))
      .then(() => this.#metrics.setGroups(this.#manager.groups().map(({ config }) => groupKey(config))))
      .catch((error: unknown) => this.#logger.error('the rules could not be applied', { err: error instanceof Error ? error : String(error) }))
  }

  ask(request: RuleRequest): Promise<QueryReply> {
    return Promise.resolve(answerRules(this.#manager.groups(), request))
  }

  async stop(): Promise<void> {
    await this.#applying
    await this.#manager.stop()
    this.#queryable.close()
  }
}
