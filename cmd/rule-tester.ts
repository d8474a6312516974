// Which rule is to be tested over stored history, and how: a body of the API, a rule made by it, or one of a rule file.
import type { RuleConfig, RuleGroupConfig } from '../lib/config/rule-config.ts'
import type { Config } from '../lib/config/scrape-config.ts'
import { BacktestThread } from '../lib/rules/backtest-thread.ts'
import { BacktestError, type BacktestResult } from '../lib/rules/backtest.ts'
import type { ApiRules } from '../lib/rules/json-rule/api-rules.ts'
import { settingsOf, type RuleSettings } from '../lib/rules/manager.ts'
import type { Clock } from '../lib/std/clock.ts'
import type { Database } from '../storage/database.ts'
import type { RuleTest, RuleTestRange } from '../web/parts.ts'
import type { BacktestWorkerData } from './backtest-worker.ts'
import { engineSettings } from './engine-options.ts'
import type { Flags } from './flags.ts'
import { BACKTEST_SLOT } from './runners.ts'

const DAY_MS = 86_400_000
/** As of a range query. */
const STEPS_MAX = 11_000

export class RuleTester implements RuleTest {
  readonly #rules: ApiRules
  readonly #settings: () => RuleSettings
  readonly #clock: Clock
  readonly #thread: BacktestThread

  /** `settings`: what rules are evaluated by now. */
  constructor(flags: Flags, config: Config, { rules, settings, db, clock }: { rules: ApiRules; settings: () => RuleSettings; db: Database; clock: Clock }) {
    this.#rules = rules
    this.#settings = settings
    this.#clock = clock
    this.#thread = new BacktestThread({
      workerUrl: new URL('./backtest-worker.ts', import.meta.url), clock, onGone: () => db.releaseSlot(BACKTEST_SLOT),
      workerData: { handle: db.handle(), slot: BACKTEST_SLOT, engine: engineSettings(flags, config), lookbackMs: flags.lookbackMs } satisfies BacktestWorkerData,
    })
  }

  test(body: Readonly<Record<string, unknown>>, range: RuleTestRange): Promise<BacktestResult> {
    const { rule, group } = this.#chosen(body)
    const settings = this.#settings()
    const own = settingsOf(group, settings)
    const toMs = range.toMs ?? this.#clock.now()
    const fromMs = range.fromMs ?? toMs - DAY_MS
    const stepMs = range.stepMs ?? Math.max(own.intervalMs, Math.ceil((toMs - fromMs) / STEPS_MAX / 1000) * 1000)
    if (toMs < fromMs) throw new BacktestError('the range ends before it begins; give from before to')
    if (!(stepMs >= 1)) throw new BacktestError('the step is shorter than a millisecond; give one such as step=30s, or leave it out for the interval of the rule')
    if ((toMs - fromMs) / stepMs > STEPS_MAX) throw new BacktestError(`the range has more than ${STEPS_MAX} steps of ${stepMs / 1000} s; give a longer step or a shorter range`)
    return this.#thread.run({ rule, fromMs, toMs, stepMs, queryOffsetMs: own.queryOffsetMs, externalLabels: settings.externalLabels, externalUrl: settings.externalUrl })
  }

  stop(): Promise<void> {
    return this.#thread.stop()
  }

  /** Throws RuleBodyError, UnknownRuleError, BacktestError. */
  #chosen(body: Readonly<Record<string, unknown>>): { rule: RuleConfig; group: RuleGroupConfig } {
    const { id, alert, group, file, ...others } = body
    if (typeof alert === 'string') return this.#ofFile(alert, { group, file })
    if (typeof id === 'string' && Object.keys(others).length === 0) return this.#made(this.#rules.get(id).body)
    return this.#made(others)
  }

  #made(body: Readonly<Record<string, unknown>>): { rule: RuleConfig; group: RuleGroupConfig } {
    const group = this.#rules.compiled(body)
    return { rule: group.rules[0]!, group }
  }

  #ofFile(alert: string, where: { group: unknown; file: unknown }): { rule: RuleConfig; group: RuleGroupConfig } {
    const found = this.#settings().groups
      .filter(({ name, file }) => (where.group === undefined || name === where.group) && (where.file === undefined || file === where.file))
      .flatMap((group) => group.rules.filter(({ kind, name }) => kind === 'alert' && name === alert).map((rule) => ({ rule, group })))
    if (found.length === 0) throw new BacktestError(`no rule file has an alert ${JSON.stringify(alert.slice(0, 100))} there; GET /api/v1/rules lists those there are`)
    if (found.length > 1) throw new BacktestError(`${found.length} rules are called ${JSON.stringify(alert.slice(0, 100))}; give group, or file, too`)
    return found[0]!
  }
}
