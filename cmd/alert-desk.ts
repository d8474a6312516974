// Alerts as the API and the pages show them: kept records, and what the lifecycle knows of those that go on.
import type { AlertFilter, AlertRecord, MetaStore, PendingFilter, PendingRecord } from '../lib/meta/interface.ts'
import { StorePatience } from '../lib/meta/store-patience.ts'
import { labelsFromRecord } from '../lib/model/labels.ts'
import { hasWords, type AlertSelection, type CurrentAlerts, type CurrentAsk } from '../lib/notify/lifecycle/current-alerts.ts'
import type { AlertLifecycle } from '../lib/notify/lifecycle/lifecycle.ts'
import type { Acknowledgement, BulkOutcome } from '../lib/notify/lifecycle/people-actions.ts'
import type { ApiRules } from '../lib/rules/json-rule/api-rules.ts'
import { RuleBodyError } from '../lib/rules/json-rule/fields.ts'
import { UnknownRuleError } from '../lib/rules/json-rule/api-rules.ts'
import type { Clock } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import type { AlertDesk, AlertFeedback, AlertOutlookView, AlertPage, AlertView } from '../web/parts.ts'
import { searchHistory } from './history-search.ts'

interface Ground {
  store: MetaStore
  lifecycle: AlertLifecycle
  rules: Pick<ApiRules, 'widen'>
  clock: Clock
  logger: Logger
}

/** Of an alert, not of the series that it stands for. */
const ALERT_LABELS: ReadonlySet<string> = new Set(['alertname', 'severity', 'rule_id'])

export class LifecycleDesk implements AlertDesk {
  readonly #ground: Ground
  /** Of pages of history. */
  readonly #patience: StorePatience

  constructor(ground: Ground) {
    this.#ground = ground
    this.#patience = new StorePatience(ground.clock)
  }

  list(filter: AlertFilter, selection: AlertSelection): Promise<AlertPage<AlertRecord>> {
    return searchHistory((page) => this.#patience.answerOf(() => this.#ground.store.alerts({ ...filter, ...page })), { ...filter, passes: this.#test(selection) })
  }

  current(ask: CurrentAsk): CurrentAlerts {
    return this.#ground.lifecycle.current(ask)
  }

  async get(id: string): Promise<AlertView | null> {
    const { store } = this.#ground
    const [record, events] = await this.#patience.answerOf(() => Promise.all([store.alert(id), store.events(id)]))
    return record === null ? null : { record, outlook: this.outlook(id), events }
  }

  listPending(filter: PendingFilter, selection: AlertSelection): Promise<AlertPage<PendingRecord>> {
    return searchHistory((page) => this.#patience.answerOf(() => this.#ground.store.pendingAlerts({ ...filter, ...page })), { ...filter, passes: this.#test(selection) })
  }

  getPending(id: string): Promise<PendingRecord | null> {
    return this.#patience.answerOf(() => this.#ground.store.pendingAlert(id))
  }

  outlook(id: string): AlertOutlookView | null {
    return this.#ground.lifecycle.outlook(id)
  }

  readAckToken(token: string): { alertId: string; isExpired: boolean } | null {
    return this.#ground.lifecycle.readAckToken(token)
  }

  acknowledge(id: string, how: Acknowledgement): Promise<AlertRecord> {
    return this.#ground.lifecycle.people.acknowledge(id, how)
  }

  acknowledgeMany(chosen: readonly string[] | CurrentAsk, how: Acknowledgement): Promise<BulkOutcome> {
    return this.#ground.lifecycle.people.acknowledgeMany(chosen, how)
  }

  unacknowledge(id: string, by: string): Promise<AlertRecord> {
    return this.#ground.lifecycle.people.unacknowledge(id, by)
  }

  escalate(id: string, by: string): Promise<AlertRecord> {
    return this.#ground.lifecycle.people.escalate(id, by)
  }

  /** A false alert of an anomaly rule widens the band of its series. */
  async giveFeedback(id: string, feedback: AlertFeedback): Promise<AlertRecord> {
    const { lifecycle, rules, logger } = this.#ground
    const { before, after } = await lifecycle.people.giveFeedback(id, feedback)
    // The same said twice widens once.
    if (after.ruleId === null || feedback.verdict !== 'false_positive' || before.feedback === 'false_positive') return after
    try {
      await rules.widen(after.ruleId, Object.fromEntries(Object.entries(after.labels).filter(([name]) => !ALERT_LABELS.has(name))))
    } catch (error) {
      // Rules of other kinds have no band, and a rule may be gone: the verdict stands all the same.
      if (!(error instanceof RuleBodyError) && !(error instanceof UnknownRuleError)) throw error
      logger.info('a false alert changes no rule', { alert: id, rule: after.ruleId, why: error.message })
    }
    return after
  }

  /** null: all pass. Who was told is read from the routes as they are now. */
  #test({ words, matches, isReceiver }: AlertSelection): ((kept: AlertRecord | PendingRecord) => boolean) | null {
    if (words.length === 0 && matches === null && isReceiver === null) return null
    return (kept) => {
      if (!hasWords(kept, words)) return false
      if (matches !== null && !matches((name) => (Object.hasOwn(kept.labels, name) ? kept.labels[name]! : ''))) return false
      const step = 'escalationStep' in kept ? kept.escalationStep : 0
      return isReceiver === null || this.#ground.lifecycle.receiversOf(labelsFromRecord(kept.labels), step).some(isReceiver)
    }
  }
}
