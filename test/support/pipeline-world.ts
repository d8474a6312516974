// The alert pipeline on a clock that tests turn, over a real store, with receivers that note what they are told and do what
// a test tells them to.
import { onTestFinished } from 'vitest'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { loadAlertmanagerFile } from '../../lib/config/alertmanager-file.ts'
import type { MetaStore } from '../../lib/meta/interface.ts'
import type { SentAlert } from '../../lib/model/alert.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import type { Notification } from '../../lib/model/notification.ts'
import { CarriedLogs } from '../../lib/notify/courier/carried-log.ts'
import { AlertPipeline } from '../../lib/notify/dispatch/alert-pipeline.ts'
import type { AlertOverlay } from '../../lib/notify/overlay.ts'
import type { Receiver } from '../../lib/notify/receiver.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Logger } from '../../lib/std/log.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { Random } from '../../lib/std/random.ts'
import { openStore } from '../lib/meta/open-store.ts'
import { tempFolder } from './temp-folder.ts'

/** Lays nothing over alerts. */
export const PLAIN_OVERLAY: AlertOverlay = {
  heldBy: () => '', ackUrl: () => '', onNotified: () => {}, onSuppressed: () => {}, episodesOf: () => ({ firingIds: [], resolvedIds: [] }), onCarried: () => Promise.resolve(true),
}

/** `webhook_configs` of a test name their receiver by the URL's host. */
export type Behaviour = (notification: Notification, onAccepted: () => void) => Promise<void>

export interface ToldNote {
  /** Host of the webhook's URL. */
  to: string
  /** Seconds since the world began. */
  at: number
  status: string
  firing: string[]
  resolved: string[]
  notification: Notification
}

const START_MS = 1_795_000_000_000
/** Turns of the event loop in which the store answers. */
const SETTLE_TURNS = 6

export class PipelineWorld {
  readonly clock: FakeClock
  readonly folder: string
  readonly log: string[]
  readonly told: ToldNote[] = []
  /** Receivers that were closed. */
  readonly closed: string[] = []
  readonly behaviours: Map<string, Behaviour> = new Map()
  /** What receivers ask to be remembered. */
  readonly memories: Map<string, (notification: Notification) => string | undefined> = new Map()
  overlay: AlertOverlay | null = null
  metrics: Metrics
  pipeline: AlertPipeline
  /** Of the store of the next start, before it is asked anything. */
  onOpened: (store: MetaStore) => void = () => {}
  #store: MetaStore
  #config: string
  readonly #startMs: number

  private constructor(folder: string, clock: FakeClock, log: string[], config: string, opened: { pipeline: AlertPipeline; store: MetaStore; metrics: Metrics }) {
    this.folder = folder
    this.log = log
    this.clock = clock
    this.#startMs = clock.now()
    this.#config = config
    this.pipeline = opened.pipeline
    this.#store = opened.store
    this.metrics = opened.metrics
  }

  /** `config`: an alertmanager.yml. */
  static async start(config: string, overlay: AlertOverlay | null = null, startMs: number = START_MS): Promise<PipelineWorld> {
    const folder = tempFolder()
    const clock = new FakeClock(startMs)
    const log: string[] = []
    const opened = await open(folder, clock, log)
    const world = new PipelineWorld(folder, clock, log, config, opened)
    world.overlay = overlay
    world.apply(config)
    onTestFinished(() => world.stop())
    return world
  }

  get store(): MetaStore {
    return this.#store
  }

  get seconds(): number {
    return (this.clock.now() - this.#startMs) / 1000
  }

  apply(config: string): void {
    this.#config = config
    if (this.overlay !== null) this.pipeline.setOverlay(this.overlay)
    this.pipeline.applyConfig(loadAlertmanagerFile(config, '/etc/alertmanager.yml', true).config, (section) => this.#receiver(section.kind === 'webhook' ? new URL(section.url.text).hostname : section.kind, section.isResolvedSent))
  }

  /** Another process over the same folder, as after a kill: nothing of memory is left. */
  async restart(): Promise<void> {
    await this.#end()
    const opened = await open(this.folder, this.clock, this.log, this.onOpened)
    this.pipeline = opened.pipeline
    this.#store = opened.store
    this.metrics = opened.metrics
    this.apply(this.#config)
  }

  /** Tells of alerts that fire and hold for `holdSeconds`. */
  async fire(...labels: readonly Record<string, string>[]): Promise<void> {
    this.pipeline.receive(labels.map((set) => this.alert(set)))
    await this.settle()
  }

  async resolve(...labels: readonly Record<string, string>[]): Promise<void> {
    this.pipeline.receive(labels.map((set) => this.alert(set, { endsAtMs: this.clock.now() })))
    await this.settle()
  }

  alert(labels: Record<string, string>, changes: Partial<SentAlert> = {}): SentAlert {
    const startsAtMs = this.clock.now()
    return {
      labels: labelsFromRecord(labels), annotations: new Map(), startsAtMs, activeAtMs: startsAtMs, value: null, endsAtMs: startsAtMs + 86_400_000_000, generatorUrl: '', ...changes,
    }
  }

  /** Moves time on second by second, so that what the store answers meanwhile is seen. */
  async advance(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left--) {
      await this.clock.advance(Math.min(1, left) * 1000)
      await this.settle()
    }
  }

  async settle(): Promise<void> {
    for (let i = 0; i < SETTLE_TURNS; i++) await nextTurn()
  }

  /** What was told since the last call, as `to @second status +firing -resolved` with the `name` label of each alert. */
  news(): string[] {
    return this.told.splice(0).map(({ to, at, firing, resolved }) => [`${to} @${at}`, ...firing.map((name) => `+${name}`), ...resolved.map((name) => `-${name}`)].join(' '))
  }

  async metric(name: string): Promise<string[]> {
    return (await this.metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(name))
  }

  async stop(): Promise<void> {
    await this.#end()
  }

  async #end(): Promise<void> {
    const stopped = this.pipeline.stop(0)
    for (let i = 0; i < 4; i++) {
      await this.clock.advance(0)
      await this.settle()
    }
    await this.clock.advance(2000)
    await stopped
    await this.#store.close()
  }

  #receiver(to: string, isResolvedSent: boolean): Receiver {
    return {
      kind: 'webhook', isResolvedSent,
      notify: async (notification, _, receipt) => {
        await this.behaviours.get(to)?.(notification, () => receipt.onTaken(false))
        const names = (status: string): string[] => notification.alerts.filter((alert) => alert.status === status).map(({ labels }) => labels.get('name') ?? '')
        this.told.push({ to, at: this.seconds, status: notification.status, firing: names('firing'), resolved: names('resolved'), notification })
        return this.memories.get(to)?.(notification)
      },
      close: () => {
        this.closed.push(to)
        return Promise.resolve()
      },
    }
  }
}

async function open(folder: string, clock: FakeClock, log: string[], onOpened: (store: MetaStore) => void = () => {}): Promise<{ pipeline: AlertPipeline; store: MetaStore; metrics: Metrics }> {
  const store = openStore(folder)
  onOpened(store)
  const metrics = new Metrics()
  const logger = new Logger({ level: 'info', format: 'logfmt', clock, write: (line) => log.push(line) })
  return { store, metrics, pipeline: await AlertPipeline.open({ store, clock, logger, metrics, random: new Random(1), carried: new CarriedLogs(`${folder}/carried`, clock), externalUrl: 'http://monitor:9090' }) }
}
