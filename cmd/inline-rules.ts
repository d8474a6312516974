// Rules in the main thread: with --threads=0.
import { Engine, type EngineOptions } from '../lang/engine.ts'
import type { QueryReply } from '../lang/job.ts'
import type { EngineFeatures } from '../lang/parse/ast.ts'
import { RuleWriteError } from '../lib/rules/group.ts'
import { AwaitedPast } from '../lib/rules/baseline/awaited-past.ts'
import type { BaselineThread } from '../lib/rules/baseline/baseline-thread.ts'
import { RuleManager, type RuleSettings } from '../lib/rules/manager.ts'
import { PendingNotes } from '../lib/rules/pending-notes.ts'
import { answerRules, type RuleRequest } from '../lib/rules/rule-list.ts'
import { reportOf, RuleMetrics } from '../lib/rules/rule-metrics.ts'
import { engineQuery } from '../lib/rules/rule-query.ts'
import { RuleWriter } from '../lib/rules/rule-writer.ts'
import { WindowQueries } from '../lib/rules/window/window-query.ts'
import type { Logger } from '../lib/std/log.ts'
import { StoreQueryable } from '../storage/store-querier.ts'
import type { Flags } from './flags.ts'
import { RULES_SLOT, type RulesGround, type RulesRunner } from './runners.ts'

/** Evaluates in the main thread, but for baselines of anomalies: for tiny machines and for embedding. */
export class InlineRules implements RulesRunner {
  readonly #manager: RuleManager
  readonly #metrics: RuleMetrics
  readonly #windows: WindowQueries
  readonly #queryable: StoreQueryable
  readonly #baselines: BaselineThread
  readonly #logger: Logger
  #applying = Promise.resolve()

  constructor(options: Partial<EngineOptions>, features: EngineFeatures, flags: Flags, ground: RulesGround & { baselines: BaselineThread }) {
    const { db, clock, logger, metrics, onAlerts, pending, baselines } = ground
    const queryable = new StoreQueryable(db.handle(), RULES_SLOT)
    const writer = new RuleWriter(db)
    this.#queryable = queryable
    this.#logger = logger
    this.#metrics = new RuleMetrics(metrics)
    this.#baselines = baselines
    const engine = new Engine(options)
    const query = engineQuery(engine, queryable, { timeoutMs: flags.queryTimeoutMs, lookbackMs: flags.lookbackMs })
    const past = new AwaitedPast((ask) => baselines.ask(ask, (answer) => past.receive(answer)), (rows) => engine.unpacked(rows, queryable))
    const windows = new WindowQueries(query, queryable, { lookbackMs: flags.lookbackMs, features, baselines: past })
    this.#windows = windows
    const notes = new PendingNotes()
    this.#manager = new RuleManager({
      query, windows,
      write: async (timeMs, rows) => {
        try {
          return writer.write(timeMs, rows)
        } catch (cause) {
          // A full disk, too many series: the rule shows it, and the next evaluation tries again.
          throw new RuleWriteError(cause instanceof Error ? cause.message : String(cause), { cause })
        }
      },
      queryable, features, clock, logger, restoreLimits: flags.restoreLimits,
      notify: {
        resendMs: flags.resendMs, send: (alerts) => onAlerts(alerts),
        changePending: (changed, generatorUrl) => {
          notes.changed(changed, generatorUrl)
          for (let part = notes.next(); part !== null; part = notes.next()) pending.receive(part.alerts, part.lostCount)
        },
      },
      onEvaluated: (group) => this.#metrics.evaluated(reportOf(group, windows), clock.monotonic()),
      onExpanded: (isGood) => this.#metrics.expanded(isGood),
    })
  }

  apply(settings: RuleSettings): void {
    this.#applying = this.#applying.then(() => this.#manager.apply(settings))
      .then(() => this.#metrics.setGroups(this.#manager.groups().map((group) => reportOf(group, this.#windows))))
      .catch((error: unknown) => this.#logger.error('the rules could not be applied', { err: error instanceof Error ? error : String(error) }))
  }

  ask(request: RuleRequest): Promise<QueryReply> {
    return Promise.resolve(answerRules(this.#manager.groups(), request))
  }

  async stop(): Promise<void> {
    await this.#applying
    await Promise.all([this.#manager.stop(), this.#baselines.stop()])
    this.#queryable.close()
  }
}
