// The tables of monitor.db, and how a file of an earlier version becomes one of this. `PRAGMA user_version` says which
// version a file is of. Tables servers, alert_rules and alerts have the columns of the requirements; what Monitor adds
// follows them. Times are Unix ms, lists and maps JSON.
import type { DatabaseSync } from 'node:sqlite'
import { MetaError } from './errors.ts'

/**
 * Step i makes version i + 1 of version i. What has been released is never changed here: a new step is added.
 *
 * The columns of a rule are read out of its body, so that the two never differ. alerts.rule_id refers to alert_rules without
 * being checked: an alert whose rule has just been deleted must not be refused, and its history outlives the rule.
 */
const STEPS: readonly string[] = [`
CREATE TABLE servers (
  server_id   TEXT PRIMARY KEY,
  server_name TEXT NOT NULL,
  region      TEXT NOT NULL,
  environment TEXT NOT NULL,
  created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE alert_rules (
  rule_id     TEXT PRIMARY KEY,
  name        TEXT NOT NULL,
  metric      TEXT GENERATED ALWAYS AS (coalesce(body ->> '$.metric', '')),
  operator    TEXT GENERATED ALWAYS AS (coalesce(body ->> '$.condition.operator', '')),
  threshold   REAL GENERATED ALWAYS AS (body ->> '$.condition.threshold'),
  "window"    TEXT GENERATED ALWAYS AS (coalesce(body ->> '$.condition.window', '')),
  aggregation TEXT GENERATED ALWAYS AS (coalesce(body ->> '$.condition.aggregation', '')),
  severity    TEXT GENERATED ALWAYS AS (coalesce(body ->> '$.severity', '')),
  filters     TEXT GENERATED ALWAYS AS (coalesce(body -> '$.filters', '{}')),
  notify      TEXT GENERATED ALWAYS AS (coalesce(body -> '$.notify', '[]')),
  is_active   INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  body        TEXT NOT NULL
) STRICT;

CREATE TABLE alerts (
  alert_id        TEXT PRIMARY KEY,
  rule_id         TEXT,
  server_id       TEXT NOT NULL,
  triggered_at    INTEGER NOT NULL,
  resolved_at     INTEGER,
  status          TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'acknowledged', 'resolved')),
  metric_value    REAL,
  created_at      INTEGER NOT NULL,
  fingerprint     TEXT NOT NULL,
  name            TEXT NOT NULL,
  severity        TEXT NOT NULL,
  labels          TEXT NOT NULL,
  annotations     TEXT NOT NULL,
  acknowledged_at INTEGER,
  acknowledged_by TEXT NOT NULL,
  repage_at       INTEGER,
  escalation_step INTEGER NOT NULL
) STRICT;
CREATE INDEX idx_alerts_status ON alerts(status) WHERE status != 'resolved';
CREATE INDEX idx_alerts_rule ON alerts(rule_id, triggered_at DESC);
CREATE INDEX idx_alerts_time ON alerts(triggered_at DESC, alert_id DESC);
CREATE INDEX idx_alerts_resolved ON alerts(resolved_at) WHERE status = 'resolved';

CREATE TABLE alert_log (
  alert_id TEXT NOT NULL,
  at       INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  detail   TEXT NOT NULL,
  UNIQUE (alert_id, at, kind, detail)
) STRICT;

CREATE TABLE silences (
  silence_id TEXT PRIMARY KEY,
  body       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE notifications (
  group_key  TEXT NOT NULL,
  receiver   TEXT NOT NULL,
  told_at    INTEGER NOT NULL,
  firing     TEXT NOT NULL,
  resolved   TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (group_key, receiver)
) STRICT, WITHOUT ROWID;

CREATE TABLE kept_values (
  name TEXT PRIMARY KEY,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`, `
ALTER TABLE notifications ADD COLUMN withheld TEXT NOT NULL DEFAULT '[]';

ALTER TABLE alerts ADD COLUMN generator_url TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN active_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN told_at INTEGER;
ALTER TABLE alerts ADD COLUMN escalation_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN feedback TEXT NOT NULL DEFAULT '';
UPDATE alerts SET active_at = triggered_at, escalation_from = triggered_at;

CREATE TABLE told (
  cooldown_key TEXT NOT NULL,
  receiver     TEXT NOT NULL,
  told_at      INTEGER NOT NULL,
  severity     TEXT NOT NULL,
  expires_at   INTEGER NOT NULL,
  PRIMARY KEY (cooldown_key, receiver)
) STRICT, WITHOUT ROWID;
`, `
ALTER TABLE notifications ADD COLUMN memory TEXT NOT NULL DEFAULT '';
`, `
ALTER TABLE alerts ADD COLUMN lasts_until INTEGER;
`, `
CREATE TABLE pending_alerts (
  alert_id      TEXT NOT NULL UNIQUE,
  rule_id       TEXT,
  server_id     TEXT NOT NULL,
  active_at     INTEGER NOT NULL,
  ended_at      INTEGER,
  metric_value  REAL,
  fingerprint   TEXT NOT NULL,
  name          TEXT NOT NULL,
  severity      TEXT NOT NULL,
  labels        TEXT NOT NULL,
  annotations   TEXT NOT NULL,
  generator_url TEXT NOT NULL
) STRICT;
CREATE INDEX idx_pending_time ON pending_alerts(active_at DESC, alert_id DESC);
CREATE INDEX idx_pending_ended ON pending_alerts(ended_at);
`, `
ALTER TABLE alerts ADD COLUMN given_back_at INTEGER;
UPDATE alerts SET given_back_at = escalation_from WHERE escalation_from > triggered_at;
`, `
CREATE TABLE owed (
  group_key TEXT NOT NULL,
  receiver  TEXT NOT NULL,
  since     INTEGER NOT NULL,
  PRIMARY KEY (group_key, receiver)
) STRICT, WITHOUT ROWID;
`, `
ALTER TABLE notifications ADD COLUMN target TEXT NOT NULL DEFAULT '';

CREATE TABLE rule_targets (
  rule_id   TEXT NOT NULL,
  target    TEXT NOT NULL,
  place     INTEGER NOT NULL,
  is_former INTEGER NOT NULL,
  PRIMARY KEY (rule_id, target)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO rule_targets
  SELECT rule_id, value, row_number() OVER (PARTITION BY rule_id, substr(value, 1, instr(value, ':')) ORDER BY key) - 1, 0
  FROM alert_rules, json_each(notify) WHERE type = 'text' ORDER BY rule_id, key;
`]

/** The version of tables that this Monitor makes. */
export const knownVersion: number = STEPS.length

export const TABLES: readonly string[] = ['servers', 'alert_rules', 'alerts', 'alert_log', 'silences', 'notifications', 'kept_values', 'told', 'pending_alerts', 'owed', 'rule_targets']

/** Brings a file, also an empty one, to this version, all steps or none. Throws MetaError where a newer Monitor wrote it. */
export function migrate(db: DatabaseSync, file: string): void {
  const version = versionOf(db)
  if (version > STEPS.length) {
    throw new MetaError(`cannot use ${file}: a newer Monitor made it (version ${version} of its tables, this one knows ${STEPS.length}); run that one, or move the file away`)
  }
  if (version === STEPS.length) return
  db.exec('BEGIN IMMEDIATE')
  try {
    for (const step of STEPS.slice(version)) db.exec(step)
    db.exec(`PRAGMA user_version = ${STEPS.length}`)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/** Of the tables in a file. */
export function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0)
}
