// A rule over stored history: when it would have fired, and for whom. The expression is evaluated as range queries, a stretch of
// steps at a time, and its elements go step by step through the state machine that evaluates rules live.
import type { Engine } from '../../lang/engine.ts'
import type { InstantElement } from '../../lang/instant-elements.ts'
import { parseExpr } from '../../lang/parse/parse.ts'
import { printExpr } from '../../lang/parse/print.ts'
import type { EngineFeatures } from '../../lang/parse/ast.ts'
import type { Queryable } from '../../storage/interface.ts'
import type { RuleConfig } from '../config/rule-config.ts'
import { labelsFromRecord, labelsToMap } from '../model/labels.ts'
import type { Clock } from '../std/clock.ts'
import { AlertingRule, type Alert } from './alerting-rule.ts'
import { engineQuery, RuleQueryError, type QueryFunc } from './rule-query.ts'
import { RuleError } from './rule.ts'

/** What is replayed; crosses threads. Times are Unix ms, both inclusive. */
export interface BacktestJob {
  rule: RuleConfig
  fromMs: number
  toMs: number
  stepMs: number
  queryOffsetMs: number
  externalLabels: ReadonlyMap<string, string>
  externalUrl: string
}

/** One episode of one alert. */
export interface BacktestAlert {
  labels: Readonly<Record<string, string>>
  activeAtMs: number
  /** null: its condition did not hold for `for`. */
  firedAtMs: number | null
  /** null: at the end of the range it was still active. */
  endedAtMs: number | null
  /** When it fired, or was last seen pending. */
  value: number
}

export interface BacktestResult {
  expr: string
  steps: number
  stepMs: number
  /** Episodes that fired, listed or not, and label sets among them. */
  firedCount: number
  seriesCount: number
  /** In order of their beginning; those that fired before those that only were pending, at most `ALERTS_MAX` in all. */
  alerts: readonly BacktestAlert[]
}

/** The range cannot be replayed; the message is for people. */
export class BacktestError extends Error {
  readonly code = 'BACKTEST'
}

/** Steps of one range query. */
const STRETCH_STEPS = 500
const ALERTS_MAX = 1000
/** Label sets that are told apart. */
const SERIES_MAX = 100_000

interface Ground {
  engine: Engine
  queryable: Queryable
  clock: Clock
  lookbackMs: number
  timeoutMs: number
  features: Partial<EngineFeatures>
}

/** Throws BacktestError where the expression fails or the time is over. */
export function backtest(job: BacktestJob, ground: Ground): BacktestResult {
  const { rule: config, fromMs, toMs, stepMs, queryOffsetMs, externalLabels, externalUrl } = job
  const { engine, queryable, clock, features, timeoutMs } = ground
  const deadlineMs = clock.monotonic() + timeoutMs
  const episodes = new Episodes()
  const stretches = new Stretches(job, ground)
  // What annotations say is no part of the answer.
  const rule = new AlertingRule({ ...config, annotations: new Map() }, printExpr(parseExpr(config.expr, features)), {
    query: engineQuery(engine, queryable, ground), ask: stretches.ask, clock, externalLabels, externalUrl, onExpanded: () => {},
  }, true)
  let steps = 0
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += stepMs) {
    steps++
    if (clock.monotonic() > deadlineMs) throw new BacktestError(`replaying takes longer than ${timeoutMs / 1000} s; give a shorter range, a longer step, or filters`)
    try {
      rule.evaluate(nowMs, queryOffsetMs, 0)
    } catch (error) {
      if (error instanceof RuleError) throw new BacktestError(`at ${new Date(nowMs).toISOString()} the rule fails: ${error.message}`, { cause: error })
      throw error
    }
    episodes.note(rule.keptAlerts(), nowMs)
  }
  return { expr: rule.printed, steps, stepMs, ...episodes.result() }
}

/** The expression's elements at each step, a stretch of steps evaluated at once. */
class Stretches {
  readonly #job: BacktestJob
  readonly #ground: Ground
  /** Elements by time, of the stretch at hand. */
  #byTime = new Map<number, InstantElement[]>()
  #endMs = -Infinity

  constructor(job: BacktestJob, ground: Ground) {
    this.#job = job
    this.#ground = ground
  }

  readonly ask: QueryFunc = (_expr, timeMs) => {
    if (timeMs > this.#endMs) this.#evaluate(timeMs)
    return this.#byTime.get(timeMs) ?? []
  }

  #evaluate(startMs: number): void {
    const { rule, toMs, stepMs, queryOffsetMs } = this.#job
    const { engine, queryable, lookbackMs, timeoutMs } = this.#ground
    const endMs = Math.min(startMs + (STRETCH_STEPS - 1) * stepMs, toMs - queryOffsetMs)
    const { body } = engine.run({ kind: 'range', query: rule.expr, startMs, endMs, stepMs, lookbackMs, timeoutMs, limit: 0, stats: '' }, queryable)
    const reply = JSON.parse(Buffer.from(body).toString('utf8')) as RangeReply
    if (reply.status !== 'success') throw new RuleQueryError(reply.error)
    this.#endMs = endMs
    this.#byTime = new Map()
    for (const { metric, values = [], histograms = [] } of reply.data.result) {
      const labels = labelsFromRecord(metric)
      for (const [seconds, text] of values) this.#add(seconds, { labels, value: numberOf(text), histogram: null })
      // An alert of a native histogram has no number.
      for (const [seconds] of histograms) this.#add(seconds, { labels, value: 0, histogram: null })
    }
  }

  #add(seconds: number, element: InstantElement): void {
    const timeMs = Math.round(seconds * 1000)
    const elements = this.#byTime.get(timeMs)
    if (elements === undefined) this.#byTime.set(timeMs, [element])
    else elements.push(element)
  }
}

type RangeReply =
  | { status: 'error'; error: string }
  | { status: 'success'; data: { result: { metric: Record<string, string>; values?: [seconds: number, value: string][]; histograms?: [seconds: number, histogram: unknown][] }[] } }

function numberOf(text: string): number {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text)
}

class Episodes {
  readonly #open = new Map<Alert, BacktestAlert>()
  readonly #listed: BacktestAlert[] = []
  #firedCount = 0
  readonly #series = new Set<string>()

  /** What the rule's alerts are after the evaluation at `nowMs`. */
  note(alerts: readonly Alert[], nowMs: number): void {
    const seen = new Set(alerts)
    for (const alert of alerts) {
      if (alert.state === 'inactive') continue
      const known = this.#open.get(alert)
      if (known === undefined) this.#begin(alert)
      else if (known.firedAtMs === null) {
        known.firedAtMs = alert.firedAtMs
        known.value = alert.value
        if (alert.firedAtMs !== null) this.#count(alert)
      }
    }
    for (const [alert, episode] of this.#open) {
      if (seen.has(alert) && alert.state !== 'inactive') continue
      episode.endedAtMs = nowMs
      this.#open.delete(alert)
    }
  }

  result(): Pick<BacktestResult, 'firedCount' | 'seriesCount' | 'alerts'> {
    const fired = this.#listed.filter(({ firedAtMs }) => firedAtMs !== null)
    const pending = this.#listed.filter(({ firedAtMs }) => firedAtMs === null)
    return { firedCount: this.#firedCount, seriesCount: this.#series.size, alerts: [...fired, ...pending].slice(0, ALERTS_MAX) }
  }

  #begin(alert: Alert): void {
    const { activeAtMs, firedAtMs, value } = alert
    const episode: BacktestAlert = { labels: Object.fromEntries(labelsToMap(alert.labels)), activeAtMs, firedAtMs, endedAtMs: null, value }
    this.#open.set(alert, episode)
    if (firedAtMs !== null) this.#count(alert)
    // Those that only are pending may be many, and give way.
    if (this.#listed.length < 10 * ALERTS_MAX) this.#listed.push(episode)
  }

  #count({ labels }: Alert): void {
    this.#firedCount++
    if (this.#series.size < SERIES_MAX) this.#series.add(labels.join('\0'))
  }
}
