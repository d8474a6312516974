// What the program has to offer before its store is open: it has the data folder's lock, listens, and takes pushes. What is
// asked for else is answered 503 by the web server until `ready`; the parts it then needs are put in by `furnish`.
import path from 'node:path'
import { EarlyWriter } from '../lib/ingest/early-writer.ts'
import type { RemoteWriteReceiver } from '../lib/ingest/remote-write.ts'
import { assert } from '../lib/std/assert.ts'
import type { Clock } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Metrics } from '../lib/std/metrics.ts'
import type { FolderLock } from '../storage/folder-lock.ts'
import { Inbox } from '../storage/inbox.ts'
import { takeFolder, type ReplayProgress } from '../storage/load-folder.ts'
import type { AlertDesk, AlertmanagerRetriever, ReceiverTools, AlertRules, MetadataRetriever, QueryRunner, RuleRetriever, RuleTest, ServerParts, StorageAdmin, StorageStatus, TargetRetriever } from '../web/parts.ts'
import { Notifications, RELOAD_FAILED } from '../web/notifications.ts'
import { createServer, type WebServer } from '../web/server.ts'
import { AlertmanagerView, type AlertEntry } from './alertmanager-view.ts'
import type { ConfigFile } from './config-file.ts'
import { ANY_HOST, servedOn, type Flags, type ListenAddress } from './flags.ts'
import { compileSelector } from './selector.ts'
import { VERSION } from './version.ts'
import type { WebFile } from './web-file.ts'

/** The address to serve on cannot be had. */
export class ListenError extends Error {
  readonly code = 'LISTEN'
}

/** By the system's code. */
const LISTEN_FAULTS: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'another program uses the port; stop it or give another --web.listen-address'],
  ['EADDRNOTAVAIL', 'no network interface of this machine has the address; give one that has, or :PORT for all, with --web.listen-address'],
  ['ENOTFOUND', 'the name has no address; give an address of this machine, or :PORT for all, with --web.listen-address'],
  ['EAI_AGAIN', 'the name cannot be looked up now; give an address of this machine, or :PORT for all, with --web.listen-address'],
  ['EACCES', 'ports below 1024 are not for every user; give another --web.listen-address'],
])

/** How much longer than a query a client may take without reading. */
const STALLED_MS = 60_000

/** What is there once the store is open. */
export interface Furniture {
  queries: QueryRunner
  targets: TargetRetriever
  metadata: MetadataRetriever
  rules: RuleRetriever
  alertRules: AlertRules
  alerts: AlertDesk
  ruleTest: RuleTest
  alertmanagers: AlertmanagerRetriever
  alertEntry: AlertEntry
  receivers: ReceiverTools
  admin: StorageAdmin
  status: () => StorageStatus
  corruptionCount: number
}

interface DoorGround {
  flags: Flags
  config: ConfigFile
  /** null: whoever reaches the port may ask. */
  webFile: WebFile | null
  clock: Clock
  logger: Logger
  metrics: Metrics
  /** In words. */
  retention: () => string
}

export class FrontDoor {
  readonly server: WebServer
  /** Of the data folder; the store releases it. */
  readonly lock: FolderLock
  /** Written by who opens the store. */
  readonly replay: ReplayProgress = { filesTotal: 0, filesRead: 0 }
  readonly notifications: Notifications
  #flags: Flags
  readonly #webFile: WebFile | null
  readonly #early: EarlyWriter
  #furniture: Furniture | null = null

  /** Takes the data folder. Throws FolderError if another process has it, DiskError. */
  constructor({ flags, config, webFile, clock, logger, metrics, retention }: DoorGround) {
    const folder = path.resolve(flags.dataFolder)
    this.notifications = new Notifications(clock)
    this.#flags = flags
    this.#webFile = webFile
    this.lock = takeFolder(folder)
    this.#early = new EarlyWriter({ inbox: new Inbox(folder, flags.reserveBytes ?? undefined), clock, logger: logger.with('storage'), metrics })
    const { queryTimeoutMs, lookbackMs, isLifecycleEnabled, routePrefix } = flags
    const externalUrl = (): string => this.#flags.externalUrl
    const { notifications } = this
    config.onReload = (isSuccessful) => notifications.say(RELOAD_FAILED, !isSuccessful)
    const parts: ServerParts = {
      notifications,
      ...lateParts(() => this.#inside),
      alertmanager: new AlertmanagerView(clock, () => config.alertYaml(), () => this.#inside.alertEntry),
      writer: this.#early, door: webFile, admin: flags.isAdminEnabled ? lateAdmin(() => this.#inside.admin) : null,
      config, metrics, clock, logger: logger.with('web'), flags: flags.all, selectors: { compile: compileSelector },
      build: { version: VERSION, revision: '', branch: '', buildUser: '', buildDate: '' },
      options: {
        staticFolder: path.resolve(import.meta.dirname, '../web/dist'), routePrefix, isLifecycleEnabled, queryTimeoutMs, lookbackMs, idleMs: queryTimeoutMs + STALLED_MS,
        // There is one way to end, that of a signal.
        onQuit: () => void process.kill(process.pid, 'SIGTERM'),
        get externalUrl() { return externalUrl() },
        get storageRetention() { return retention() },
        corruptionCount: () => this.#inside.corruptionCount, replay: this.replay,
      },
    }
    this.server = createServer(parts)
  }

  get #inside(): Furniture {
    assert(this.#furniture !== null, 'the web server asks for a part before it is ready')
    return this.#furniture
  }

  /** Resolves to the flags as they then are: port 0 has become a real one. Rejects with ListenError; nothing is served, and the folder is free again. */
  async listen(): Promise<Flags> {
    const { listenHost, listenPort, listensToo } = this.#flags
    try {
      const { port } = await this.#listenOn({ host: listenHost, port: listenPort })
      for (const address of listensToo) await this.#listenOn(address)
      return this.#flags = servedOn(this.#flags, port)
    } catch (error) {
      await this.server.stop()
      this.lock.release(!this.lock.wasUnclean)
      throw error
    }
  }

  /** A machine without IPv6 has IPv4 alone. Rejects with ListenError. */
  async #listenOn({ host, port }: ListenAddress): Promise<ListenAddress> {
    try {
      return { host, port: (await this.server.listen(host, port)).port }
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
      if (host === ANY_HOST && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) return this.#listenOn({ host: '0.0.0.0', port })
      throw new ListenError(`cannot listen on ${host.includes(':') ? `[${host}]` : host}:${port}: ${LISTEN_FAULTS.get(code) ?? String(cause)}`, { cause })
    }
  }

  /** Resolves when what was pushed so far can be read. */
  async furnish(furniture: Furniture, receiver: RemoteWriteReceiver): Promise<void> {
    this.#furniture = furniture
    await this.#early.open(receiver)
  }

  /** Ends what it still tries of what was pushed early; the inbox keeps that. */
  close(): void {
    this.#early.stop()
    this.#webFile?.stop()
  }
}

function lateParts(inside: () => Furniture): Pick<ServerParts, 'queries' | 'targets' | 'metadata' | 'rules' | 'alertRules' | 'ruleTest' | 'alerts' | 'alertmanagers' | 'receivers' | 'storage'> {
  return {
    queries: { run: (job, signal) => inside().queries.run(job, signal) },
    targets: {
      activeTargets: () => inside().targets.activeTargets(),
      droppedTargets: () => inside().targets.droppedTargets(),
      droppedCounts: () => inside().targets.droppedCounts(),
    },
    metadata: { metadata: (metric) => inside().metadata.metadata(metric) },
    rules: { ask: (request) => inside().rules.ask(request) },
    alerts: {
      list: (filter, words) => inside().alerts.list(filter, words), current: (ask) => inside().alerts.current(ask), get: (id) => inside().alerts.get(id), outlook: (id) => inside().alerts.outlook(id),
      listPending: (filter, words) => inside().alerts.listPending(filter, words), getPending: (id) => inside().alerts.getPending(id),
      readAckToken: (token) => inside().alerts.readAckToken(token), acknowledge: (id, how) => inside().alerts.acknowledge(id, how),
      acknowledgeMany: (chosen, how) => inside().alerts.acknowledgeMany(chosen, how),
      unacknowledge: (id, by) => inside().alerts.unacknowledge(id, by), escalate: (id, by) => inside().alerts.escalate(id, by),
      giveFeedback: (id, feedback) => inside().alerts.giveFeedback(id, feedback),
    },
    ruleTest: { test: (body, range) => inside().ruleTest.test(body, range) },
    alertRules: {
      list: () => inside().alertRules.list(), get: (id) => inside().alertRules.get(id), create: (body) => inside().alertRules.create(body),
      replace: (...all) => inside().alertRules.replace(...all), setActive: (...all) => inside().alertRules.setActive(...all),
      widen: (id, labels) => inside().alertRules.widen(id, labels), delete: (...all) => inside().alertRules.delete(...all),
    },
    alertmanagers: { alertmanagers: () => inside().alertmanagers.alertmanagers() },
    receivers: {
      health: () => inside().receivers.health(), test: (name) => inside().receivers.test(name), pushKey: () => inside().receivers.pushKey(),
      subscribe: (subscription, user) => inside().receivers.subscribe(subscription, user), unsubscribe: (endpoint) => inside().receivers.unsubscribe(endpoint),
    },
    storage: { status: () => inside().status() },
  }
}

function lateAdmin(admin: () => StorageAdmin): StorageAdmin {
  return {
    deleteSeries: (sets, startMs, endMs) => admin().deleteSeries(sets, startMs, endMs),
    cleanTombstones: () => admin().cleanTombstones(),
    snapshot: (isHeadSkipped) => admin().snapshot(isHeadSkipped),
  }
}
