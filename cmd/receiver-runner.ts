// What tells people, made when the configuration first asks for it: receivers for the pipeline, test messages, and the
// subscriptions of browsers.
import type { PipelineConfig } from '../lib/config/alertmanager-config.ts'
import type { IntegrationConfig } from '../lib/config/receiver-config.ts'
import type { MetaStore } from '../lib/meta/interface.ts'
import { StorePatience } from '../lib/meta/store-patience.ts'
import type { Notification } from '../lib/model/notification.ts'
import type { RouteLabelsFunc } from '../lib/notify/dispatch/alert-view.ts'
import type { Courier } from '../lib/notify/courier/courier.ts'
import type { ProcessCourier } from '../lib/notify/courier/process-courier.ts'
import { PushSubscriptions } from '../lib/notify/push-subscriptions.ts'
import type { Receiver } from '../lib/notify/receiver.ts'
import type { ReceiverGround } from '../lib/notify/receiver/ground.ts'
import type { Clock } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Metrics } from '../lib/std/metrics.ts'
import type { IntegrationHealth } from '../lib/notify/dispatch/delivery-stats.ts'
import type { ReceiverTools, TestOutcome } from '../web/parts.ts'
import { VERSION } from './version.ts'

interface RunnerGround {
  clock: Clock
  logger: Logger
  metrics: Metrics
  store: MetaStore
  /** Where the process that sends keeps its log; null: there is none, this one sends. */
  courierFolder: string | null
  externalUrl: string
  health: () => IntegrationHealth[]
}

export class ReceiverRunner implements ReceiverTools {
  readonly #ground: RunnerGround
  readonly #patience: StorePatience
  #push: Promise<PushSubscriptions> | null = null
  #courier: Promise<Courier> | null = null
  #process: ProcessCourier | null = null
  #now: { config: PipelineConfig; receiverGround: ReceiverGround; expand: RouteLabelsFunc } | null = null

  constructor(ground: RunnerGround) {
    this.#ground = ground
    this.#patience = new StorePatience(ground.clock)
    ground.metrics.gauge('monitor_notification_process_running', 'Whether the process that sends messages runs; while it does not, the main process sends. Not there before there is anyone to tell.', [], (gauge) => {
      gauge.reset()
      if (this.#process !== null) gauge.set(this.#process.isRunning ? 1 : 0)
    })
  }

  /** Makes the receivers of a configuration from now on. Rejects where a part of Monitor cannot be loaded; asked again, it tries again. */
  async applyConfig(config: PipelineConfig): Promise<(section: IntegrationConfig) => Receiver> {
    // Who tells no one need not load what tells.
    const [{ makeReceiver }, { NotificationTemplates }, { notificationData }, courier] = await Promise.all([
      import('../lib/notify/receiver/make.ts'), import('../lib/notify/template/notification-templates.ts'), import('../lib/notify/template/data.ts'),
      this.#courier ??= this.#openCourier().catch((error: unknown) => {
        this.#courier = null
        throw error
      }),
    ])
    const { clock, logger } = this.#ground
    const templates = new NotificationTemplates(config.templateFiles, clock)
    const receiverGround = { clock, logger, version: VERSION, templates, isPrivateAllowed: config.globals.isPrivateAllowed, push: () => this.#subscriptions(), courier }
    this.#now = { config, receiverGround, expand: (notification) => templates.routeLabels(notification.routeLabels, notificationData(notification, notification.routeLabels)) }
    return (section) => makeReceiver(section, receiverGround)
  }

  /** The labels of a group's route with their templates executed; as they were written before there are receivers. */
  routeLabels(notification: Notification): ReadonlyMap<string, string> {
    return this.#now?.expand(notification) ?? notification.routeLabels
  }

  health(): IntegrationHealth[] {
    return this.#ground.health()
  }

  /** After the pipeline: what is under way goes on, but nobody hears of it. */
  async stop(): Promise<void> {
    (await this.#courier)?.close()
  }

  clear(): void {
    this.#now = null
  }

  async test(name: string): Promise<TestOutcome[] | null> {
    const receiver = this.#now?.config.receivers.find((one) => one.name === name)
    if (this.#now === null || receiver === undefined) return null
    const { sendTest } = await import('../lib/notify/receiver/send-test.ts')
    return await sendTest(receiver, this.#now.receiverGround, this.#ground.externalUrl)
  }

  async pushKey(): Promise<string> {
    return this.#patience.answerOf(async () => (await this.#subscriptions()).key.publicKey)
  }

  async subscribe(subscription: unknown, user: string): Promise<void> {
    await this.#patience.answerOf(async () => (await this.#subscriptions()).add(subscription, user))
  }

  async unsubscribe(endpoint: string): Promise<boolean> {
    return this.#patience.answerOf(async () => (await this.#subscriptions()).remove(endpoint))
  }

  async #openCourier(): Promise<Courier> {
    const { courierFolder: folder, clock, logger } = this.#ground
    if (folder === null) return new (await import('../lib/notify/courier/local-courier.ts')).LocalCourier(clock)
    const { ProcessCourier } = await import('../lib/notify/courier/process-courier.ts')
    return this.#process = new ProcessCourier({ workerUrl: new URL('./courier-worker.ts', import.meta.url), folder, clock, logger })
  }

  #subscriptions(): Promise<PushSubscriptions> {
    this.#push ??= PushSubscriptions.open(this.#ground.store).catch((error: unknown) => {
      // The next one who asks tries again.
      this.#push = null
      throw error
    })
    return this.#push
  }
}
