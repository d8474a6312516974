// Anomaly rules over the series of ten thousand servers beside a hundred threshold rules every ten seconds: what a new baseline costs,
// and how long the rules' thread is at a stretch with others waiting.
//   node test/bench/anomalies.bench.ts [SERVERS] [SECONDS]
//
// Of each of four weeks the hours that the baseline reads are there, a sample a minute, and the last two hours. The thresholds run for
// half a minute alone, then the anomalies are added: they ask for their baselines at once, as at the beginning of a quarter of an hour.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { BaselineWorkerData } from '../../cmd/baseline-worker.ts'
import type { RulesWorkerData } from '../../cmd/rules-worker.ts'
import { BASELINE_SLOT, RULES_SLOT } from '../../cmd/runners.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { BaselineThread } from '../../lib/rules/baseline/baseline-thread.ts'
import { checkRule } from '../../lib/rules/json-rule/check-rule.ts'
import { compileRule, learningRule } from '../../lib/rules/json-rule/compile.ts'
import { ruleGroups } from '../../lib/rules/json-rule/rule-groups.ts'
import { RuleMetrics } from '../../lib/rules/rule-metrics.ts'
import { RuleWriter } from '../../lib/rules/rule-writer.ts'
import { RulesThread } from '../../lib/rules/thread.ts'
import { FakeClock, systemClock } from '../../lib/std/clock.ts'
import { Logger } from '../../lib/std/log.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { Random } from '../../lib/std/random.ts'
import { Database } from '../../storage/database.ts'

const [servers = 10_000, seconds = 60] = process.argv.slice(2).map(Number)
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const WEEK = 168 * HOUR
const STEP_MS = 10_000
/** How often somebody asks the thread for its alerts. */
const ASK_MS = 10

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bench-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
const nowMs = Math.floor(Date.now() / MINUTE) * MINUTE
const clock = new FakeClock(nowMs - 4 * WEEK - 3 * HOUR)
const db = new Database({ folder, clock, retentionMs: Infinity })
const random = new Random(1)
const refs = Uint32Array.from({ length: servers }, (_, s) => db.series(labelsFromRecord({
  __name__: 'cpu_usage', instance: `host-${s}:9100`, server_id: `s${s}`, service: `svc${s % 50}`, env: s % 2 === 0 ? 'production' : 'staging',
})))
const values = new Float64Array(servers)
const verdicts = new Uint8Array(servers)

function appendAll(t: number): void {
  for (let s = 0; s < servers; s++) values[s] = 20 + (s % 10) * 3 + random.int(500) / 100
  db.append({ count: servers, refs, values, t, times: null, stale: null }, verdicts)
}

const startedMs = performance.now()
for (const week of [4, 3, 2, 1, 0]) {
  const [fromMs, toMs] = week === 0 ? [nowMs - 2 * HOUR, nowMs] : [nowMs - week * WEEK - 90 * MINUTE, nowMs - week * WEEK + 90 * MINUTE]
  await clock.advance(fromMs - clock.now())
  for (let t = fromMs; t < toMs; t += MINUTE) {
    await clock.advance(MINUTE)
    appendAll(t)
  }
  for (let round = 0; round < 3; round++) {
    await db.maintain()
    await db.blocks.idle()
  }
}
console.log(`filled with the hours of ${servers} series in ${((performance.now() - startedMs) / 1000).toFixed(0)} s`)

const over = (i: number): object => ({ name: `rule ${i}`, metric: 'cpu_usage', interval: '10s', condition: { operator: 'gt', threshold: 98, window: `${60 + i}s`, aggregation: ['avg', 'max', 'rate', 'p99'][i % 4] } })
const thresholds = Array.from({ length: 100 }, (_, i) => checkRule(over(i))).map((rule, i) => ({ rule, configs: [compileRule(rule, `t-${i}`)] }))
const anomalies = [{}, { aggregation: 'p99' }, { season: 'hour_of_day' }].map((condition, i) => checkRule({ name: `anomaly ${i}`, kind: 'anomaly', metric: 'cpu_usage', interval: '10s', condition }))
  .map((rule, i) => ({ rule, configs: [compileRule(rule, `a-${i}`), learningRule(rule, `a-${i}`)!] }))

const metrics = new Metrics()
const cpuMs = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000
const limits = { timeoutMs: 120_000, lookbackMs: 300_000 }
const baselines = new BaselineThread({
  workerUrl: new URL('../../cmd/baseline-worker.ts', import.meta.url), clock: systemClock, queryTimeoutMs: 120_000, onGone: () => db.releaseSlot(BASELINE_SLOT),
  workerData: { handle: db.handle(), slot: BASELINE_SLOT, engine: {}, ...limits } satisfies BaselineWorkerData,
})
const thread = new RulesThread({
  workerUrl: new URL('../../cmd/rules-worker.ts', import.meta.url),
  workerData: {
    handle: db.handle(), slot: RULES_SLOT, engine: {}, ...limits, restoreLimits: { outageToleranceMs: 0, graceMs: 0 }, resendMs: 60_000, log: { level: 'warn', format: 'logfmt' },
  } satisfies RulesWorkerData,
  writer: new RuleWriter(db), metrics: new RuleMetrics(metrics), clock: systemClock, logger: new Logger({ level: 'warn', format: 'logfmt' }), queryTimeoutMs: 120_000,
  onAlerts: () => {}, pending: { receive: () => {}, doubt: () => {} }, baselines, onGone: () => {},
})

/** Goes on with ingest, and asks for alerts: the longest wait for the answer, in ms. */
async function runFor(ms: number): Promise<string> {
  const waits: number[] = []
  const untilMs = Date.now() + ms
  let nextMs = Math.floor(Date.now() / STEP_MS) * STEP_MS
  while (Date.now() < untilMs) {
    if (Date.now() >= nextMs) {
      appendAll(nextMs)
      await db.commit()
      nextMs += STEP_MS
    }
    const askedMs = performance.now()
    await thread.ask({ kind: 'alerts' })
    waits.push(performance.now() - askedMs)
    await new Promise((resolve) => setTimeout(resolve, ASK_MS))
  }
  waits.sort((a, b) => b - a)
  return `longest stretches of the rules' thread ${waits.slice(0, 5).map((wait) => wait.toFixed(0)).join(', ')} ms`
}

async function report(name: string): Promise<void> {
  const text = await metrics.registry.metrics()
  const of = (metric: string): string => [...text.matchAll(new RegExp(`^${metric}\\{rule_group="api.yml;([^"]*)"\\} (\\S+)$`, 'gm'))].map(([, group, value]) => `${group} ${value}`).join(', ')
  console.log(`${name}: slots ${of('prometheus_rule_group_iterations_total')}; missed ${of('prometheus_rule_group_iterations_missed_total')}; failures ${of('prometheus_rule_evaluation_failures_total')}; last took ${of('prometheus_rule_group_last_duration_seconds')} s`)
}

const settings = { evaluationIntervalMs: STEP_MS, queryOffsetMs: 0, externalLabels: new Map(), externalUrl: '' }
thread.apply({ ...settings, groups: ruleGroups(thresholds, 'api.yml') })
await runFor(30_000)
const before = process.cpuUsage()
console.log(`thresholds alone: ${await runFor(30_000)}; ${(cpuMs(process.cpuUsage(before)) / 30_000).toFixed(3)} cores with ingest`)
await report('thresholds')
const added = process.cpuUsage()
thread.apply({ ...settings, groups: ruleGroups([...thresholds, ...anomalies], 'api.yml') })
console.log(`with anomalies: ${await runFor(seconds * 1000)}; ${(cpuMs(process.cpuUsage(added)) / 1000).toFixed(1)} s of CPU in ${seconds} s`)
await report('all')
const settled = process.cpuUsage()
console.log(`within the quarter: ${await runFor(30_000)}; ${(cpuMs(process.cpuUsage(settled)) / 30_000).toFixed(3)} cores with ingest`)
const reply = JSON.parse(Buffer.from((await thread.ask({ kind: 'rules', type: '', names: [], groups: ['api anomalies 10s'], files: [], matches: [], excludeAlerts: true, groupLimit: 0, nextToken: '' })).body).toString()) as { data: { groups: { rules: { name: string; health: string; lastError?: string; learning?: number; evaluationTime: number }[] }[] } }
for (const { name, health, lastError = '', learning, evaluationTime } of reply.data.groups[0]!.rules) console.log(`  ${name}: ${health} ${lastError} learning ${learning}, ${(evaluationTime * 1000).toFixed(0)} ms`)
await thread.stop()
await db.close()
