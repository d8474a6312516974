// A thousand rules over the series of ten thousand servers, ten million windows, every ten seconds, beside the ingest of sixty
// thousand series every ten seconds: CPU of the rules' thread, memory of its windows, slots missed.
//   node test/bench/rules.bench.ts [SERVERS] [RULES] [SECONDS] [AGGREGATION,…] [CHURN]
//
// Servers come as scrapes do, spread over the interval: a row of six series each. Rules are those of the API: every aggregation
// over windows from half a minute to ten, thresholds of their own, one series in some thousands breaching. First one tick of
// each distinct window is evaluated anew by the engine, for comparison. With CHURN so many servers a second end, and as many
// others begin.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Engine } from '../../lang/engine.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { checkRule } from '../../lib/rules/json-rule/check-rule.ts'
import { compileRule } from '../../lib/rules/json-rule/compile.ts'
import { ruleGroups } from '../../lib/rules/json-rule/rule-groups.ts'
import { RuleMetrics } from '../../lib/rules/rule-metrics.ts'
import { engineQuery } from '../../lib/rules/rule-query.ts'
import { RuleWriter } from '../../lib/rules/rule-writer.ts'
import { BaselineThread } from '../../lib/rules/baseline/baseline-thread.ts'
import { RulesThread } from '../../lib/rules/thread.ts'
import { systemClock } from '../../lib/std/clock.ts'
import { Logger } from '../../lib/std/log.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { Random } from '../../lib/std/random.ts'
import type { BaselineWorkerData } from '../../cmd/baseline-worker.ts'
import { BASELINE_SLOT, RULES_SLOT } from '../../cmd/runners.ts'
import type { RulesWorkerData } from '../../cmd/rules-worker.ts'
import { Database } from '../../storage/database.ts'
import { SLOT_COUNT } from '../../storage/head/shared-heap.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'

const [servers = 10_000, ruleCount = 1000, seconds = 60] = process.argv.slice(2, 5).map(Number)
const METRICS = 6
const STEP_MS = 10_000
/** The longest window and a little. */
const HISTORY_ROWS = 62
const AGGREGATIONS = (process.argv[5] || 'avg,min,max,sum,count,p99,last,rate').split(',')
const churn = Number(process.argv[6] ?? 0)
/** From half a minute to ten, so many that with the aggregations and metrics no rules share a window. */
const WINDOW_COUNT = Math.ceil(ruleCount / (AGGREGATIONS.length * METRICS))
const WINDOWS = Array.from({ length: WINDOW_COUNT }, (_, i) => `${30 + Math.round((i * 570) / (WINDOW_COUNT - 1))}s`)
/** How often ingest wakes: scrapes are spread over the interval. */
const TURN_MS = 20

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
const db = new Database({ folder, retentionMs: Infinity })
const random = new Random(1)
const refs = new Uint32Array(servers * METRICS)
let startedCount = 0
for (let server = 0; server < servers; server++) startServer(server)

/** In the place of the one that was there. */
function startServer(server: number): void {
  const instance = `host-${startedCount++}:9100`
  for (let m = 0; m < METRICS; m++) refs[server * METRICS + m] = db.series(labelsFromRecord({ __name__: `m${m}`, instance, job: 'node', env: server % 2 === 0 ? 'production' : 'staging' }))
}
const verdicts = new Uint8Array(METRICS)
const values = new Float64Array(METRICS)

/** A row of one server: gauges from 0 to 90, rarely 99, as decimals. */
function appendServer(server: number, t: number): void {
  for (let m = 0; m < METRICS; m++) values[m] = random.int(100_000) === 0 ? 99 : random.int(9000) / 100
  db.append({ count: METRICS, refs: refs.subarray(server * METRICS, (server + 1) * METRICS), values, t, times: null, stale: null }, verdicts)
}

function bodyOf(i: number): object {
  const aggregation = AGGREGATIONS[i % AGGREGATIONS.length]!
  const threshold = ({ sum: 6000, count: 1000, rate: 50 } as Record<string, number>)[aggregation] ?? 98 + (i % 7) / 10
  return {
    name: `rule ${i}`, metric: `m${Math.floor(i / (AGGREGATIONS.length * WINDOWS.length)) % METRICS}`, interval: '10s',
    condition: { operator: 'gt', threshold, window: WINDOWS[Math.floor(i / AGGREGATIONS.length) % WINDOWS.length], aggregation },
  }
}

const cpuMs = (since: NodeJS.CpuUsage): number => (since.user + since.system) / 1000

const phases = Float64Array.from({ length: servers }, (_, s) => Math.floor(s * STEP_MS / servers))
const startMs = Math.floor(Date.now() / STEP_MS) * STEP_MS
for (let k = HISTORY_ROWS; k >= 1; k--) {
  for (let s = 0; s < servers; s++) appendServer(s, startMs - k * STEP_MS + phases[s]!)
  await db.commit()
}

const groups = ruleGroups(Array.from({ length: ruleCount }, (_, i) => checkRule(bodyOf(i))).map((rule, i) => ({ rule, configs: [compileRule(rule, `id-${i}`)] })), 'api.yml')
const exprs = [...new Set(groups[0]!.rules.map(({ expr }) => expr.replace(/ > .*/, '')))]
const queryable = new StoreQueryable(db.handle(), SLOT_COUNT - 1)
const query = engineQuery(new Engine(), queryable, { timeoutMs: 60_000, lookbackMs: 300_000 })
const sampled = exprs.filter((_, i) => i % Math.ceil(exprs.length / 24) === 0)
for (const expr of sampled) query(`${expr} > 1e9`, startMs)
const before = process.cpuUsage()
for (const expr of sampled) query(`${expr} > 1e9`, startMs)
const anewMs = cpuMs(process.cpuUsage(before)) / sampled.length
queryable.close()
console.log(`${ruleCount} rules over ${servers} series each, ${exprs.length} distinct windows a series, ${ruleCount * servers / 1e6} M windows`)
console.log(`evaluated anew: ${anewMs.toFixed(1)} ms of CPU a rule, ${(anewMs * ruleCount / STEP_MS).toFixed(2)} cores`)

const metrics = new Metrics()
let alertCount = 0
const baselines = new BaselineThread({
  workerUrl: new URL('../../cmd/baseline-worker.ts', import.meta.url), clock: systemClock, queryTimeoutMs: 120_000, onGone: () => {},
  workerData: { handle: db.handle(), slot: BASELINE_SLOT, engine: {}, timeoutMs: 120_000, lookbackMs: 300_000 } satisfies BaselineWorkerData,
})
const thread = new RulesThread({
  workerUrl: new URL('../../cmd/rules-worker.ts', import.meta.url),
  workerData: {
    handle: db.handle(), slot: RULES_SLOT, engine: {}, timeoutMs: 120_000, lookbackMs: 300_000, restoreLimits: { outageToleranceMs: 0, graceMs: 0 }, resendMs: 60_000, log: { level: 'warn', format: 'logfmt' },
  } satisfies RulesWorkerData,
  writer: new RuleWriter(db), metrics: new RuleMetrics(metrics), clock: systemClock, logger: new Logger({ level: 'warn', format: 'logfmt' }), queryTimeoutMs: 120_000,
  onAlerts: (alerts) => (alertCount += alerts.length), pending: { receive: () => {}, doubt: () => {} }, baselines, onGone: () => {},
})
thread.apply({ groups, evaluationIntervalMs: STEP_MS, queryOffsetMs: 0, externalLabels: new Map(), externalUrl: '' })

/** CPU of all but the main thread: the rules, and what collects and compiles for them. */
const others = (): number => cpuMs(process.cpuUsage()) - cpuMs(process.threadCpuUsage())
let next = 0
let rolled = 0
const churnFromMs = Date.now()
let round = Math.floor(Date.now() / STEP_MS) * STEP_MS
const turn = (): void => {
  const now = Date.now()
  for (; rolled < (churn * (now - churnFromMs)) / 1000; rolled++) startServer((rolled * 7919) % servers)
  for (;;) {
    if (next === servers) {
      next = 0
      round += STEP_MS
    }
    if (round + phases[next]! > now) break
    appendServer(next, round + phases[next]!)
    next++
  }
}
async function ingestFor(ms: number): Promise<void> {
  const until = Date.now() + ms
  while (Date.now() < until) {
    turn()
    await db.commit()
    await new Promise((resolve) => setTimeout(resolve, TURN_MS))
  }
}
// The first ticks read the windows, and V8 compiles.
await ingestFor(Math.min(25_000, seconds * 1000))
const [othersBefore, mainBefore, wallBefore] = [others(), cpuMs(process.threadCpuUsage()), Date.now()]
await ingestFor(seconds * 1000)
const wallMs = Date.now() - wallBefore
const text = await metrics.registry.metrics()
const read = (name: string): number => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1])
console.log(`from kept windows: ${((others() - othersBefore) / wallMs).toFixed(3)} cores (ingest of ${servers * METRICS} series every 10 s: ${((cpuMs(process.threadCpuUsage()) - mainBefore) / wallMs).toFixed(3)})`)
console.log(`the last tick took ${(read('prometheus_rule_group_last_duration_seconds') * 1000).toFixed(0)} ms; ${read('prometheus_rule_group_iterations_total')} ticks, ${read('prometheus_rule_group_iterations_missed_total')} missed, ${read('prometheus_rule_evaluation_failures_total')} failures, ${alertCount} alerts sent`)
console.log(`windows and their samples: ${(read('monitor_rule_window_bytes') / 2 ** 20).toFixed(0)} MiB; ${read('monitor_rule_late_samples_total')} late samples`)
await thread.stop()
await db.close()
