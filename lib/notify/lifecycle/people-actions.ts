// What people do about alerts: acknowledge, take that back, escalate now, say what an alert was worth. It is in the store before
// it holds; each comes in its turn, one behind the other.
//
//   page, API ─▶ in turn ─▶ allowed? ─▶ (kept) ─▶ it holds ─▶ dispatcher
import type { AlertEvent, AlertRecord, MetaStore } from '../../meta/interface.ts'
import type { Clock } from '../../std/clock.ts'
import type { AlertDispatch } from '../overlay.ts'
import type { CurrentAlerts, CurrentAsk } from './current-alerts.ts'
import type { DueWork } from './due-work.ts'
import { reopened, type Episode } from './episode.ts'
import type { EpisodeTable } from './episode-table.ts'
import type { RecordWriter } from './record-writer.ts'

/** What people ask for does not suit the alert as it is; the message says why. */
export class AlertStateError extends Error {
  readonly code = 'ALERT_STATE'
}

export interface Acknowledgement {
  by: string
  /** null: as the configuration says; 0: never. */
  repageAfterMs: number | null
  /** Also from someone else who has it. */
  takesOver?: boolean
}

/** What became of alerts that were acknowledged together, by id. */
export interface BulkOutcome {
  acknowledged: string[]
  refused: { id: string; reason: string }[]
}

interface Change {
  episode: Episode
  record: AlertRecord
  event: AlertEvent
}

interface PeopleGround {
  store: Pick<MetaStore, 'alert'>
  table: EpisodeTable
  writer: RecordWriter
  due: DueWork
  dispatch: AlertDispatch
  clock: Clock
  /** Runs it when all that was begun before is done. */
  inTurn: <T>(work: () => Promise<T>) => Promise<T>
  current: (ask: CurrentAsk) => CurrentAlerts
}

/** Alerts recorded together, one transaction: what else is asked waits for these alone. */
const PART_ALERTS = 1000

export class PeopleActions {
  readonly #ground: PeopleGround
  /** An acknowledged alert pages again after so long where who acknowledges says nothing else; 0: never. */
  repageAfterMs = 0

  constructor(ground: PeopleGround) {
    this.#ground = ground
  }

  /** Repeats and escalation stop until it resolves. Of two at once the first has it. Rejects with AlertStateError, MetaError. */
  acknowledge(id: string, how: Acknowledgement): Promise<AlertRecord> {
    return this.#act(id, (episode, nowMs) => ({ record: this.#acknowledged(episode, how, nowMs), kind: 'acknowledged', detail: how.by, after: () => {} }))
  }

  /**
   * Many at once: those of some ids, or all that pass. Alerts that come meanwhile do not wait for all of them. Rejects with
   * MetaError where the store takes a thousand of them not; those before are acknowledged.
   */
  async acknowledgeMany(chosen: readonly string[] | CurrentAsk, how: Acknowledgement): Promise<BulkOutcome> {
    const ids = 'words' in chosen ? await this.#ground.inTurn(async () => this.#ground.current(chosen).records.map(({ id }) => id)) : [...new Set(chosen)]
    const outcome: BulkOutcome = { acknowledged: [], refused: [] }
    for (let i = 0; i < ids.length; i += PART_ALERTS) await this.#ground.inTurn(() => this.#acknowledgePart(ids.slice(i, i + PART_ALERTS), how, outcome))
    return outcome
  }

  /** It pages again as if it were new. Rejects like acknowledge. */
  unacknowledge(id: string, by: string): Promise<AlertRecord> {
    return this.#act(id, (episode, nowMs) => {
      if (episode.record.status !== 'acknowledged') throw new AlertStateError('the alert is not acknowledged')
      return { record: reopened(episode.record, nowMs), kind: 'unacknowledged', detail: by, after: () => this.#ground.due.pageAnew([episode.record.fingerprint]) }
    })
  }

  /** Begins the next step of its escalation now. Rejects like acknowledge. */
  escalate(id: string, by: string): Promise<AlertRecord> {
    return this.#act(id, (episode) => {
      const { record } = episode
      if (record.status === 'acknowledged') throw new AlertStateError(`the alert is acknowledged by ${record.acknowledgedBy || 'someone'}; take that back first`)
      const step = this.#ground.due.nextStep(episode)
      if (step === null) throw new AlertStateError('no step is left: the route of the alert names no escalation, or all its steps have been told')
      return {
        record: { ...record, escalationStep: record.escalationStep + 1 }, kind: 'escalated', detail: by === '' ? step.receiver : `${step.receiver}, asked for by ${by}`,
        after: () => this.#ground.dispatch.escalate(step.receiver, [record.fingerprint]),
      }
    })
  }

  /** Also of a resolved alert. Rejects with AlertStateError where there is none, MetaError. */
  giveFeedback(id: string, { by, verdict }: { by: string; verdict: 'false_positive' | 'true_positive' }): Promise<{ before: AlertRecord; after: AlertRecord }> {
    return this.#ground.inTurn(async () => {
      const episode = this.#ground.table.byId(id)
      const kept = episode === undefined ? await this.#ground.writer.answerOf(() => this.#ground.store.alert(id)) : null
      const before = episode?.record ?? this.#ground.writer.waiting(id) ?? kept
      if (before === null) throw new AlertStateError('there is no such alert')
      const after: AlertRecord = { ...before, feedback: verdict }
      const event: AlertEvent = { alertId: id, timeMs: this.#ground.clock.now(), kind: 'feedback', detail: by === '' ? verdict : `${verdict}, ${by}` }
      if (episode === undefined) await this.#ground.writer.must([after], [event], [before])
      else await this.#keep([{ episode, record: after, event }])
      return { before, after }
    })
  }

  /** What someone asks for: kept first, then it holds. */
  #act(id: string, change: (episode: Episode, nowMs: number) => { record: AlertRecord; kind: 'acknowledged' | 'unacknowledged' | 'escalated'; detail: string; after: () => void }): Promise<AlertRecord> {
    return this.#ground.inTurn(async () => {
      const episode = this.#ground.table.byId(id)
      if (episode === undefined) throw new AlertStateError('the alert is resolved')
      const nowMs = this.#ground.clock.now()
      const { record, kind, detail, after } = change(episode, nowMs)
      await this.#keep([{ episode, record, event: { alertId: id, timeMs: nowMs, kind, detail } }])
      after()
      this.#ground.due.changed(episode)
      return episode.record
    })
  }

  /** The record of an alert that someone takes. Throws AlertStateError where someone else has it. */
  #acknowledged({ record }: Episode, { by, repageAfterMs, takesOver = false }: Acknowledgement, nowMs: number): AlertRecord {
    const { status, acknowledgedBy } = record
    if (status === 'acknowledged' && acknowledgedBy !== by && !takesOver) throw new AlertStateError(`${acknowledgedBy || 'someone'} has acknowledged the alert already; it can be taken over`)
    const afterMs = repageAfterMs ?? this.repageAfterMs
    return { ...record, status: 'acknowledged', acknowledgedAtMs: nowMs, acknowledgedBy: by, repageAtMs: afterMs > 0 ? nowMs + afterMs : null }
  }

  async #acknowledgePart(ids: readonly string[], how: Acknowledgement, { acknowledged, refused }: BulkOutcome): Promise<void> {
    const nowMs = this.#ground.clock.now()
    const changes: Change[] = []
    for (const id of ids) {
      const episode = this.#ground.table.byId(id)
      try {
        if (episode === undefined) throw new AlertStateError('the alert is resolved')
        changes.push({ episode, record: this.#acknowledged(episode, how, nowMs), event: { alertId: id, timeMs: nowMs, kind: 'acknowledged', detail: how.by } })
      } catch (error) {
        if (!(error instanceof AlertStateError)) throw error
        refused.push({ id, reason: error.message })
      }
    }
    await this.#keep(changes)
    for (const { episode } of changes) this.#ground.due.changed(episode)
    acknowledged.push(...changes.map(({ record }) => record.id))
  }

  /** In one transaction. What the dispatcher tells meanwhile stays, and is written after it. */
  async #keep(changes: readonly Change[]): Promise<void> {
    const before = changes.map(({ episode }) => episode.record.toldAtMs)
    for (const { episode } of changes) episode.isChanging = true
    try {
      await this.#ground.writer.must(changes.map(({ record }) => record), changes.map(({ event }) => event), changes.map(({ episode }) => episode.record))
      for (const { episode, record } of changes) episode.record = { ...record, toldAtMs: episode.record.toldAtMs }
    } finally {
      for (const { episode } of changes) episode.isChanging = false
      const told = changes.filter(({ episode }, i) => episode.record.toldAtMs !== before[i])
      if (told.length > 0) this.#ground.writer.add({ records: told.map(({ episode }) => episode.record) })
    }
  }
}
