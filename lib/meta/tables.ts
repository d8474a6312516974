// Rows of monitor.db ⇄ what the store's callers know. Synchronous; who calls it has begun a transaction.
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite'
import type { Matcher } from '../model/matcher.ts'
import type { Silence } from '../model/silence.ts'
import type { AlertEvent, AlertFilter, AlertRecord, NotificationEntry, OwedEntry, PendingFilter, PendingRecord, RuleTarget, StoredRule, ToldEntry } from './interface.ts'
import type { Call, Method, Result } from './request.ts'

type Row = Record<string, SQLOutputValue>
/** One handler for each call of the store that is about rows. */
type Handlers = { [M in Exclude<Method, 'copy'>]: (...args: Extract<Call, { method: M }>['args']) => Result<M> }

/** Episodes that have not fired: some 50 MB. A rule that flaps must not fill the disk. */
const PENDING_MAX = 50_000
/** Rows of a kind that are removed together: 100,000 alerts with five lines each took one transaction 1.5 s. */
const FORGOTTEN_MAX = 1000
/** Targets that a rule names no more. */
const FORMER_MAX = 100

const ALERT_COLUMNS = `alert_id, rule_id, server_id, triggered_at, resolved_at, status, metric_value, created_at, fingerprint, name, severity,
  labels, annotations, acknowledged_at, acknowledged_by, repage_at, escalation_step, generator_url, active_at, told_at, escalation_from, feedback, lasts_until, given_back_at`

export class Tables implements Handlers {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  silences(): Silence[] {
    return this.#all('SELECT body FROM silences ORDER BY silence_id').map(({ body }) => silenceOf(text(body))).filter((silence) => silence !== null)
  }

  unreadableSilences(): string[] {
    return this.#all('SELECT * FROM silences ORDER BY silence_id').filter((row) => silenceOf(text(row['body'])) === null).map((row) => text(row['silence_id']))
  }

  putSilence(silence: Silence): void {
    this.#run('INSERT OR REPLACE INTO silences VALUES (?, ?)', silence.id, JSON.stringify({ ...silence, annotations: [...silence.annotations] }))
  }

  deleteSilences(ids: readonly string[]): void {
    for (const id of ids) this.#run('DELETE FROM silences WHERE silence_id = ?', id)
  }

  notificationEntries(): NotificationEntry[] {
    return this.#all('SELECT * FROM notifications').map((row) => ({
      groupKey: text(row['group_key']), receiver: text(row['receiver']), timeMs: number(row['told_at']),
      firing: json(row['firing']) as string[], resolved: json(row['resolved']) as string[], withheld: json(row['withheld']) as string[], memory: text(row['memory']), target: text(row['target']), expiresAtMs: number(row['expires_at']),
    }))
  }

  putNotificationEntry({ groupKey, receiver, timeMs, firing, resolved, withheld, memory, target, expiresAtMs }: NotificationEntry): void {
    this.#run('INSERT OR REPLACE INTO notifications (group_key, receiver, told_at, firing, resolved, withheld, memory, target, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      groupKey, receiver, timeMs, JSON.stringify(firing), JSON.stringify(resolved), JSON.stringify(withheld), memory, target, expiresAtMs)
  }

  moveNotificationEntries(gone: readonly Pick<NotificationEntry, 'groupKey' | 'receiver'>[], come: readonly NotificationEntry[]): void {
    for (const { groupKey, receiver } of gone) this.#run('DELETE FROM notifications WHERE group_key = ? AND receiver = ?', groupKey, receiver)
    for (const entry of come) this.putNotificationEntry(entry)
  }

  alerts({ status, ...filter }: AlertFilter): AlertRecord[] {
    return this.#page('alerts', 'triggered_at', filter, status === null ? '' : `status = '${status}'`).map(alertOf)
  }

  unresolvedAlerts(): AlertRecord[] {
    return this.#all("SELECT * FROM alerts WHERE status != 'resolved' ORDER BY triggered_at, alert_id").map(alertOf)
  }

  endedAlerts(fingerprints: readonly string[], sinceMs: number): AlertRecord[] {
    const sql = "SELECT * FROM alerts WHERE status = 'resolved' AND resolved_at >= ? AND fingerprint IN (SELECT value FROM json_each(?)) ORDER BY +triggered_at"
    return [...new Map(this.#all(sql, sinceMs, JSON.stringify(fingerprints)).map(alertOf).map((record) => [record.fingerprint, record])).values()]
  }

  alert(id: string): AlertRecord | null {
    const row = this.#all('SELECT * FROM alerts WHERE alert_id = ?', id)[0]
    return row === undefined ? null : alertOf(row)
  }

  pendingAlerts({ status, ...filter }: PendingFilter): PendingRecord[] {
    return this.#page('pending_alerts', 'active_at', filter, `ended_at IS ${status === 'pending' ? '' : 'NOT '}NULL`).map(pendingOf)
  }

  pendingAlert(id: string): PendingRecord | null {
    const row = this.#all('SELECT * FROM pending_alerts WHERE alert_id = ?', id)[0]
    return row === undefined ? null : pendingOf(row)
  }

  currentPending(): PendingRecord[] {
    return this.#all('SELECT * FROM pending_alerts WHERE ended_at IS NULL ORDER BY active_at, alert_id').map(pendingOf)
  }

  putPending(records: readonly PendingRecord[], surplus: readonly string[] = []): void {
    for (const { id, ruleId, serverId, activeAtMs, endedAtMs, metricValue, fingerprint, name, severity, labels, annotations, generatorUrl } of records) {
      this.#run('INSERT INTO pending_alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (alert_id) DO UPDATE SET ended_at = excluded.ended_at',
        id, ruleId, serverId, activeAtMs, endedAtMs, metricValue, fingerprint, name, severity, JSON.stringify(labels), JSON.stringify(annotations), generatorUrl)
    }
    for (const id of surplus) this.#run('DELETE FROM pending_alerts WHERE alert_id = ?', id)
    this.#run('DELETE FROM pending_alerts WHERE rowid <= (SELECT max(rowid) FROM pending_alerts) - ?', PENDING_MAX)
  }

  told(): ToldEntry[] {
    return this.#all('SELECT * FROM told').map((row) => ({
      key: text(row['cooldown_key']), receiver: text(row['receiver']), timeMs: number(row['told_at']), severity: text(row['severity']), expiresAtMs: number(row['expires_at']),
    }))
  }

  putAlerts(records: readonly AlertRecord[], events: readonly AlertEvent[], told: readonly ToldEntry[] = []): void {
    for (const record of records) this.#putAlert(record)
    for (const { key, receiver, timeMs, severity, expiresAtMs } of told) this.#run('INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?)', key, receiver, timeMs, severity, expiresAtMs)
    for (const { alertId, timeMs, kind, detail } of events) this.#run('INSERT OR IGNORE INTO alert_log VALUES (?, ?, ?, ?)', alertId, timeMs, kind, detail)
  }

  events(alertId: string): AlertEvent[] {
    return this.#all('SELECT at, kind, detail FROM alert_log WHERE alert_id = ? ORDER BY at, rowid', alertId)
      .map(({ at, kind, detail }) => ({ alertId, timeMs: number(at), kind: text(kind) as AlertEvent['kind'], detail: text(detail) }))
  }

  alertsLacking(ids: readonly string[], { kind, detail, sinceMs }: Pick<AlertEvent, 'kind' | 'detail'> & { sinceMs: number }): AlertRecord[] {
    const sql = 'SELECT * FROM alerts WHERE alert_id = ? AND NOT EXISTS (SELECT 1 FROM alert_log l WHERE l.alert_id = alerts.alert_id AND at >= ? AND kind = ? AND detail = ?)'
    return ids.flatMap((id) => this.#all(sql, id, sinceMs, kind, detail)).map(alertOf)
  }

  owed(): OwedEntry[] {
    return this.#all('SELECT * FROM owed').map((row) => ({ groupKey: text(row['group_key']), receiver: text(row['receiver']), sinceMs: number(row['since']) }))
  }

  putOwed(owed: readonly OwedEntry[], settled: readonly Omit<OwedEntry, 'sinceMs'>[]): void {
    for (const { groupKey, receiver } of settled) this.#run('DELETE FROM owed WHERE group_key = ? AND receiver = ?', groupKey, receiver)
    for (const { groupKey, receiver, sinceMs } of owed) this.#run('INSERT OR REPLACE INTO owed VALUES (?, ?, ?)', groupKey, receiver, sinceMs)
  }

  rules(): StoredRule[] {
    return this.#all('SELECT rule_id, name, is_active, created_at, updated_at, body FROM alert_rules ORDER BY created_at, rule_id').map((row) => ({
      id: text(row['rule_id']), name: text(row['name']), isActive: row['is_active'] === 1, body: json(row['body']) as StoredRule['body'],
      createdAtMs: number(row['created_at']), updatedAtMs: number(row['updated_at']),
    }))
  }

  putRule({ id, name, isActive, body, createdAtMs, updatedAtMs }: StoredRule): void {
    this.#run('INSERT OR REPLACE INTO alert_rules (rule_id, name, is_active, created_at, updated_at, body) VALUES (?, ?, ?, ?, ?, ?)',
      id, name, isActive ? 1 : 0, createdAtMs, updatedAtMs, JSON.stringify(body))
    this.#putTargets(id)
  }

  deleteRule(id: string): void {
    this.#run('DELETE FROM alert_rules WHERE rule_id = ?', id)
    this.#putTargets(id)
  }

  ruleTargets(): RuleTarget[] {
    return this.#all('SELECT t.*, r.rule_id IS NULL AS is_deleted FROM rule_targets t LEFT JOIN alert_rules r USING (rule_id) ORDER BY t.rule_id, place, target').map((row) => ({
      ruleId: text(row['rule_id']), target: text(row['target']), place: number(row['place']), isFormer: row['is_former'] === 1, isDeleted: row['is_deleted'] === 1,
    }))
  }

  forgetRuleTargets(ruleIds: readonly string[]): void {
    for (const id of ruleIds) this.#run('DELETE FROM rule_targets WHERE rule_id = ?1 AND NOT EXISTS (SELECT 1 FROM alert_rules WHERE rule_id = ?1)', id)
  }

  value(name: string): string | null {
    const row = this.#all('SELECT body FROM kept_values WHERE name = ?', name)[0]
    return row === undefined ? null : text(row['body'])
  }

  putValue(name: string, value: string): void {
    this.#run('INSERT OR REPLACE INTO kept_values VALUES (?, ?)', name, value)
  }

  forget({ resolvedBeforeMs, nowMs }: { resolvedBeforeMs: number; nowMs: number }): boolean {
    const ended = "SELECT alert_id FROM alerts WHERE status = 'resolved' AND resolved_at < ? ORDER BY resolved_at, rowid LIMIT ?"
    this.#run(`DELETE FROM alert_log WHERE alert_id IN (${ended})`, resolvedBeforeMs, FORGOTTEN_MAX)
    const counts = [
      this.#run(`DELETE FROM alerts WHERE alert_id IN (${ended})`, resolvedBeforeMs, FORGOTTEN_MAX),
      this.#run('DELETE FROM pending_alerts WHERE rowid IN (SELECT rowid FROM pending_alerts WHERE ended_at < ? LIMIT ?)', resolvedBeforeMs, FORGOTTEN_MAX),
      this.#run('DELETE FROM notifications WHERE (group_key, receiver) IN (SELECT group_key, receiver FROM notifications WHERE expires_at < ? LIMIT ?)', nowMs, FORGOTTEN_MAX),
      this.#run('DELETE FROM told WHERE (cooldown_key, receiver) IN (SELECT cooldown_key, receiver FROM told WHERE expires_at < ? LIMIT ?)', nowMs, FORGOTTEN_MAX),
    ]
    return counts.includes(FORGOTTEN_MAX)
  }

  /** As the rule is stored now; of those that it names no more the last ones are remembered. */
  #putTargets(ruleId: string): void {
    this.#run('UPDATE rule_targets SET is_former = 1 WHERE rule_id = ?', ruleId)
    for (const { target } of this.#all("SELECT value AS target FROM alert_rules, json_each(notify) WHERE rule_id = ? AND type = 'text' ORDER BY key", ruleId)) {
      const kind = text(target).slice(0, text(target).indexOf(':') + 1)
      this.#run(`INSERT INTO rule_targets SELECT ?1, ?2, coalesce(max(place), -1) + 1, 0 FROM rule_targets WHERE rule_id = ?1 AND substr(target, 1, length(?3)) = ?3
        ON CONFLICT (rule_id, target) DO UPDATE SET is_former = 0`, ruleId, text(target), kind)
    }
    this.#run('DELETE FROM rule_targets WHERE rule_id = ?1 AND is_former = 1 AND target NOT IN (SELECT target FROM rule_targets WHERE rule_id = ?1 AND is_former = 1 ORDER BY place DESC LIMIT ?2)', ruleId, FORMER_MAX)
  }

  #putAlert(record: AlertRecord): void {
    const { id, ruleId, serverId, triggeredAtMs, resolvedAtMs, status, metricValue, fingerprint, name, severity, labels, annotations } = record
    this.#run(`INSERT INTO alerts (${ALERT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (alert_id) DO UPDATE SET triggered_at = excluded.triggered_at, resolved_at = excluded.resolved_at, status = excluded.status,
        metric_value = excluded.metric_value, annotations = excluded.annotations, acknowledged_at = excluded.acknowledged_at,
        acknowledged_by = excluded.acknowledged_by, repage_at = excluded.repage_at, escalation_step = excluded.escalation_step, told_at = excluded.told_at,
        escalation_from = excluded.escalation_from, feedback = excluded.feedback, lasts_until = excluded.lasts_until,
        given_back_at = excluded.given_back_at`,
    id, ruleId, serverId, triggeredAtMs, resolvedAtMs, status, metricValue, triggeredAtMs, fingerprint, name, severity,
    JSON.stringify(labels), JSON.stringify(annotations), record.acknowledgedAtMs, record.acknowledgedBy, record.repageAtMs, record.escalationStep,
    record.generatorUrl, record.activeAtMs, record.toldAtMs, record.escalationFromMs, record.feedback, record.lastsUntilMs,
    record.givenBackAtMs)
    this.#run('DELETE FROM pending_alerts WHERE alert_id = ?', id)
    if (serverId === '') return
    this.#run('INSERT OR IGNORE INTO servers VALUES (?, ?, ?, ?, ?)', serverId, labels['server_name'] ?? labels['instance'] ?? serverId,
      labels['region'] ?? '', labels['env'] ?? labels['environment'] ?? '', triggeredAtMs)
  }

  /** Rows that pass, the newest first; `condition`: what else they must, '' for nothing. */
  #page(table: string, time: string, { severity, serverId, ruleId, name, fromMs, toMs, limit, afterId }: Omit<AlertFilter, 'status'>, condition: string): Row[] {
    const equals = Object.entries({ severity, server_id: serverId, rule_id: ruleId, name }).filter(([, value]) => value !== null)
    const where = [`${time} BETWEEN ? AND ?`, ...equals.map(([column]) => `${column} = ?`), ...(condition === '' ? [] : [condition])]
    const args = [fromMs, toMs, ...equals.map(([, value]) => value)]
    if (afterId !== null) {
      where.push(`(${time}, alert_id) < (SELECT ${time}, alert_id FROM ${table} WHERE alert_id = ?)`)
      args.push(afterId)
    }
    return this.#all(`SELECT * FROM ${table} WHERE ${where.join(' AND ')} ORDER BY ${time} DESC, alert_id DESC LIMIT ?`, ...args, limit)
  }

  #all(sql: string, ...args: readonly (string | number | null)[]): Row[] {
    return this.#statement(sql).all(...args)
  }

  /** How many rows were changed. */
  #run(sql: string, ...args: readonly (string | number | null)[]): number {
    return Number(this.#statement(sql).run(...args).changes)
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)))
    return statement
  }
}

/** A row's fields are of the types that the tables (STRICT) promise. */
function text(value: SQLOutputValue | undefined): string {
  return String(value)
}

function number(value: SQLOutputValue | undefined): number {
  return Number(value)
}

function time(value: SQLOutputValue | undefined): number | null {
  return value === null ? null : Number(value)
}

function json(value: SQLOutputValue | undefined): unknown {
  return JSON.parse(text(value))
}

/** null where the text is not what putSilence wrote: a silence that is damaged must not take the others with it. */
function silenceOf(body: string): Silence | null {
  let stored: Partial<Omit<Silence, 'annotations'>> & { annotations?: [string, string][] }
  try {
    stored = JSON.parse(body) as typeof stored
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return null
  }
  const isWhole = stored !== null && typeof stored === 'object' && Array.isArray(stored.annotations) && Array.isArray(stored.matcherSets)
    && stored.matcherSets.every((set: unknown) => Array.isArray(set) && set.every(isMatcher))
    && [stored.startsAtMs, stored.endsAtMs, stored.updatedAtMs].every(Number.isFinite) && [stored.id, stored.createdBy, stored.comment].every((field) => typeof field === 'string')
  return isWhole ? { ...(stored as Omit<Silence, 'annotations'>), annotations: new Map(stored.annotations) } : null
}

function isMatcher(matcher: unknown): boolean {
  const { name, op, value } = (matcher ?? {}) as Partial<Matcher>
  return typeof name === 'string' && typeof value === 'string' && (op === '=' || op === '!=' || op === '=~' || op === '!~')
}

function alertOf(row: Row): AlertRecord {
  return {
    id: text(row['alert_id']), fingerprint: text(row['fingerprint']), ruleId: row['rule_id'] === null ? null : text(row['rule_id']), name: text(row['name']),
    labels: json(row['labels']) as Record<string, string>, annotations: json(row['annotations']) as Record<string, string>,
    serverId: text(row['server_id']), severity: text(row['severity']), status: text(row['status']) as AlertRecord['status'],
    metricValue: time(row['metric_value']), triggeredAtMs: number(row['triggered_at']), resolvedAtMs: time(row['resolved_at']),
    acknowledgedAtMs: time(row['acknowledged_at']), acknowledgedBy: text(row['acknowledged_by']), repageAtMs: time(row['repage_at']),
    escalationStep: number(row['escalation_step']), generatorUrl: text(row['generator_url']), activeAtMs: number(row['active_at']), toldAtMs: time(row['told_at']),
    escalationFromMs: number(row['escalation_from']), feedback: text(row['feedback']) as AlertRecord['feedback'],
    lastsUntilMs: time(row['lasts_until']), givenBackAtMs: time(row['given_back_at']),
  }
}

function pendingOf(row: Row): PendingRecord {
  return {
    id: text(row['alert_id']), fingerprint: text(row['fingerprint']), ruleId: row['rule_id'] === null ? null : text(row['rule_id']), name: text(row['name']),
    labels: json(row['labels']) as Record<string, string>, annotations: json(row['annotations']) as Record<string, string>,
    serverId: text(row['server_id']), severity: text(row['severity']), metricValue: time(row['metric_value']), generatorUrl: text(row['generator_url']),
    activeAtMs: number(row['active_at']), endedAtMs: time(row['ended_at']),
  }
}
