// The life of alerts against a model that is told in another way: random histories of what an expression gives, with
// restarts, and everything that shows: states, times, stored series, who is told what. PROVE_ALERT_HISTORIES asks for more.
import { describe, expect, it } from 'vitest'
import type { InstantElement } from '../../../lang/instant-elements.ts'
import type { SentAlert } from '../../../lib/model/alert.ts'
import { getLabel } from '../../../lib/model/labels.ts'
import { AlertingRule } from '../../../lib/rules/alerting-rule.ts'
import { buildGroup } from '../../../lib/rules/build-group.ts'
import type { RuleGroup } from '../../../lib/rules/group.ts'
import { restoreGroup } from '../../../lib/rules/restore.ts'
import { RuleWriter } from '../../../lib/rules/rule-writer.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { silentLogger } from '../../../lib/std/log.ts'
import { Random } from '../../../lib/std/random.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'
import { alertRule, ruleGroup, START_MS } from '../../support/rules-fixture.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const GRACE = 10 * MINUTE
const RESOLVED_KEPT = 15 * MINUTE
const HISTORIES = Number(process.env['PROVE_ALERT_HISTORIES'] ?? 400)
const SEED = Number(process.env['PROVE_SEED'] ?? 1)
const SERIES = ['a', 'b']

interface Shape {
  forMs: number
  keepMs: number
  resendMs: number
}

/** One alert as the model sees it: when things happened, and nothing else. */
interface Life {
  since: number
  firedAt: number | null
  /** Since when the expression has been silent while it goes on firing. */
  silentSince: number | null
  resolvedAt: number | null
  toldAt: number
}

interface Shown {
  state: string
  since: number
  silentSince: number | null
}

class Model {
  readonly #shape: Shape
  lives = new Map<string, Life>()
  /** Last row of ALERTS_FOR_STATE; since null: a marker. */
  readonly stored = new Map<string, { t: number; since: number | null }>()
  #written = new Set<string>()
  isRestored = false

  constructor(shape: Shape) {
    this.#shape = shape
  }

  restart(): void {
    this.lives = new Map()
    this.#written = new Set()
    this.isRestored = false
  }

  /** What is told at `now`, where `given` is what the expression gives. */
  step(now: number, given: ReadonlySet<string>): string[] {
    for (const name of SERIES) this.#live(name, now, given.has(name))
    const told = [...this.lives].filter(([, life]) => this.#isDue(life, now)).map(([name, life]) => {
      life.toldAt = now
      return `${name} ${life.firedAt} ${life.resolvedAt ?? now + 4 * Math.max(MINUTE, this.#shape.resendMs)}`
    })
    const active = new Set([...this.lives].filter(([, life]) => life.resolvedAt === null).map(([name]) => name))
    if (this.isRestored) {
      for (const name of active) this.stored.set(name, { t: now, since: Math.floor(this.lives.get(name)!.since / 1000) * 1000 })
      for (const name of this.#written) if (!active.has(name)) this.stored.set(name, { t: now, since: null })
      this.#written = active
    }
    return told.toSorted()
  }

  restore(now: number): void {
    this.isRestored = true
    const { forMs } = this.#shape
    if (forMs < GRACE) return
    for (const [name, life] of this.lives) {
      const last = this.stored.get(name)
      if (life.resolvedAt !== null || last === undefined || last.since === null || last.t < now - HOUR) continue
      const seenAt = Math.floor(last.t / 1000) * 1000
      const left = forMs - (seenAt - last.since)
      if (left <= 0) life.since = last.since
      else life.since = now + Math.max(left, GRACE) - forMs
    }
  }

  shown(): Map<string, Shown> {
    return new Map([...this.lives].filter(([, life]) => life.resolvedAt === null).map(([name, life]) => [name, { state: life.firedAt === null ? 'pending' : 'firing', since: life.since, silentSince: life.silentSince }]))
  }

  #live(name: string, now: number, isGiven: boolean): void {
    const { keepMs } = this.#shape
    const life = this.lives.get(name)
    if (isGiven) {
      const own: Life = life === undefined || life.resolvedAt !== null ? { since: now, firedAt: null, silentSince: null, resolvedAt: null, toldAt: 0 } : life
      own.silentSince = null
      this.lives.set(name, own)
      this.#age(own, now)
    } else if (life === undefined) return
    else if (life.resolvedAt !== null) {
      if (now - life.resolvedAt > RESOLVED_KEPT) this.lives.delete(name)
    } else if (life.firedAt === null) this.lives.delete(name)
    else {
      const silentSince = keepMs > 0 ? life.silentSince ?? now : null
      life.silentSince = silentSince
      if (silentSince !== null && now - silentSince < keepMs) this.#age(life, now)
      else life.resolvedAt = now
    }
  }

  #age(life: Life, now: number): void {
    const isDue = now - life.since >= this.#shape.forMs
    if (isDue) life.firedAt ??= now
    else if (life.firedAt !== null) Object.assign(life, { firedAt: null, silentSince: null, toldAt: 0 })
  }

  #isDue({ firedAt, resolvedAt, toldAt }: Life, now: number): boolean {
    return firedAt !== null && ((resolvedAt !== null && resolvedAt > toldAt) || toldAt + this.#shape.resendMs < now)
  }
}

/** The real thing over a store that outlives it. */
class Real {
  readonly storage = new MemoryStorage()
  readonly clock = new FakeClock(START_MS)
  given: ReadonlySet<string> = new Set()
  told: SentAlert[] = []
  group: RuleGroup
  readonly #shape: Shape

  constructor(shape: Shape) {
    this.#shape = shape
    this.group = this.#made()
  }

  #made(): RuleGroup {
    const { forMs, keepMs, resendMs } = this.#shape
    const elements = (): InstantElement[] => [...this.given].map((name) => ({ labels: ['i', name], value: 1, histogram: null }))
    return buildGroup(ruleGroup([alertRule('A', 'x', { forMs, keepFiringForMs: keepMs })]), { intervalMs: MINUTE, queryOffsetMs: 0 }, { externalLabels: new Map(), externalUrl: '' }, {
      ground: {
        query: elements, clock: this.clock, logger: silentLogger, features: {}, write: (t, rows) => Promise.resolve(new RuleWriter(this.storage).write(t, rows)),
        notify: { resendMs, send: (alerts) => this.told.push(...alerts) },
      },
      isRestored: false,
    })
  }

  restart(): void {
    this.group = this.#made()
  }

  async step(now: number, given: ReadonlySet<string>): Promise<string[]> {
    this.given = given
    this.told = []
    await this.group.evaluate(now)
    return this.told.map(({ labels, startsAtMs, endsAtMs }) => `${getLabel(labels, 'i')} ${startsAtMs} ${endsAtMs}`).toSorted()
  }

  restore(now: number): void {
    restoreGroup(this.group, this.storage, now, { clock: this.clock, logger: silentLogger })
  }

  shown(): Map<string, Shown> {
    const rule = this.group.rules[0] as AlertingRule
    return new Map(rule.activeAlerts().map(({ labels, state, activeAtMs, keepFiringSinceMs }) => [getLabel(labels, 'i'), { state, since: activeAtMs, silentSince: keepFiringSinceMs }]))
  }

  /** Last row of ALERTS_FOR_STATE of each series. */
  stored(): Map<string, { t: number; since: number | null }> {
    const rows = this.storage.dump().filter(({ labels }) => getLabel(labels, '__name__') === 'ALERTS_FOR_STATE')
    return new Map(rows.map(({ labels, samples }) => {
      const last = samples.at(-1)!
      return [getLabel(labels, 'i'), { t: last.t, since: last.isStale ? null : last.v * 1000 }]
    }))
  }
}

async function runHistory(seed: number): Promise<void> {
  const random = new Random(seed)
  const shape = { forMs: random.pick([0, 1, 3, 10, 15, 30]) * MINUTE, keepMs: random.pick([0, 0, 1, 4]) * MINUTE, resendMs: random.pick([1, 3]) * MINUTE }
  const [model, real] = [new Model(shape), new Real(shape)]
  const stays = random.pick([0.5, 0.8, 0.95])
  let [now, sinceStart] = [START_MS + random.int(MINUTE), 0]
  let given = new Set<string>()
  for (let i = 0; i < 80; i++) {
    if (random.float() < 0.03) {
      now += random.int(90) * MINUTE
      sinceStart = 0
      model.restart()
      real.restart()
    }
    now += MINUTE
    given = new Set(SERIES.filter((name) => (random.float() < stays ? given.has(name) : random.float() < 0.7)))
    const where = `history ${seed}, step ${i}`
    const told = model.step(now, given)
    expect(await real.step(now, given), `${where}: told`).toEqual(told)
    if (++sinceStart === 2) {
      model.restore(now + 500)
      real.restore(now + 500)
    }
    expect(real.shown(), `${where}: alerts`).toEqual(model.shown())
    expect(real.stored(), `${where}: ALERTS_FOR_STATE`).toEqual(model.stored)
  }
}

describe('alerts', () => {
  it(`live as the model says, in ${HISTORIES} histories from seed ${SEED} on`, async () => {
    for (let i = 0; i < HISTORIES; i++) await runHistory(SEED + i)
  }, 60_000 + HISTORIES * 200)
})
