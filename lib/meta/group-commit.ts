// Calls that came together are one transaction: one sync for all of them. Runs where the file is: in the metadata thread, or
// in main with --threads=0.
//
//   call, call, call ─▶ queue ─(next turn)─▶ BEGIN · all in order · COMMIT ─▶ outcomes
//
// A transaction that fails is carried out once more call by call, so that one bad call costs no other its write. A file that
// turns out damaged is replaced and the calls are tried again.
import { setImmediate as nextTurn } from 'node:timers'
import type { Clock } from '../std/clock.ts'
import { explainDisk } from '../std/disk-advice.ts'
import { DiskError, fileSizeBytes, pathExists } from '../std/fs.ts'
import { MetaError } from './errors.ts'
import { explain, isDamage, MetaFile, type MetaPlace } from './meta-file.ts'
import { isWrite, type Call, type CommitReport, type Outcome } from './request.ts'

export interface CommitListener {
  /** Of one call, by the id it came with. */
  onOutcome: (id: number, outcome: Outcome) => void
  onCommit: (report: CommitReport) => void
}

interface Queued {
  id: number
  call: Call
}

export class GroupCommit {
  readonly #place: MetaPlace
  readonly #clock: Clock
  readonly #listener: CommitListener
  /** null: could not be opened; each batch tries it anew. */
  #file: MetaFile | null = null
  #queue: Queued[] = []
  #isScheduled = false

  constructor(place: MetaPlace, clock: Clock, listener: CommitListener) {
    this.#place = place
    this.#clock = clock
    this.#listener = listener
    try {
      this.#file = MetaFile.open(place)
    } catch (error) {
      // The start goes on: metrics are stored and alerts told without it.
      place.warn(`${explain(error, 'open').message}. Until then silences, acknowledgements and the history of alerts are not kept`)
    }
  }

  add(id: number, call: Call): void {
    this.#queue.push({ id, call })
    if (this.#isScheduled) return
    this.#isScheduled = true
    nextTurn(() => this.flush())
  }

  /** Carries out what waits. */
  flush(): void {
    this.#isScheduled = false
    const batch = this.#queue
    this.#queue = []
    if (batch.length === 0) return
    const startedMs = this.#clock.monotonic()
    const outcomes = this.#carryOut(batch.map(({ call }) => call))
    const writes = batch.filter(({ call }) => isWrite(call)).length
    if (writes > 0) {
      const failures = outcomes.filter(({ error }) => error !== null).length
      this.#listener.onCommit({ writes, failures, seconds: (this.#clock.monotonic() - startedMs) / 1000, sizeBytes: this.#file?.sizeBytes() ?? 0 })
    }
    outcomes.forEach((outcome, i) => this.#listener.onOutcome(batch[i]!.id, outcome))
  }

  close(): void {
    this.flush()
    this.#file?.close()
    this.#file = null
  }

  #carryOut(calls: readonly Call[]): Outcome[] {
    // SQLite copies outside of transactions only.
    if (calls.some(({ method }) => method === 'copy')) return calls.map((call) => this.#alone(call))
    try {
      return this.#together(calls)
    } catch (error) {
      if (isDamage(error)) this.#replace(error)
      return calls.map((call) => this.#alone(call))
    }
  }

  #together(calls: readonly Call[]): Outcome[] {
    const file = (this.#file ??= MetaFile.open(this.#place))
    const all = (): Outcome[] => calls.map((call) => ({ value: carryOut(file, call), error: null }))
    if (!calls.some(isWrite)) return all()
    // What is written to a file without a name is lost with the process.
    if (!pathExists(file.path)) throw unreachable(file.path)
    return file.transaction(all)
  }

  #alone(call: Call): Outcome {
    try {
      return this.#together([call])[0]!
    } catch (error) {
      const what = `${call.method} in ${this.#file?.path ?? this.#place.folder}`
      return { value: null, error: explain(error, what).message }
    }
  }

  #replace(damage: unknown): void {
    this.#file?.close()
    this.#file = null
    try {
      this.#file = MetaFile.replace(this.#place, damage)
    } catch (error) {
      this.#place.warn(explain(error, 'replace').message)
    }
  }
}

function unreachable(file: string): MetaError {
  try {
    fileSizeBytes(file)
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    if (error.code !== 'ENOENT') return new MetaError(`cannot write ${file}: ${explainDisk(error)}`)
  }
  return new MetaError(`cannot write ${file}: it was deleted or moved; put it back, or restart Monitor to begin anew there`)
}

function carryOut(file: MetaFile, call: Call): unknown {
  const { tables } = file
  switch (call.method) {
    case 'silences': return tables.silences()
    case 'unreadableSilences': return tables.unreadableSilences()
    case 'putSilence': return tables.putSilence(...call.args)
    case 'deleteSilences': return tables.deleteSilences(...call.args)
    case 'notificationEntries': return tables.notificationEntries()
    case 'putNotificationEntry': return tables.putNotificationEntry(...call.args)
    case 'moveNotificationEntries': return tables.moveNotificationEntries(...call.args)
    case 'alerts': return tables.alerts(...call.args)
    case 'alert': return tables.alert(...call.args)
    case 'told': return tables.told()
    case 'unresolvedAlerts': return tables.unresolvedAlerts()
    case 'endedAlerts': return tables.endedAlerts(...call.args)
    case 'pendingAlerts': return tables.pendingAlerts(...call.args)
    case 'pendingAlert': return tables.pendingAlert(...call.args)
    case 'currentPending': return tables.currentPending()
    case 'putPending': return tables.putPending(...call.args)
    case 'putAlerts': return tables.putAlerts(...call.args)
    case 'events': return tables.events(...call.args)
    case 'alertsLacking': return tables.alertsLacking(...call.args)
    case 'owed': return tables.owed()
    case 'putOwed': return tables.putOwed(...call.args)
    case 'rules': return tables.rules()
    case 'putRule': return tables.putRule(...call.args)
    case 'deleteRule': return tables.deleteRule(...call.args)
    case 'ruleTargets': return tables.ruleTargets()
    case 'forgetRuleTargets': return tables.forgetRuleTargets(...call.args)
    case 'value': return tables.value(...call.args)
    case 'putValue': return tables.putValue(...call.args)
    case 'forget': return tables.forget(...call.args)
    case 'copy': return file.copy()
  }
}
