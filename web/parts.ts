// What the web server needs of the rest of Monitor. The objects are made in cmd and handed in; web knows no other
// room's classes. All methods are called on the main thread and must not block it.
import type { RequestListener, Server, ServerOptions } from 'node:http'
import type { QueryJob, QueryReply } from '../lang/job.ts'
import type { WebConfig } from '../lib/config/web-config.ts'
import type { AlertEvent, AlertFilter, AlertRecord, PendingFilter, PendingRecord } from '../lib/meta/interface.ts'
import type { AlertSelection, CurrentAlerts, CurrentAsk } from '../lib/notify/lifecycle/current-alerts.ts'
import type { BulkOutcome } from '../lib/notify/lifecycle/people-actions.ts'
import type { IntegrationHealth } from '../lib/notify/dispatch/delivery-stats.ts'
import type { AlertsWanted, ShownAlert, ShownGroup } from '../lib/notify/dispatch/alert-view.ts'
import type { SilenceDraft } from '../lib/notify/dispatch/silences.ts'
import type { BacktestResult } from '../lib/rules/backtest.ts'
import type { RuleRequest } from '../lib/rules/rule-list.ts'
import type { SentAlert } from '../lib/model/alert.ts'
import type { Matcher } from '../lib/model/matcher.ts'
import type { Silence } from '../lib/model/silence.ts'
import type { MetricMetadata } from '../lib/model/metadata.ts'
import type { Clock } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Metrics } from '../lib/std/metrics.ts'
import type { Notifications } from './notifications.ts'

export interface QueryRunner {
  /**
   * Evaluates a job and gives the whole reply, errors included. Rejects with the signal's reason once it aborts; then
   * nobody waits for the answer any more.
   */
  run(job: QueryJob, signal: AbortSignal): Promise<QueryReply>
}

export interface ActiveTarget {
  discoveredLabels: ReadonlyMap<string, string>
  labels: ReadonlyMap<string, string>
  scrapePool: string
  scrapeUrl: string
  /** The same with localhost replaced by the machine's name. */
  globalUrl: string
  /** '' where the last scrape was good. */
  lastError: string
  /** Unix ms, 0 before the first scrape. */
  lastScrapeMs: number
  lastScrapeDurationSeconds: number
  health: 'up' | 'down' | 'unknown'
  scrapeIntervalMs: number
  scrapeTimeoutMs: number
}

export interface DroppedTarget {
  discoveredLabels: ReadonlyMap<string, string>
  scrapePool: string
}

export interface TargetRetriever {
  /** Targets of all pools, those of each in a steady order. */
  activeTargets(): readonly ActiveTarget[]
  /** Targets that relabeling dropped, as many as are kept. */
  droppedTargets(): readonly DroppedTarget[]
  /** All targets dropped, kept or not, by pool; each pool has an entry. */
  droppedCounts(): ReadonlyMap<string, number>
}

/** What one source says of one metric. */
export interface MetadataEntry {
  /** Labels of the target that says it, null where it was pushed. */
  target: ReadonlyMap<string, string> | null
  metric: string
  metadata: MetricMetadata
}

export interface MetadataRetriever {
  /** What is known of `metric`, or of all metrics where it is ''. */
  metadata(metric: string): Iterable<MetadataEntry>
}

export interface RuleRetriever {
  /** The whole reply of a request for rules or alerts, errors included. */
  ask(request: RuleRequest): Promise<QueryReply>
}

/** A rule made by API. */
export interface AlertRuleView {
  id: string
  isActive: boolean
  createdAtMs: number
  updatedAtMs: number
  body: Readonly<Record<string, unknown>>
  expr: string
  /** Who is not told of its alerts as things are, and why. */
  warnings: readonly string[]
  /** Another with each change. */
  version: string
}

type JsonBody = Readonly<Record<string, unknown>>

/**
 * Rules made by API. What changes them resolves once that is durable and in force. Rejects with RuleBodyError for a body that
 * is no rule, UnknownRuleError, MetaError where the store takes nothing; where it is none of `versions` (null: any) with RuleChangedError.
 */
export interface AlertRules {
  list(): AlertRuleView[]
  get(id: string): AlertRuleView
  create(body: JsonBody): Promise<AlertRuleView>
  replace(id: string, body: JsonBody, versions: readonly string[] | null): Promise<AlertRuleView>
  setActive(id: string, isActive: boolean, versions: readonly string[] | null): Promise<AlertRuleView>
  widen(id: string, labels: Readonly<Record<string, string>>): Promise<AlertRuleView>
  delete(id: string, versions: readonly string[] | null): Promise<void>
}

/** How one integration of a receiver took a test message. */
export interface TestOutcome {
  /** `name/kind/index`. */
  integration: string
  kind: string
  isDelivered: boolean
  /** '' where it was delivered. */
  error: string
  isRetryable: boolean
  durationMs: number
}

export interface ReceiverTools {
  /** In the order of the configuration. */
  health(): IntegrationHealth[]
  /** Sends a test message by each integration of a receiver; null where the configuration has none of that name. */
  test(name: string): Promise<TestOutcome[] | null>
  /** What browsers subscribe with, base64url. These reject with MetaError where the store fails. */
  pushKey(): Promise<string>
  /** Rejects with SubscriptionError for what is no subscription. */
  subscribe(subscription: unknown, user: string): Promise<void>
  /** False where there is none. */
  unsubscribe(endpoint: string): Promise<boolean>
}

/** What lies ahead of an alert that fires. */
export interface AlertOutlookView {
  suppression: '' | 'silenced' | 'inhibited' | 'muted'
  /** Silence ids, fingerprints, time intervals. */
  suppressedBy: string
  /** The next step of its escalation. */
  step: { receiver: string; dueMs: number } | null
  /** Unix ms until which its cooldown keeps it from people, 0 where it does not. */
  coolsUntilMs: number
}

/** `outlook` null: resolved. */
export interface AlertView {
  record: AlertRecord
  outlook: AlertOutlookView | null
  events: readonly AlertEvent[]
}

export interface AlertFeedback {
  by: string
  verdict: 'false_positive' | 'true_positive'
}

/** The newest first. */
export interface AlertPage<R> {
  records: R[]
  /** The id behind which the next page begins, null: there is none. */
  next: string | null
}

/**
 * Alerts, kept after they are resolved, and what people do with them: durable when it resolves. Rejects with AlertStateError
 * where that does not suit the alert, MetaError where the store takes nothing.
 */
export interface AlertDesk {
  list(filter: AlertFilter, selection: AlertSelection): Promise<AlertPage<AlertRecord>>
  /** Those that go on. */
  current(ask: CurrentAsk): CurrentAlerts
  get(id: string): Promise<AlertView | null>
  /** Those that have not fired; what began or ended in the last seconds may be missing. */
  listPending(filter: PendingFilter, selection: AlertSelection): Promise<AlertPage<PendingRecord>>
  getPending(id: string): Promise<PendingRecord | null>
  outlook(id: string): AlertOutlookView | null
  /** What a signed address stands for, null where it is none of ours. */
  readAckToken(token: string): { alertId: string; isExpired: boolean } | null
  /** `repageAfterMs` null: as configured; 0: never. */
  acknowledge(id: string, how: { by: string; repageAfterMs: number | null; takesOver: boolean }): Promise<AlertRecord>
  acknowledgeMany(chosen: readonly string[] | CurrentAsk, how: { by: string; repageAfterMs: number | null; takesOver: boolean }): Promise<BulkOutcome>
  unacknowledge(id: string, by: string): Promise<AlertRecord>
  escalate(id: string, by: string): Promise<AlertRecord>
  giveFeedback(id: string, feedback: AlertFeedback): Promise<AlertRecord>
}

/** Unix ms; null: the last day, and the rule's own interval. */
export interface RuleTestRange {
  fromMs: number | null
  toMs: number | null
  stepMs: number | null
}

export interface RuleTest {
  /**
   * Replays the rule that a body describes or names. Rejects with RuleBodyError, UnknownRuleError, BacktestError.
   */
  test(body: JsonBody, range: RuleTestRange): Promise<BacktestResult>
}

export interface AlertmanagerRetriever {
  /** URLs of the Alertmanagers that alerts are sent to, and of those that relabeling dropped. */
  alertmanagers(): { active: readonly string[]; dropped: readonly string[] }
}

/** The alert pipeline, as Alertmanager's API has it. */
export interface AlertmanagerSide {
  /** Unix ms. */
  readonly startedMs: number
  /** The configuration in force as an alertmanager.yml, secrets shown as `<secret>`. */
  yaml(): string
  resolveTimeoutMs(): number
  receivers(): readonly { name: string; labels: ReadonlyMap<string, string> }[]
  alerts(wanted: AlertsWanted): Promise<ShownAlert[]>
  groups(wanted: AlertsWanted): Promise<ShownGroup[]>
  /** Resolves when all are grouped; so many others came with them that are refused. */
  post(alerts: readonly SentAlert[], refusedCount: number): Promise<void>
  silences(): readonly Silence[]
  silence(id: string): Silence | undefined
  /** Resolves to its id once it is durable. Rejects with SilenceError. */
  setSilence(draft: SilenceDraft): Promise<string>
  /** Rejects with SilenceError. */
  expireSilence(id: string): Promise<void>
}

export interface SelectorCompiler {
  /** Makes a test of label sets from a selector (`{job="x"}`). Throws an Error whose message is the parser's. */
  compile(selector: string): (labels: ReadonlyMap<string, string>) => boolean
}

export interface RemoteWriteAnswer {
  status: number
  message: string
  samplesWritten: number
  histogramsWritten: number
  exemplarsWritten: number
}

export interface RemoteWriter {
  /** Takes a snappy-compressed body of remote write 1.0 or 2.0, also before the server is ready; resolves when it is durable or refused. */
  write(body: Uint8Array, version: 1 | 2): Promise<RemoteWriteAnswer>
}

export interface ConfigControl {
  /** Loads the file anew; rejects with a reason for people, the old config staying in force. */
  reload(): Promise<void>
  /** The config in force as YAML, secrets shown as `<secret>`. */
  yaml(): string
  /** Of the config in force. */
  externalLabels(): ReadonlyMap<string, string>
  lastReload(): { isSuccessful: boolean; timeMs: number }
}

/** Deletes, cleans and copies what is stored. */
export interface StorageAdmin {
  /** Samples in [startMs, endMs] of series that match one of the sets go. All reject with the reason where the disk refuses. */
  deleteSeries(sets: readonly (readonly Matcher[])[], startMs: number, endMs: number): Promise<void>
  cleanTombstones(): Promise<void>
  /** Resolves to the snapshot's name. */
  snapshot(isHeadSkipped: boolean): Promise<string>
}

/** What a tier of storage holds: blocks with their index. Times are Unix ms, null where there is nothing. */
export interface TierStatus {
  name: 'raw' | '1m' | '1h'
  blocks: number
  bytes: number
  /** Rows of buckets, but for raw. */
  samples: number
  /** Of the block that has the most. */
  series: number
  minTime: number | null
  maxTime: number | null
  /** What the bytes cost a month, in the currency of the status; null where no price is configured. */
  cost: number | null
}

export interface StorageStatus {
  tiers: readonly TierStatus[]
  currency: string
  /** What is in no block yet. */
  head: { series: number; memoryBytes: number; segmentBytes: number; maxTime: number | null }
  log: { bytes: number }
}

export interface BuildInfo {
  version: string
  revision: string
  branch: string
  buildUser: string
  buildDate: string
}

/** What the web configuration (--web.config.file) asks for. */
export interface WebDoor {
  /** As it is now: the file is read anew when it changes. */
  config(): WebConfig
  /** Takes as long as bcrypt does, elsewhere. Rejects where too many wait. */
  checkPassword(password: string, hash: string): Promise<boolean>
  /** Makes the server, over TLS; null: plain HTTP. */
  makeServer: ((options: ServerOptions, handler: RequestListener) => Server) | null
}

export interface WebOptions {
  /** Folder of the built UI. */
  staticFolder: string
  /** Where people reach the server. */
  externalUrl: string
  /** What paths begin with as they come here, without a slash at its end: `/monitor`, mostly ''. */
  routePrefix: string
  isLifecycleEnabled: boolean
  /** Begins the orderly end of the program. */
  onQuit: () => void
  /** Upper bound of a query's `timeout`, and its default. */
  queryTimeoutMs: number
  lookbackMs: number
  /** A connection on which nothing has moved for so long is cut, also amid a reply; longer than any query may take. */
  idleMs: number
  /** As Prometheus prints it: `7d`, `7d or 10GiB`. */
  storageRetention: string
  /** Damaged records that the store met when it was opened. */
  corruptionCount: () => number
  /** How far the start has come in reading the log and the head's segments. */
  replay: Readonly<{ filesTotal: number; filesRead: number }>
}

export interface ServerParts {
  notifications: Notifications
  queries: QueryRunner
  targets: TargetRetriever
  metadata: MetadataRetriever
  rules: RuleRetriever
  alertRules: AlertRules
  alerts: AlertDesk
  ruleTest: RuleTest
  alertmanagers: AlertmanagerRetriever
  alertmanager: AlertmanagerSide
  receivers: ReceiverTools
  selectors: SelectorCompiler
  writer: RemoteWriter
  storage: { status(): StorageStatus }
  /** null: whoever reaches the port may ask, by plain HTTP. */
  door: WebDoor | null
  /** null where the admin API is off. */
  admin: StorageAdmin | null
  config: ConfigControl
  build: BuildInfo
  /** Flags by name, values as text; secrets already hidden. */
  flags: ReadonlyMap<string, string>
  metrics: Metrics
  clock: Clock
  logger: Logger
  options: WebOptions
}
