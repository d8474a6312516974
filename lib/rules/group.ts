// A rule group: rules evaluated one after the other at one time, their rows written before the next rule asks. Knows the
// series each rule gave last, so that those that vanish get a staleness marker. After prometheus rules/group.go.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { RuleGroupConfig } from '../config/rule-config.ts'
import type { SentAlert } from '../model/alert.ts'
import { histogramFault } from '../model/histogram-spans.ts'
import type { Labels } from '../model/labels.ts'
import type { Clock } from '../std/clock.ts'
import type { Logger } from '../std/log.ts'
import { AlertingRule, type Alert } from './alerting-rule.ts'
import type { RecordingRule } from './recording-rule.ts'
import { RuleWaitError, type QueryFunc } from './rule-query.ts'
import { labelsKey, RuleError, type RuleRow } from './rule.ts'

/** A sample on its way to the store; without a value it is a staleness marker. */
export type WrittenRow = Omit<RuleRow, 'value'> & { value: number | null }

/** The store did not take the samples; the message says why. */
export class RuleWriteError extends Error {
  readonly code = 'RULE_WRITE'
}

/**
 * Writes rows of one time (Unix ms); resolves when readers see them, to a verdict (storage/interface.ts) for each. Rejects
 * with RuleWriteError where the store takes none.
 */
export type WriteFunc = (timeMs: number, rows: readonly WrittenRow[]) => Promise<ArrayLike<number>>

/** Rows of one write: .5 ms of the store's thread, 4 to 10 where all are new series. */
const WRITTEN_ROWS_MAX = 250

/** After so long with rules that have nothing to wait for, those of other groups and questions of the API get their turn. */
const TURN_MS = 25

/** Of storage/interface.ts, in Prometheus' words; 0 is stored. */
const REFUSALS: readonly string[] = ['', 'out of order sample', 'duplicate sample for timestamp', 'out of bounds', 'too old sample']

export type Rule = AlertingRule | RecordingRule

export interface GroupSettings {
  intervalMs: number
  queryOffsetMs: number
}

export interface GroupGround {
  query: QueryFunc
  write: WriteFunc
  clock: Clock
  logger: Logger
  /** Who is told of alerts, and how often of those that go on. */
  notify?: {
    resendMs: number
    send: (alerts: readonly SentAlert[]) => void
    /** Alerts of a rule that became pending, or ended while they were. */
    changePending?: (alerts: readonly Alert[], generatorUrl: string) => void
  }
}

/** Counted since the group was made, and of its last evaluation. */
export interface GroupCounts {
  evaluations: number
  failures: number
  /** Slots that came, evaluated or missed. */
  iterations: number
  missed: number
  lastSeconds: number
  lastRuleSeconds: number
  lastRestoreSeconds: number
  lastSamples: number
  /** Unix ms at which it began, 0 before the first. */
  lastAtMs: number
}

export class RuleGroup {
  readonly config: RuleGroupConfig
  readonly settings: GroupSettings
  readonly rules: readonly Rule[]
  readonly counts: GroupCounts = {
    evaluations: 0, failures: 0, iterations: 0, missed: 0, lastSeconds: 0, lastRuleSeconds: 0, lastRestoreSeconds: 0, lastSamples: 0, lastAtMs: 0,
  }
  readonly #ground: GroupGround
  /** By rule: what it gave last. */
  #lastSeries: Map<string, Labels>[]
  /** Places of rules that have taken over nothing yet, and of those that nobody has taken over. */
  readonly #fresh: Set<number>
  readonly #left: Set<number>
  /** Of rules that are no more. */
  #staleSeries: Labels[] = []
  isStopped = false

  constructor(config: RuleGroupConfig, settings: GroupSettings, rules: readonly Rule[], ground: GroupGround) {
    this.config = config
    this.settings = settings
    this.rules = rules
    this.#ground = ground
    this.#lastSeries = rules.map(() => new Map())
    this.#fresh = new Set(rules.keys())
    this.#left = new Set(rules.keys())
  }

  /** Whether the other would do the same. */
  equals(config: RuleGroupConfig, settings: GroupSettings): boolean {
    return isDeepStrictEqual(this.config, config) && isDeepStrictEqual(this.settings, settings)
  }

  /** Goes on where the group stopped in whose place it stands. */
  succeed(from: RuleGroup): void {
    Object.assign(this.counts, from.counts)
    this.takeOver(from)
  }

  /** Alerts and series of rules with equal names and labels, the first from the first, as far as they have no other successor or past. */
  takeOver(from: RuleGroup): void {
    if (this.#fresh.size === 0 || from.#left.size === 0) return
    const places = Map.groupBy(from.#left, (place) => from.rules[place]!.identity)
    for (const i of this.#fresh) {
      const rule = this.rules[i]!
      const place = places.get(rule.identity)?.shift()
      if (place === undefined) continue
      this.#fresh.delete(i)
      from.#left.delete(place)
      this.#lastSeries[i] = from.#lastSeries[place]!
      from.#lastSeries[place] = new Map()
      const other = from.rules[place]!
      if (rule !== other && rule instanceof AlertingRule && other instanceof AlertingRule) rule.copyAlerts(other)
    }
  }

  /** Ends rules of a group that has stopped which nobody has taken over: what waits ends, and what fires where it is to end with its rule. */
  endLeft(nowMs: number): void {
    for (const place of this.#left) {
      const rule = this.rules[place]!
      this.#endPending(rule, nowMs)
      if (this.config.endsWithRules !== true || !(rule instanceof AlertingRule)) continue
      rule.resolve(nowMs)
      this.#notify(rule, nowMs)
    }
  }

  /** What `from` gave last, or had still to mark, and nobody has taken over is marked as gone after the next evaluation. */
  markLeft(from: RuleGroup): void {
    this.#staleSeries.push(...from.#takeSeries())
  }

  /** Evaluates all rules as of `nowMs`. Never rejects: what fails is the health of its rule. */
  async evaluate(nowMs: number): Promise<void> {
    const { clock } = this.#ground
    const startedMs = clock.monotonic()
    const startedAtMs = clock.now()
    this.counts.iterations++
    let samples = 0
    let turnMs = startedMs
    for (let i = 0; i < this.rules.length && !this.isStopped; i++) {
      if (clock.monotonic() - turnMs > TURN_MS) {
        await nextTurn()
        turnMs = clock.monotonic()
      }
      samples += await this.#evaluateRule(i, nowMs)
    }
    await this.#markStale(nowMs)
    this.counts.lastSamples = samples
    this.counts.lastSeconds = (clock.monotonic() - startedMs) / 1000
    this.counts.lastRuleSeconds = this.rules.reduce((sum, { health }) => sum + health.evaluationSeconds, 0)
    this.counts.lastAtMs = startedAtMs
  }

  /** Nothing is evaluated as of `nowMs`; what fires goes on. `why` is told of rules that never were. */
  hold(nowMs: number, why: string): void {
    this.counts.iterations++
    for (const rule of this.rules) this.#waits(rule, why, nowMs)
  }

  /** The wall clock has jumped by so much. */
  moveInTime(ms: number): void {
    for (const rule of this.rules) if (rule instanceof AlertingRule) rule.moveInTime(ms)
  }

  /** Marks all that the group gave last, and nobody has taken over or gives by now, as gone: it is no longer configured. */
  async retire(nowMs: number, given: ReadonlySet<string>): Promise<void> {
    this.#staleSeries = this.#takeSeries().filter((labels) => !given.has(labelsKey(labels)))
    await this.#markStale(nowMs)
  }

  /** Keys (rule.ts) of the series that it gave last. */
  givenKeys(): string[] {
    return this.#lastSeries.flatMap((series) => [...series.keys()])
  }

  #takeSeries(): Labels[] {
    const series = [...this.#staleSeries, ...this.#lastSeries.flatMap((given) => [...given.values()])]
    this.#staleSeries = []
    this.#lastSeries = this.rules.map(() => new Map())
    return series
  }

  /** How many samples the rule gave. */
  async #evaluateRule(i: number, nowMs: number): Promise<number> {
    const { clock } = this.#ground
    const rule = this.rules[i]!
    const { health } = rule
    const startedMs = clock.monotonic()
    const wallMs = clock.now()
    let count = 0
    this.counts.evaluations++
    try {
      const rows = this.#rowsOf(rule, nowMs)
      count = rows.length
      health.good()
      if (rule instanceof AlertingRule) this.#notify(rule, nowMs)
      await this.#write(i, rows, nowMs)
    } catch (error) {
      if (error instanceof RuleWaitError) {
        this.#waits(rule, error.message, nowMs)
        return 0
      }
      // Also a fault of our own must stop no other rule.
      const failure = error instanceof Error ? error : new Error(String(error))
      health.bad(failure.message)
      this.counts.failures++
      this.#ground.logger.repeated('warn', 'Evaluating rule failed', { file: this.config.file, group: this.config.name, name: rule.config.name, index: i, err: failure }, failure instanceof RuleWriteError ? '' : `${this.config.file} ${this.config.name} ${i}`)
    }
    this.#tellPending(rule)
    health.evaluationSeconds = (clock.monotonic() - startedMs) / 1000
    health.evaluatedAtMs = wallMs
    return count
  }

  /** Nothing is known of now: what fires goes on. */
  #waits(rule: Rule, why: string, nowMs: number): void {
    rule.health.waits(why)
    if (rule instanceof AlertingRule) this.#notify(rule, nowMs)
  }

  #notify(rule: AlertingRule, nowMs: number): void {
    const { notify } = this.#ground
    if (notify === undefined) return
    const alerts = rule.toSend(nowMs, this.settings.intervalMs, notify.resendMs)
    if (alerts.length > 0) notify.send(alerts)
  }

  #endPending(rule: Rule, nowMs: number): void {
    if (rule instanceof AlertingRule) rule.endPending(nowMs)
    this.#tellPending(rule)
  }

  #tellPending(rule: Rule): void {
    if (!(rule instanceof AlertingRule)) return
    const changes = rule.takePendingChanges()
    if (changes.length > 0) this.#ground.notify?.changePending?.(changes, rule.generatorUrl)
  }

  #rowsOf(rule: Rule, nowMs: number): RuleRow[] {
    const { limit } = this.config
    const { queryOffsetMs } = this.settings
    if (rule instanceof AlertingRule) return rule.evaluate(nowMs, queryOffsetMs, limit)
    return rule.evaluate(nowMs - queryOffsetMs, this.#ground.query, limit)
  }

  /** Writes a rule's rows, and markers for the series that it gave last and gives no more. Throws RuleError, RuleWriteError. */
  async #write(i: number, all: readonly RuleRow[], nowMs: number): Promise<void> {
    const faults = all.map(({ histogram }) => (histogram === null ? null : histogramFault(histogram)))
    const rows = all.filter((_, at) => faults[at] === null)
    await this.#writeGood(i, rows, nowMs)
    const fault = faults.find((one) => one !== null)
    if (fault !== undefined) throw new RuleError(fault!)
  }

  async #writeGood(i: number, rows: readonly RuleRow[], nowMs: number): Promise<void> {
    const given = new Map(rows.map((row) => [labelsKey(row.labels), row.labels]))
    const gone = [...this.#lastSeries[i]!].filter(([key]) => !given.has(key)).map(([, labels]) => staleRow(labels))
    if (rows.length + gone.length === 0) {
      this.#lastSeries[i] = given
      return
    }
    const verdicts = await this.#writeAll(nowMs, [...rows, ...gone]).catch((error: unknown) => {
      // Part of it may be there: all of it is asked to be marked when it is given no more.
      this.#lastSeries[i] = new Map([...this.#lastSeries[i]!, ...given])
      throw error
    })
    const refused = new Map<number, number>()
    rows.forEach((row, at) => {
      const verdict = verdicts[at]!
      if (verdict === 0) return
      refused.set(verdict, (refused.get(verdict) ?? 0) + 1)
      given.delete(labelsKey(row.labels))
    })
    this.#lastSeries[i] = given
    if (refused.size === 0) return
    const [verdict, count] = refused.entries().next().value!
    throw new RuleError(`${REFUSALS[verdict] ?? 'refused'} (${count} of ${rows.length} samples)`)
  }

  /** In parts, between which the store's thread does other things. */
  async #writeAll(nowMs: number, rows: readonly WrittenRow[]): Promise<number[]> {
    const verdicts: number[] = []
    for (let at = 0; at < rows.length; at += WRITTEN_ROWS_MAX) {
      const part = await this.#ground.write(nowMs - this.settings.queryOffsetMs, rows.slice(at, at + WRITTEN_ROWS_MAX))
      for (let k = 0; k < part.length; k++) verdicts.push(part[k]!)
    }
    return verdicts
  }

  async #markStale(nowMs: number): Promise<void> {
    if (this.#staleSeries.length === 0) return
    try {
      // A verdict against one is expected where another rule gives the series now.
      await this.#writeAll(nowMs, this.#staleSeries.map(staleRow))
      this.#staleSeries = []
    } catch (error) {
      if (!(error instanceof RuleWriteError)) throw error
      this.#ground.logger.repeated('warn', 'Marking series of earlier rules as stale failed', { file: this.config.file, group: this.config.name, err: error })
    }
  }
}

function staleRow(labels: Labels): WrittenRow {
  return { labels, value: null, histogram: null }
}
