// Random lives of alerts under configurations that change all the while, with kills: whoever was told that an alert fires hears of its
// end, once it has ended and his receiver is there, and nobody is sent a message for the end of what he never heard of. Where a receiver's
// list is but reordered, amid messages on their way, each of its targets hears of each start and end once.
import { expect, it } from 'vitest'
import { fingerprint } from '../../../../lib/model/fingerprint.ts'
import { labelsFromRecord } from '../../../../lib/model/labels.ts'
import { Random } from '../../../../lib/std/random.ts'
import { PipelineWorld } from '../../../support/pipeline-world.ts'
import { testSeed } from '../../../support/seed.ts'

const HISTORIES = Number(process.env['PROVE_ROUTES'] ?? 12)
const SEED = Number(process.env['PROVE_SEED'] ?? testSeed())
const OPERATIONS = 14
const RECEIVERS = ['x', 'y', 'z']
const ALERTS = ['a', 'b', 'c', 'd'].map((name, i) => ({ name, job: `j${i % 2}`, zone: String(i >> 1) }))
/** Longer than a group waits. */
const STEP_SECONDS = 21

function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.int(from.length)]!
}

/** Each receiver has webhooks of its own, some of them and in any order; with `all`, every one. */
function randomConfig(random: Random, all = false): string {
  const receivers = RECEIVERS.filter((_, i) => all || i === 0 || random.int(4) > 0)
  const hooks = (name: string): string => {
    const hosts = [1, 2, 3].map((n) => `${name}${n}`).toSorted(() => random.int(3) - 1).filter((_, i) => all || i === 0 || random.int(2) > 0)
    return `webhook_configs: [${hosts.map((host) => `{url: 'http://${host}/'}`).join(', ')}]`
  }
  const groupBy = (): string => `group_by: [${pick(random, ['', 'job', 'job, zone', "'...'"])}]`
  const child = (): string => `{receiver: ${pick(random, receivers)}, ${groupBy()}, continue: ${random.int(2) > 0}, matchers: ['${pick(random, ['job = j0', 'zone = 1', 'name =~ "a|d"'])}']}`
  const children = Array.from({ length: random.int(4) }, child)
  return `route: {receiver: ${pick(random, receivers)}, ${groupBy()}, group_wait: 2s, group_interval: 10s, repeat_interval: 30m, routes: [${children.join(', ')}]}\nreceivers: [${receivers.map((name) => `{name: ${name}, ${hooks(name)}}`).join(', ')}]\n`
}

class History {
  readonly log: string[] = []
  readonly #random: Random
  readonly #firing = new Set<string>()
  /** By receiver, group and alert. */
  readonly #told = new Map<string, 'firing' | 'resolved'>()
  #world!: PipelineWorld

  constructor(seed: number) {
    this.#random = new Random(seed)
  }

  async run(): Promise<void> {
    this.#world = await PipelineWorld.start(randomConfig(this.#random))
    for (let n = 0; n < OPERATIONS; n++) {
      await this.#operate()
      await this.#settle()
    }
    const ended = ALERTS.filter(({ name }) => this.#firing.delete(name))
    await this.#world.resolve(...ended)
    await this.#settle()
    this.#apply(randomConfig(this.#random, true))
    await this.#resolveTold()
    await this.#settle()
    expect([...this.#told].filter(([, status]) => status === 'firing').map(([key]) => key), 'who heard of no end').toEqual([])
    await this.#world.stop()
  }

  async #operate(): Promise<void> {
    const random = this.#random
    const dice = random.int(10)
    const alert = pick(random, ALERTS)
    if (dice < 3) this.#apply(randomConfig(random))
    else if (dice < 5) await this.#restart()
    else if (dice < 8) await this.#fire(alert)
    else if (this.#firing.delete(alert.name)) {
      this.log.push(`end ${alert.name}`)
      await this.#world.resolve(alert)
      // A kill before anybody is told, or a change of routes.
      const then = random.int(3)
      if (then === 0) await this.#restart()
      else if (then === 1) this.#apply(randomConfig(random))
    }
  }

  #apply(config: string): void {
    this.log.push(config)
    this.#world.apply(config)
  }

  async #fire(alert: Record<string, string>): Promise<void> {
    this.log.push(`fire ${alert['name']!}`)
    this.#firing.add(alert['name']!)
    await this.#world.fire(alert)
  }

  /** What fires comes again from the rules, and from the history what has ended. */
  async #restart(): Promise<void> {
    this.log.push('kill')
    await this.#world.restart()
    await this.#world.fire(...ALERTS.filter(({ name }) => this.#firing.has(name)))
    await this.#resolveTold()
  }

  async #resolveTold(): Promise<void> {
    const told = this.#world.pipeline.toldFiring()
    await this.#world.resolve(...ALERTS.filter((alert) => !this.#firing.has(alert.name) && told.has(fingerprint(labelsFromRecord(alert)))))
  }

  async #settle(): Promise<void> {
    await this.#world.advance(STEP_SECONDS)
    for (const { to, firing, resolved, notification: { groupKey } } of this.#world.told.splice(0)) {
      this.log.push(`${to} ${groupKey} ${firing.map((name) => `+${name}`).join('')}${resolved.map((name) => `-${name}`).join('')}`)
      // What else has ended goes along where something of the group was told to fire, as Alertmanager has it.
      const isKnown = firing.length > 0 || ALERTS.some(({ name }) => this.#told.get(`${to} ${groupKey} ${name}`) === 'firing')
      expect(isKnown, `${to} has heard of the start of anything in ${groupKey}`).toBe(true)
      for (const name of firing) this.#told.set(`${to} ${groupKey} ${name}`, 'firing')
      for (const name of resolved) this.#told.set(`${to} ${groupKey} ${name}`, 'resolved')
    }
  }
}

it(`tells all ends to those who know of the start, in ${HISTORIES} histories from seed ${SEED} on`, async () => {
  for (let i = 0; i < HISTORIES; i++) {
    const history = new History(SEED + i)
    try {
      await history.run()
    } catch (error) {
      throw new Error(`seed ${SEED + i}: ${history.log.join('\n')}`, { cause: error })
    }
  }
}, 3_600_000)

async function reorder(random: Random, log: string[]): Promise<void> {
  const hosts = ['p', 'q', 'r']
  const config = (): string => `route: {receiver: team, group_by: ['...'], group_wait: 2s, group_interval: 10s, repeat_interval: 100h}\nreceivers: [{name: team, webhook_configs: [${hosts.toSorted(() => random.int(3) - 1).map((host) => `{url: 'http://${host}/'}`).join(', ')}]}]\n`
  const world = await PipelineWorld.start(config())
  const onTheirWay: (() => void)[] = []
  for (const host of hosts) world.behaviours.set(host, () => (random.int(2) > 0 ? new Promise((resolve) => onTheirWay.push(resolve)) : Promise.resolve()))
  const firing = new Set<string>()
  const believed = new Set<string>()
  const settle = async (seconds: number): Promise<void> => {
    await world.advance(seconds)
    for (const { to, status, firing: [started], resolved: [ended] } of world.told.splice(0)) {
      const belief = `${to} ${started ?? ended!}`
      log.push(`${belief} ${status}`)
      expect(believed.has(belief), `${belief} was ${status} before`).toBe(status === 'resolved')
      if (status === 'firing') believed.add(belief)
      else believed.delete(belief)
    }
  }
  for (let n = 0; n < OPERATIONS; n++) {
    const dice = random.int(6)
    const alert = pick(random, ALERTS)
    log.push(`operation ${dice}, ${alert.name}`)
    if (dice < 2) world.apply(config())
    else if (dice < 4) onTheirWay.splice(random.int(onTheirWay.length + 1), 1)[0]?.()
    else if (firing.delete(alert.name)) await world.resolve(alert)
    else {
      firing.add(alert.name)
      await world.fire(alert)
    }
    await settle(1 + random.int(7))
  }
  world.behaviours.clear()
  while (onTheirWay.length > 0) onTheirWay.pop()!()
  await settle(STEP_SECONDS)
  expect([...believed].toSorted()).toEqual(hosts.flatMap((host) => [...firing].map((name) => `${host} ${name}`)).toSorted())
  await world.stop()
}

it(`tells each target of a list that is reordered once, in ${HISTORIES} histories from seed ${SEED} on`, async () => {
  for (let i = 0; i < HISTORIES; i++) {
    const log: string[] = []
    try {
      await reorder(new Random(SEED + i), log)
    } catch (error) {
      throw new Error(`seed ${SEED + i}: ${log.join('\n')}`, { cause: error })
    }
  }
}, 3_600_000)
