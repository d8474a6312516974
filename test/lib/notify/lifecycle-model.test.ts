// Random histories: alerts fire and end, people acknowledge and take it back, silence and escalate, receivers fail, time
// passes, the program ends and starts. After each of these the real lifecycle, its store and the model agree.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { fingerprint } from '../../../lib/model/fingerprint.ts'
import { labelsFromRecord } from '../../../lib/model/labels.ts'
import { AlertStateError } from '../../../lib/notify/lifecycle/people-actions.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { Random } from '../../../lib/std/random.ts'
import { expectSame } from '../../support/expect-same.ts'
import { testSeed } from '../../support/seed.ts'
import { ALL } from '../meta/store-conformance.ts'
import { COOLDOWN_MS, LifecycleModel, STEPS, type AlertKind } from './lifecycle-model.ts'
import { HOLD_MS, LifecycleWorld, sent } from './lifecycle-world.ts'

const HISTORIES = Number(process.env['PROVE_LIFECYCLES'] ?? 150)
const SEED = Number(process.env['PROVE_SEED'] ?? testSeed())
const OPERATIONS = 40

const KINDS: readonly AlertKind[] = [
  { labels: { alertname: 'Cpu', severity: 'warning', escalation: 'oncall' }, cooldownKey: 'cpu', hasPolicy: true },
  { labels: { alertname: 'Cpu', severity: 'critical', escalation: 'oncall' }, cooldownKey: 'cpu', hasPolicy: true },
  { labels: { alertname: 'Disk', severity: 'warning', escalation: 'oncall' }, cooldownKey: '', hasPolicy: true },
  { labels: { alertname: 'Net', severity: 'warning' }, cooldownKey: 'net', hasPolicy: false },
]
const PRINTS = KINDS.map(({ labels }) => fingerprint(labelsFromRecord(labels)))
const INTEGRATIONS = ['team/email/0', 'team/sms/0', 'boss/sms/0', 'vp/sms/0']
const COOLDOWNS = { cooldowns: [{ matchers: [{ name: 'alertname', op: '=~' as const, value: 'Cpu|Net' }], cooldownMs: COOLDOWN_MS }] }

class History {
  readonly #world: LifecycleWorld
  readonly #random: Random
  readonly #model = new LifecycleModel(KINDS)
  /** Ids of open episodes, by alert. */
  #ids: (string | null)[] = []
  readonly log: string[] = []

  constructor(folder: string, seed: number) {
    this.#random = new Random(seed)
    this.#world = new LifecycleWorld(folder, new FakeClock(), COOLDOWNS, [{ name: 'oncall', steps: STEPS }])
  }

  async run(): Promise<void> {
    await this.#world.begin()
    for (let n = 0; n < OPERATIONS; n++) {
      await this.#operate()
      await this.#compare()
    }
    await this.#world.lifecycle.stop()
    await this.#world.store.close()
  }

  async #operate(): Promise<void> {
    const random = this.#random
    const i = random.int(KINDS.length)
    const nowMs = this.#world.clock.now()
    const dice = random.int(100)
    if (dice < 25) await this.#fire(i, nowMs)
    else if (dice < 32) await this.#resolve(i, nowMs)
    else if (dice < 50) this.#flush(random.pick(INTEGRATIONS), random.int(5) === 0, nowMs)
    else if (dice < 57) await this.#act(i, 'ack', nowMs)
    else if (dice < 61) await this.#act(i, 'unack', nowMs)
    else if (dice < 65) await this.#act(i, 'escalate', nowMs)
    else if (dice < 70) this.#silence(i)
    else if (dice < 75) await this.#restart(random.int(2) === 0, nowMs)
    else await this.#pass(random.pick([1000, 9000, 60_000, 300_000, 900_000]))
  }

  async #fire(i: number, nowMs: number): Promise<void> {
    const agoMs = this.#random.pick([0, 0, 1000, 3_600_000])
    this.log.push(`fire ${i}, since ${agoMs / 1000} s`)
    await this.#world.lifecycle.receive([sent(KINDS[i]!.labels, nowMs - agoMs, { endsAtMs: nowMs + HOLD_MS })])
    this.#model.fire(i, nowMs, nowMs + HOLD_MS)
  }

  async #resolve(i: number, nowMs: number): Promise<void> {
    this.log.push(`resolve ${i}`)
    await this.#world.lifecycle.receive([sent(KINDS[i]!.labels, nowMs, { endsAtMs: nowMs })])
    this.#model.resolve(i)
  }

  #flush(integration: string, isFailing: boolean, nowMs: number): void {
    this.log.push(`flush ${integration}${isFailing ? ', which fails' : ''}`)
    const receiver = integration.split('/')[0]!
    const wanted = this.#model.alerts.flatMap((alert, i) => {
      const isForIt = receiver === 'team' || STEPS.slice(0, alert.steps).some((step) => step.receiver === receiver)
      return alert.isOpen && isForIt && !alert.isSilenced && !this.#model.isHeld(i, integration, nowMs) ? [i] : []
    })
    // One after the other, as the world tells them: alerts that cool down together hold each other.
    const told = this.#world.flush(integration, isFailing ? 'refused' : null).map((print) => PRINTS.indexOf(print))
    for (const i of told) {
      expect(wanted).toContain(i)
      expectSame(this.#model.isHeld(i, integration, nowMs), false, `alert ${i} is held from ${integration}`)
      if (!isFailing) this.#model.told(i, integration, nowMs)
    }
    for (const i of wanted) if (!told.includes(i)) expectSame(this.#model.isHeld(i, integration, nowMs), true, `alert ${i} is kept from ${integration}`)
  }

  async #act(i: number, what: 'ack' | 'unack' | 'escalate', nowMs: number): Promise<void> {
    const { lifecycle } = this.#world
    const id = this.#ids[i] ?? '00000000-0000-4000-8000-999999999999'
    const repageAfterMs = this.#random.pick([0, 120_000, 1_200_000])
    this.log.push(`${what} ${i} ${what === 'ack' ? repageAfterMs : ''}`)
    const acting = { ack: () => lifecycle.people.acknowledge(id, { by: 'ana', repageAfterMs }), unack: () => lifecycle.people.unacknowledge(id, 'ana'), escalate: () => lifecycle.people.escalate(id, 'ana') }[what]()
    const isDone = await acting.then(() => true, (error: unknown) => (error instanceof AlertStateError ? false : Promise.reject(error)))
    const isAllowed = { ack: () => this.#model.acknowledge(i, 'ana', repageAfterMs === 0 ? null : nowMs + repageAfterMs), unack: () => this.#model.unacknowledge(i, nowMs), escalate: () => this.#model.escalate(i) }[what]()
    expect(isDone).toBe(isAllowed)
  }

  #silence(i: number): void {
    const alert = this.#model.alerts[i]!
    alert.isSilenced = !alert.isSilenced
    this.log.push(`${alert.isSilenced ? 'silence' : 'unsilence'} ${i}`)
    if (alert.isSilenced) this.#world.silenced.add(PRINTS[i]!)
    else this.#world.silenced.delete(PRINTS[i]!)
  }

  async #restart(isKilled: boolean, nowMs: number): Promise<void> {
    this.log.push(isKilled ? 'kill' : 'restart')
    // What callbacks have added is on its way; who is killed before may tell once more.
    await this.#world.idle()
    await this.#world.restart(isKilled)
    this.#model.retold.length = 0
    this.#model.restart(nowMs)
  }

  /** In hops that end just before and at what comes due. */
  async #pass(ms: number): Promise<void> {
    this.log.push(`${ms / 1000} s pass`)
    const { clock } = this.#world
    const untilMs = clock.now() + ms
    while (clock.now() < untilMs) {
      const dueMs = Math.min(this.#model.dueMs(clock.now()), untilMs)
      await this.#world.advance(Math.max(1, dueMs - 1 - clock.now()))
      if (clock.now() < untilMs) await this.#compare()
    }
  }

  async #compare(): Promise<void> {
    const { world, model } = { world: this.#world, model: this.#model }
    await world.idle()
    const records = await world.store.unresolvedAlerts()
    const byPrint = new Map(records.map((record) => [record.fingerprint, record]))
    expect(byPrint.size, 'one open episode an alert').toBe(records.length)
    expect(model.pass(world.clock.now(), (i) => byPrint.get(PRINTS[i]!)?.escalationStep ?? 0)).toEqual([])
    model.alerts.forEach((alert, i) => {
      const record = byPrint.get(PRINTS[i]!)
      expect(record !== undefined, `alert ${i} is open`).toBe(alert.isOpen)
      if (record === undefined) return
      expect(record, `alert ${i}`).toMatchObject({
        status: alert.acknowledgedBy === '' ? 'open' : 'acknowledged', acknowledgedBy: alert.acknowledgedBy, repageAtMs: alert.repageAtMs, escalationStep: alert.steps, escalationFromMs: alert.escalationFromMs,
      })
      expect(record.toldAtMs !== null, `alert ${i} was told`).toBe(alert.isTold)
      expect(world.dispatch.escalated.get(PRINTS[i]!) ?? new Set(), `alert ${i}: who is told by its escalation`).toEqual(new Set(STEPS.slice(0, alert.steps).map(({ receiver }) => receiver)))
    })
    expect(world.dispatch.retold.toSorted(), 'told anew').toEqual(model.retold.map((i) => PRINTS[i]!).toSorted())
    this.#ids = PRINTS.map((print) => byPrint.get(print)?.id ?? null)
    const ended = (await world.store.alerts({ ...ALL, status: 'resolved', limit: 1000 })).length
    expect(ended, 'episodes that ended').toBe(model.alerts.reduce((sum, { episodes }) => sum + episodes, 0))
  }
}

it(`lives as its model does, in ${HISTORIES} histories from seed ${SEED} on`, async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-test-'))
  try {
    for (let n = 0; n < HISTORIES; n++) {
      const folder = path.join(root, String(n))
      const history = new History(folder, SEED + n)
      await history.run().catch((error: unknown) => {
        throw new Error(`seed ${SEED + n} (PROVE_SEED=${SEED + n} PROVE_LIFECYCLES=1): ${history.log.join('; ')}`, { cause: error })
      })
      fs.rmSync(folder, { recursive: true, force: true })
    }
  } finally {
    fs.rmSync(root, { recursive: true, force: true })
  }
}, Math.max(60_000, HISTORIES * 400))
