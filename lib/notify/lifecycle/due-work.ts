// What of episodes is due by the clock: ends that nobody tells of, pages of acknowledged alerts, steps of escalations. One timer,
// set to the earliest of them. Who changes an episode says so; only a tick looks at all of them, in turns of the event loop.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EscalationPolicy } from '../../config/alertmanager-config.ts'
import type { Labels } from '../../model/labels.ts'
import type { Clock, Timer } from '../../std/clock.ts'
import { runInTurns, type Steps } from '../../std/steps.ts'
import { WallJump } from '../../std/wall-jump.ts'
import type { AlertDispatch } from '../overlay.ts'
import type { Cooldowns } from './cooldowns.ts'
import { endOf, reopened, type Episode } from './episode.ts'
import type { EpisodeTable } from './episode-table.ts'
import { nextStep, type DueStep } from './escalation.ts'
import type { RecordWriter } from './record-writer.ts'

export interface DueGround {
  table: EpisodeTable
  cooldowns: Cooldowns
  writer: RecordWriter
  dispatch: AlertDispatch
  clock: Clock
  /** Runs work after the changes that are under way. */
  inTurn: (work: () => Promise<void>) => Promise<void>
}

/** A step that a silence or the like stands in the way of is looked at again. */
const BLOCKED_MS = 10_000
/** The wall clock, by which all is due, may jump. */
const TICK_MS_MAX = 60_000
const STEP_EPISODES = 16
/** Alerts handed to the dispatcher in a turn. */
const PAGED_ALERTS = 64

export class DueWork {
  readonly #ground: DueGround
  #policies: ReadonlyMap<string, EscalationPolicy> = new Map()
  #timer: Timer | null = null
  /** Unix ms for which the timer is set, Infinity without one. */
  #timerMs = Infinity
  #isStopped = false
  readonly #wallJump: WallJump

  constructor(ground: DueGround) {
    this.#ground = ground
    this.#wallJump = new WallJump(ground.clock)
  }

  /** With the routes of the same configuration in force. */
  applyPolicies(escalations: readonly EscalationPolicy[]): void {
    this.#policies = new Map(escalations.map((policy) => [policy.name, policy]))
    for (const episode of this.#ground.table.all()) episode.policy = null
    if (this.#ground.table.size > 0) this.#setTimer(0)
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  /**
   * What is due by the wall clock moves along with a jump of it: no step is taken, no page repeated, no alert over by that. To be called before
   * anything is learned by the new time.
   */
  heedClock(): void {
    const jumpMs = this.#wallJump.look()
    if (jumpMs === 0) return
    this.#ground.cooldowns.moveInTime(jumpMs)
    for (const episode of this.#ground.table.all()) {
      const { record } = episode
      episode.endsAtMs += jumpMs
      episode.blockedUntilMs += jumpMs
      episode.record = { ...record, escalationFromMs: record.escalationFromMs + jumpMs, repageAtMs: record.repageAtMs === null ? null : record.repageAtMs + jumpMs }
    }
    if (this.#ground.table.size > 0) this.#setTimer(0)
  }

  /** An episode is new, or changed. Costs no more with many. */
  changed(episode: Episode): void {
    const dueMs = this.#dueMs(episode)
    if (dueMs < this.#timerMs) this.#setTimer(dueMs)
  }

  /** The next step of its escalation, null where there is none. */
  nextStep(episode: Episode): DueStep | null {
    if (this.#policies.size === 0) return null
    return nextStep(episode.record, this.#policyOf(episode))
  }

  /** Receivers of the steps that were begun, `step` of them. Of most alerts none was: their routes are not asked. */
  stepsBegun(labels: Labels, step: number): string[] {
    const steps = step === 0 ? [] : this.#policies.get(this.#ground.dispatch.escalationOf(labels))?.steps ?? []
    return steps.slice(0, step).map(({ receiver }) => receiver)
  }

  /** As if these alerts had just fired. */
  pageAnew(prints: readonly string[]): void {
    this.#ground.dispatch.endEscalation(prints)
    this.#ground.dispatch.retell(prints)
  }

  #policyOf(episode: Episode): EscalationPolicy | undefined {
    episode.policy ??= this.#ground.dispatch.escalationOf(episode.labels)
    return this.#policies.get(episode.policy)
  }

  #dueMs(episode: Episode): number {
    const { record, endsAtMs, blockedUntilMs } = episode
    const step = this.nextStep(episode)
    return Math.min(endsAtMs, record.repageAtMs ?? Infinity, step === null ? Infinity : Math.max(step.dueMs, blockedUntilMs))
  }

  #setTimer(dueMs: number): void {
    if (this.#isStopped) return
    const { clock, inTurn } = this.#ground
    this.#timer?.cancel()
    this.#timerMs = dueMs
    this.#timer = clock.after(Math.min(Math.max(0, dueMs - clock.now()), TICK_MS_MAX), () => void inTurn(() => this.#tick()), true)
  }

  async #tick(): Promise<void> {
    const { table, cooldowns, writer, dispatch, clock } = this.#ground
    this.heedClock()
    const nowMs = clock.now()
    // What changes while this tick looks at others sets the timer anew.
    this.#timer?.cancel()
    this.#timerMs = Infinity
    cooldowns.forget(nowMs)
    const due = await runInTurns(this.#look(nowMs), clock)
    if (table.size > 0 && due.nextMs < this.#timerMs) this.#setTimer(due.nextMs)
    await writer.settled()
    await inParts(due.anew, (prints) => this.pageAnew(prints))
    for (const [receiver, prints] of due.steps) await inParts(prints, (part) => dispatch.escalate(receiver, part))
  }

  /** Alerts that page anew, those of each receiver whose step is due, and when something is due next. */
  *#look(nowMs: number): Steps<{ anew: string[]; steps: Map<string, string[]>; nextMs: number }> {
    const { table, writer } = this.#ground
    const due = { anew: [] as string[], steps: new Map<string, string[]>(), nextMs: nowMs + TICK_MS_MAX }
    let seen = 0
    for (const episode of table.all()) {
      if (++seen % STEP_EPISODES === 0) yield
      const { record } = episode
      if (episode.endsAtMs <= nowMs) {
        table.end(episode)
        writer.addAwaited(endOf(episode, episode.endsAtMs, 'nobody told of it any more'))
        continue
      }
      if (record.status === 'acknowledged' && record.repageAtMs !== null && record.repageAtMs <= nowMs) {
        episode.record = reopened(record, nowMs)
        writer.addAwaited({ records: [episode.record], events: [{ alertId: record.id, timeMs: nowMs, kind: 'unacknowledged', detail: 'nobody resolved it in time' }] })
        due.anew.push(record.fingerprint)
      } else this.#beginSteps(episode, nowMs, due.steps)
      due.nextMs = Math.min(due.nextMs, this.#dueMs(episode))
    }
    return due
  }

  #beginSteps(episode: Episode, nowMs: number, begun: Map<string, string[]>): void {
    for (let step = this.nextStep(episode); step !== null && step.dueMs <= nowMs; step = this.nextStep(episode)) {
      if (episode.blockedUntilMs > nowMs) return
      // Nobody is told of what is silenced; the step waits until that is over. A cooldown keeps repeats away, not steps.
      episode.blockedUntilMs = this.#ground.dispatch.isSuppressed(episode.labels, nowMs) ? nowMs + BLOCKED_MS : 0
      if (episode.blockedUntilMs > nowMs) return
      const { id, fingerprint: print, escalationStep } = episode.record
      episode.record = { ...episode.record, escalationStep: escalationStep + 1 }
      this.#ground.writer.addAwaited({ records: [episode.record], events: [{ alertId: id, timeMs: nowMs, kind: 'escalated', detail: step.receiver }] })
      if (begun.get(step.receiver)?.push(print) === undefined) begun.set(step.receiver, [print])
    }
  }
}

/** With a turn of the event loop after each part. */
async function inParts(prints: readonly string[], use: (part: readonly string[]) => void): Promise<void> {
  for (let at = 0; at < prints.length; at += PAGED_ALERTS) {
    use(prints.slice(at, at + PAGED_ALERTS))
    if (at + PAGED_ALERTS < prints.length) await nextTurn()
  }
}
