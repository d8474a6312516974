// What the life of alerts is to be, in the plainest words: a model beside which random histories run the real one. Its clock is
// looked at whenever something may have come due. Where the real one may take its time (a blocked step is looked at every ten
// seconds) it says what may be and what must be.

const MINUTE = 60_000
export const COOLDOWN_MS: number = 15 * MINUTE
export const STEPS: readonly { afterMs: number; receiver: string }[] = [{ afterMs: 5 * MINUTE, receiver: 'boss' }, { afterMs: 12 * MINUTE, receiver: 'vp' }]
const RESTART_GRACE_MS = 15 * MINUTE
const BLOCKED_MS = 10_000
const SEVERITIES = ['warning', 'critical']

export interface AlertKind {
  labels: Readonly<Record<string, string>>
  /** Same for alerts that cool down together; '' for none. */
  cooldownKey: string
  hasPolicy: boolean
}

export interface ModelAlert {
  kind: AlertKind
  isOpen: boolean
  endsAtMs: number
  acknowledgedBy: string
  repageAtMs: number | null
  escalationFromMs: number
  steps: number
  isTold: boolean
  /** Integrations that were told of the episode since it began, or was given back. */
  toldOfSteps: string[]
  /** Unix ms when an acknowledgement ended within the episode; 0: none did. */
  givenBackMs: number
  /** Since when the next step is due and nothing stands in its way; null: it is not so. */
  freeSinceMs: number | null
  isSilenced: boolean
  /** Episodes that ended. */
  episodes: number
}

export class LifecycleModel {
  readonly alerts: ModelAlert[]
  /** By cooldown key and integration. */
  readonly #told = new Map<string, { atMs: number; severity: number }>()
  readonly retold: number[] = []

  constructor(kinds: readonly AlertKind[]) {
    this.alerts = kinds.map((kind) => ({
      kind, isOpen: false, endsAtMs: 0, acknowledgedBy: '', repageAtMs: null, escalationFromMs: 0, steps: 0, isTold: false, toldOfSteps: [], givenBackMs: 0, freeSinceMs: null, isSilenced: false, episodes: 0,
    }))
  }

  fire(i: number, nowMs: number, endsAtMs: number): void {
    const alert = this.alerts[i]!
    alert.endsAtMs = endsAtMs
    if (alert.isOpen) return
    Object.assign(alert, { isOpen: true, acknowledgedBy: '', repageAtMs: null, escalationFromMs: nowMs, steps: 0, isTold: false, toldOfSteps: [], givenBackMs: 0, freeSinceMs: null })
  }

  resolve(i: number): void {
    const alert = this.alerts[i]!
    if (!alert.isOpen) return
    alert.isOpen = false
    alert.episodes++
  }

  /** Whether it is allowed. */
  acknowledge(i: number, by: string, repageAtMs: number | null): boolean {
    const alert = this.alerts[i]!
    if (!alert.isOpen) return false
    Object.assign(alert, { acknowledgedBy: by, repageAtMs })
    return true
  }

  unacknowledge(i: number, nowMs: number): boolean {
    const alert = this.alerts[i]!
    if (!alert.isOpen || alert.acknowledgedBy === '') return false
    Object.assign(alert, { acknowledgedBy: '', repageAtMs: null, escalationFromMs: nowMs, steps: 0, toldOfSteps: [], givenBackMs: nowMs, freeSinceMs: null })
    this.retold.push(i)
    return true
  }

  escalate(i: number): boolean {
    const alert = this.alerts[i]!
    if (!alert.isOpen || alert.acknowledgedBy !== '' || !alert.kind.hasPolicy || alert.steps === STEPS.length) return false
    alert.steps++
    alert.freeSinceMs = null
    return true
  }

  restart(nowMs: number): void {
    for (const alert of this.alerts) {
      alert.endsAtMs = nowMs + RESTART_GRACE_MS
      // Who looks again after ten seconds looks at once after a start.
      if (alert.freeSinceMs !== null) alert.freeSinceMs = nowMs
    }
  }

  /** A cooldown holds repeats: the first word of a step is none. */
  isHeld(i: number, integration: string, nowMs: number): boolean {
    const { acknowledgedBy, toldOfSteps } = this.alerts[i]!
    return acknowledgedBy !== '' || (this.#cools(i, integration, nowMs) && (integration.startsWith('team/') || toldOfSteps.includes(integration)))
  }

  told(i: number, integration: string, nowMs: number): void {
    const { kind, toldOfSteps } = this.alerts[i]!
    toldOfSteps.push(integration)
    this.alerts[i]!.isTold = true
    if (kind.cooldownKey === '') return
    const key = `${kind.cooldownKey} ${integration}`
    const before = this.#told.get(key)
    const worst = before !== undefined && nowMs < before.atMs + COOLDOWN_MS ? before.severity : -1
    this.#told.set(key, { atMs: nowMs, severity: Math.max(worst, severityOf(kind)) })
  }

  /** Moments from now on at which something comes due. */
  dueMs(nowMs: number): number {
    let dueMs = Infinity
    const look = (ms: number | null): void => void (ms !== null && ms > nowMs && (dueMs = Math.min(dueMs, ms)))
    for (const alert of this.alerts) {
      if (!alert.isOpen) continue
      look(alert.endsAtMs)
      look(alert.repageAtMs)
      if (alert.kind.hasPolicy && alert.steps < STEPS.length) look(alert.escalationFromMs + STEPS[alert.steps]!.afterMs)
      if (alert.freeSinceMs !== null) look(alert.freeSinceMs + BLOCKED_MS)
    }
    for (const { atMs } of this.#told.values()) look(atMs + COOLDOWN_MS)
    return dueMs
  }

  /** What the clock does. Of steps it says only how many may and must have been begun: `steps` tells how many are. */
  pass(nowMs: number, steps: (i: number) => number): string[] {
    const faults: string[] = []
    this.alerts.forEach((alert, i) => {
      if (!alert.isOpen) return
      if (alert.endsAtMs <= nowMs) return this.resolve(i)
      if (alert.repageAtMs !== null && alert.repageAtMs <= nowMs) this.unacknowledge(i, nowMs)
      if (alert.acknowledgedBy !== '' || !alert.kind.hasPolicy) return
      for (const begun = steps(i); ;) {
        const step = STEPS[alert.steps]
        const isFree = step !== undefined && alert.escalationFromMs + step.afterMs <= nowMs && !alert.isSilenced
        if (!isFree) alert.freeSinceMs = null
        else alert.freeSinceMs ??= nowMs
        if (begun === alert.steps) {
          if (isFree && nowMs - alert.freeSinceMs! > BLOCKED_MS) faults.push(`alert ${i}: step ${begun} was free for more than ten seconds`)
          return
        }
        if (begun < alert.steps || !isFree) return void faults.push(`alert ${i}: ${begun} steps begun, ${alert.steps} are due`)
        alert.steps++
        alert.freeSinceMs = null
      }
    })
    return faults
  }

  #cools(i: number, integration: string, nowMs: number): boolean {
    const { kind, givenBackMs } = this.alerts[i]!
    const entry = kind.cooldownKey === '' ? undefined : this.#told.get(`${kind.cooldownKey} ${integration}`)
    return entry !== undefined && nowMs < entry.atMs + COOLDOWN_MS && severityOf(kind) <= entry.severity && entry.atMs >= givenBackMs
  }
}

function severityOf({ labels }: AlertKind): number {
  return SEVERITIES.indexOf(labels['severity'] ?? '')
}
