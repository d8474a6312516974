// An alerting rule and its alerts: inactive → pending → firing → resolved. After prometheus rules/alerting.go.
//
//   element new ─▶ pending ─(for has passed)─▶ firing ─(gone)─(keep_firing_for has passed)─▶ resolved, kept 15 min
//                    └─(gone)─▶ forgotten, told as one that never fired
import type { InstantElement } from '../../lang/instant-elements.ts'
import type { RuleConfig } from '../config/rule-config.ts'
import type { SentAlert } from '../model/alert.ts'
import { labelsFromMap, labelsToMap, METRIC_NAME, type Labels } from '../model/labels.ts'
import { escapeQuery } from '../template/builtins.ts'
import { AlertTemplates, type TemplateGround } from './alert-templates.ts'
import { ask } from './recording-rule.ts'
import type { QueryFunc } from './rule-query.ts'
import { labelsKey, RuleError, RuleHealth, ruleIdentity, type RuleRow } from './rule.ts'

export const ALERTS = 'ALERTS'
export const ALERTS_FOR_STATE = 'ALERTS_FOR_STATE'
const ALERT_NAME = 'alertname'
const ALERT_STATE = 'alertstate'
/** How long a resolved alert is kept, so that all who must hear of it do. */
const RESOLVED_RETENTION_MS = 15 * 60_000

export interface Alert {
  state: 'inactive' | 'pending' | 'firing'
  labels: Labels
  annotations: ReadonlyMap<string, string>
  /** At the last evaluation that gave it. */
  value: number
  /** Unix ms: since when the expression holds. */
  activeAtMs: number
  /** Unix ms, null where it has not come to it. */
  firedAtMs: number | null
  resolvedAtMs: number | null
  keepFiringSinceMs: number | null
  /** Unix ms at which it was handed on last, 0 where it was not. */
  lastSentAtMs: number
  /** Also where a reload that made `for` longer has put it back to pending. */
  hasFired: boolean
}

export interface AlertingGround extends TemplateGround {
  /** Asks for the rule's own expression; templates ask by `query`. */
  ask: QueryFunc
}

export class AlertingRule {
  readonly config: RuleConfig
  readonly identity: string
  /** As the API shows it. */
  readonly printed: string
  readonly health: RuleHealth = new RuleHealth()
  /** Also those that are resolved, for a while; by label set. */
  #active = new Map<string, Alert>()
  readonly #ground: AlertingGround
  readonly #templates: AlertTemplates
  /** Of the last evaluation: those that began to wait for `for`, or ended while they did. */
  #pendingChanges: Alert[] = []
  /** Its series are written only once what they said before the start is read back. */
  isRestored: boolean

  constructor(config: RuleConfig, printed: string, ground: AlertingGround, isRestored: boolean) {
    this.config = config
    this.identity = ruleIdentity(config)
    this.printed = printed
    this.isRestored = isRestored
    this.#ground = ground
    this.#templates = new AlertTemplates(config.name, ground)
  }

  /** Pending and firing ones, in order of their appearance. */
  activeAlerts(): Alert[] {
    return this.keptAlerts().filter(({ resolvedAtMs }) => resolvedAtMs === null)
  }

  /** Also those that were resolved lately. */
  keptAlerts(): Alert[] {
    return [...this.#active.values()]
  }

  /**
   * The alerts to be told of now: new ones, resolved ones, and every `resendMs` those that go on. Each holds for four
   * times the longer of interval and `resendMs` without a further word.
   */
  toSend(nowMs: number, intervalMs: number, resendMs: number): SentAlert[] {
    const due = this.keptAlerts().filter(({ state, resolvedAtMs, lastSentAtMs }) => {
      if (state === 'pending') return false
      return (resolvedAtMs !== null && resolvedAtMs > lastSentAtMs) || lastSentAtMs + resendMs < nowMs
    })
    const { generatorUrl } = this
    return due.map((alert) => {
      alert.lastSentAtMs = nowMs
      return {
        labels: alert.labels, annotations: alert.annotations, startsAtMs: alert.firedAtMs ?? alert.activeAtMs,
        activeAtMs: alert.activeAtMs, value: alert.value, endsAtMs: alert.resolvedAtMs ?? nowMs + 4 * Math.max(intervalMs, resendMs), generatorUrl,
      }
    })
  }

  /** Page of its expression. */
  get generatorUrl(): string {
    return `${this.#ground.externalUrl}/graph?g0.expr=${escapeQuery(this.printed)}&g0.tab=1`
  }

  /** Alerts that became pending, or ended (`resolvedAtMs`) while they were, in the last evaluation or since. */
  takePendingChanges(): Alert[] {
    const changes = this.#pendingChanges
    this.#pendingChanges = []
    return changes
  }

  /** Ends all that waits: the rule is no more, or gives too many. */
  endPending(nowMs: number): void {
    for (const [key, alert] of this.#active) if (alert.state === 'pending') this.#end(key, alert, nowMs)
  }

  /**
   * The wall clock has jumped by so much: what alerts count from moves along, so that neither `for` nor `keep_firing_for` is over, or begins anew,
   * by that. What holds is told again at once, with ends of the new time.
   */
  moveInTime(ms: number): void {
    for (const alert of this.#active.values()) {
      alert.activeAtMs += ms
      if (alert.firedAtMs !== null) alert.firedAtMs += ms
      if (alert.keepFiringSinceMs !== null) alert.keepFiringSinceMs += ms
      if (alert.resolvedAtMs === null) alert.lastSentAtMs = 0
      else {
        alert.resolvedAtMs += ms
        alert.lastSentAtMs += ms
      }
    }
  }

  /** The highest state of its alerts; inactive before its first evaluation, of which its health tells. */
  state(): 'inactive' | 'pending' | 'firing' {
    const states = new Set(Array.from(this.#active.values(), ({ state }) => state))
    return states.has('firing') ? 'firing' : states.has('pending') ? 'pending' : 'inactive'
  }

  /** Ends all that fires: the rule is no more. */
  resolve(nowMs: number): void {
    for (const [key, alert] of this.#active) {
      if (alert.state !== 'firing') continue
      this.#end(key, alert, nowMs)
      // Also where that it fires was told at this very time.
      alert.lastSentAtMs = 0
    }
  }

  /** Takes over the alerts of the rule in whose place it stands, and what is still to be restored of them. */
  copyAlerts(from: AlertingRule): void {
    this.#active = new Map(from.#active)
    this.isRestored = from.isRestored
  }

  /**
   * Moves all alerts on to time `nowMs`; gives the rows of ALERTS and ALERTS_FOR_STATE. The query looks `offsetMs` back.
   * Throws RuleError.
   */
  evaluate(nowMs: number, offsetMs: number, limit: number): RuleRow[] {
    this.#pendingChanges = []
    const given = this.#given(ask(this.#ground.ask, this.config.expr, nowMs - offsetMs), nowMs)
    for (const [key, alert] of given) {
      const known = this.#active.get(key)
      if (known === undefined || known.state === 'inactive') {
        this.#active.set(key, alert)
        if (this.config.forMs > 0) this.#pendingChanges.push(alert)
      }
      else {
        known.value = alert.value
        known.annotations = alert.annotations
      }
    }
    const rows: RuleRow[] = []
    let count = 0
    for (const [key, alert] of this.#active) {
      if (given.has(key)) alert.keepFiringSinceMs = null
      else if (!this.#keepsFiring(key, alert, nowMs)) continue
      count++
      this.#promote(alert, nowMs)
      if (this.isRestored) rows.push(this.#stateRow(alert), this.#forStateRow(alert))
    }
    if (limit > 0 && count > limit) {
      this.endPending(nowMs)
      // Those of this evaluation never were.
      this.#pendingChanges = this.#pendingChanges.filter(({ activeAtMs }) => activeAtMs < nowMs)
      this.#active = new Map()
      throw new RuleError(`exceeded limit of ${limit} with ${count} alerts`)
    }
    return rows
  }

  /** The alerts that the result's elements stand for. Throws RuleError where two are one. */
  #given(elements: readonly InstantElement[], nowMs: number): Map<string, Alert> {
    const { labels, annotations, name } = this.config
    const given = new Map<string, Alert>()
    this.#templates.begin(nowMs)
    for (const element of elements) {
      const data = this.#templates.dataOf(element)
      const expand = (text: string): string => this.#templates.expand(text, data)
      const all = labelsToMap(element.labels)
      all.delete(METRIC_NAME)
      for (const [label, text] of labels) all.set(label, expand(text))
      all.set(ALERT_NAME, name)
      const set = labelsFromMap(all)
      const alert: Alert = {
        state: 'pending', labels: set, annotations: new Map(Array.from(annotations, ([annotation, text]) => [annotation, expand(text)])),
        value: element.value, activeAtMs: nowMs, firedAtMs: null, resolvedAtMs: null, keepFiringSinceMs: null, lastSentAtMs: 0, hasFired: false,
      }
      const key = labelsKey(set)
      if (given.has(key)) throw new RuleError('vector contains metrics with the same labelset after applying alert labels')
      given.set(key, alert)
    }
    return given
  }

  /** Whether an alert that the result no longer has goes on firing; else it is resolved or forgotten. */
  #keepsFiring(key: string, alert: Alert, nowMs: number): boolean {
    const { keepFiringForMs } = this.config
    if (alert.state === 'firing' && keepFiringForMs > 0) {
      alert.keepFiringSinceMs ??= nowMs
      if (nowMs - alert.keepFiringSinceMs < keepFiringForMs) return true
    }
    this.#end(key, alert, nowMs)
    return false
  }

  #end(key: string, alert: Alert, nowMs: number): void {
    const isOld = alert.resolvedAtMs !== null && nowMs - alert.resolvedAtMs > RESOLVED_RETENTION_MS
    if (alert.state === 'pending' || isOld) this.#active.delete(key)
    if (alert.state === 'pending') this.#pendingChanges.push(alert)
    if (alert.state === 'inactive') return
    alert.state = 'inactive'
    alert.resolvedAtMs = nowMs
  }

  #promote(alert: Alert, nowMs: number): void {
    const hasWaited = nowMs - alert.activeAtMs >= this.config.forMs
    if (alert.state === 'pending' && hasWaited) {
      alert.state = 'firing'
      alert.firedAtMs = nowMs
      alert.hasFired = true
    } else if (alert.state === 'firing' && !hasWaited && alert.firedAtMs! - alert.activeAtMs < this.config.forMs) {
      // A reload made `for` longer. A wall clock that was set back made nothing.
      alert.state = 'pending'
      alert.firedAtMs = null
      alert.keepFiringSinceMs = null
      alert.lastSentAtMs = 0
    }
  }

  #stateRow(alert: Alert): RuleRow {
    return { labels: this.#rowLabels(alert, [[METRIC_NAME, ALERTS], [ALERT_STATE, alert.state]]), value: 1, histogram: null }
  }

  #forStateRow(alert: Alert): RuleRow {
    return { labels: this.#rowLabels(alert, [[METRIC_NAME, ALERTS_FOR_STATE]]), value: Math.floor(alert.activeAtMs / 1000), histogram: null }
  }

  #rowLabels(alert: Alert, more: readonly (readonly [string, string])[]): Labels {
    return labelsFromMap(new Map([...this.config.labels, ...labelsToMap(alert.labels), ...more, [ALERT_NAME, this.config.name] as const]))
  }
}
