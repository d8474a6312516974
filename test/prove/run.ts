// `npm run prove`: the large counts of which the suite runs a slice. Prints what each proof saw; exits 1 on any loss.
//
//   npm run prove                             all proofs
//   npm run prove -- sim kills                some of them
//   npm run prove -- sim --seed 7             one crash schedule, the one of that seed
//   npm run prove -- sim --seed 7 --count 50  as many, from that seed on
//   npm run prove -- --help                   this, and the names of the proofs
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { freshSeed } from '../../lib/std/random.ts'
import { runIncidentKills } from './incident-kills.ts'
import { FAULT_POINT_ROUNDS, runFaultPoint } from './fault-points.ts'
import { runAlertKills } from './alert-kills.ts'
import { runKills } from './kills.ts'
import { runPowerCuts, whyNoPowerCuts } from './power-cuts.ts'
import { runQueries } from './queries.ts'
import { runManySchedules } from './schedules.ts'
import { breachLine, PARTS, runBreaches, type Part } from '../support/breach-run.ts'
import { hasAlertmanager } from '../support/breach-neighbours.ts'
import { runStarts, type StartReport, type StartShape } from './starts.ts'
import { FLIPPED_FILES, type FlipReport, type FlippedFile } from '../sim/bit-flips.ts'

/** Some two minutes of them. */
const QUERIES = 200_000
const SCHEDULES = 100_000
const SCHEDULES_MS_MAX = 50 * 60_000
const THREADS = 2

/** Some three minutes of them. */
const ALERT_HISTORIES = 20_000
const ROUTE_HISTORIES = 2000
const WINDOW_HISTORIES = 400
const MODEL_RUNS = 2000
const POWER_CUTS = 5
const KILLS = 50
const INCIDENT_KILLS = 100
/** Of all pages. */
const DOUBLED_SHARE_MAX = 0.01
/** Of a kill there may be a page or two on their way. */
const DOUBLED_SHARE_MAX_WHOLE = 0.05
const PAGE_KILLS = 100
/** The slowest page, whichever part is restarted all the while. */
const BREACH_MS_MAX = 60_000
const BREACHES = 100
const RECEIVER_ALERTS = 1500
const TIER_STORES = 300
const TIER_STORIES = 400
const TIER_LIVES = 200

/**
 * What an operator is promised of a start, ms. Where a million series are read, pushes alone. The first has a fifth more of
 * JavaScript's heap than it holds in peace: reading the log fits in.
 */
const STARTS: readonly { shape: StartShape; most: Partial<StartReport> }[] = [
  { shape: { series: 60_000, hours: 2, heapMb: 36 }, most: { firstPushMs: 2000, readyMs: 10_000, firstScrapeMs: 5000, gapMs: 5000 } },
  { shape: { series: 1_000_000, hours: 0.1 }, most: { firstPushMs: 2000, readyMs: 15_000 } },
]

type Proofs = Readonly<Record<string, () => Promise<boolean>>>
/** These look at the clock, or keep all cores at work. */
const ALONE: Proofs = {
  kills: proveKills, pages: provePages, 'pages-whole': provePagesWhole, incidents: proveIncidents, points: proveFaultPoints, starts: proveStarts, storm: proveStorm, 'power-cuts': provePowerCuts, sim: proveSchedules, flips: proveFlips, receivers: proveReceivers,
  ...Object.fromEntries(PARTS.map((part) => [`restart-${part}`, () => proveRestarts(part)])),
}
/** One thread each, the longest first. */
const SIDE_BY_SIDE: Proofs = {
  model: proveModel, lifecycles: proveLifecycles, routes: proveRoutes, alerts: proveAlerts, 'tier-lives': proveTierLives, 'tier-answers': proveTierAnswers, windows: proveWindows, queries: proveQueries,
  'tier-disk': proveTierDisk, 'tier-flips': proveTierFlips, cuts: proveCuts,
}
const PROOFS: Proofs = { ...ALONE, ...SIDE_BY_SIDE }

const { values, positionals } = parseArgs({ options: { seed: { type: 'string' }, count: { type: 'string' }, help: { type: 'boolean', short: 'h' } }, allowPositionals: true })
if (values.help) {
  console.log(`npm run prove -- [PROOF…] [--seed N [--count N]]
All proofs, unless some are named; from one seed on, so many rounds (one without --count) of those that take any.
One after the other: ${Object.keys(ALONE).join(', ')}.
Side by side: ${Object.keys(SIDE_BY_SIDE).join(', ')}.`)
  process.exit(0)
}
const unknown = positionals.filter((name) => !Object.hasOwn(PROOFS, name))
if (unknown.length > 0) {
  console.error(`no proof ${unknown.join(', ')}; there are ${Object.keys(PROOFS).join(', ')}`)
  process.exit(2)
}
const seed = values.seed === undefined ? freshSeed() : Number(values.seed)
const count = values.count !== undefined ? Number(values.count) : values.seed !== undefined ? 1 : null
await runAll(ALONE, 1)
await runAll(SIDE_BY_SIDE, THREADS)

/** Those that are asked for, so many at a time. */
async function runAll(proofs: Proofs, lanes: number): Promise<void> {
  const waiting = Object.entries(proofs).filter(([name]) => positionals.length === 0 || positionals.includes(name))
  await Promise.all(Array.from({ length: lanes }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) if (!(await next[1]())) process.exitCode = 1
  }))
}

async function inFolder<T>(f: (folder: string) => Promise<T>): Promise<T> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-prove-'))
  try {
    return await f(folder)
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

async function proveFaultPoints(): Promise<boolean> {
  console.log('kill -9 at fault points')
  let isWell = true
  for (const { point, pass } of FAULT_POINT_ROUNDS) {
    const { hasDied, acknowledged, lost } = await inFolder((folder) => runFaultPoint(folder, point, pass))
    console.log(`  ${point}:${pass}: ${hasDied ? 'killed' : 'NOT PASSED'}, ${acknowledged} samples acknowledged, ${lost.length} lost`)
    for (const line of lost.slice(0, 20)) console.log(`    LOST ${line}`)
    isWell &&= hasDied && lost.length === 0
  }
  return isWell
}

/** From a pushed sample over a rule to a page: none is missed, hardly one told twice, whenever the process is killed. */
async function proveIncidents(): Promise<boolean> {
  const report = await inFolder((folder) => runIncidentKills({ folder, kills: count ?? INCIDENT_KILLS, seed, print: (line) => console.log(`  ${line}`) }))
  const { kills, incidents, missed, doubled, slowestMs } = report
  console.log(`incidents: ${kills} kills, ${incidents} pushed, ${missed.length} missed, ${doubled.length} doubled, the slowest page after ${(slowestMs / 1000).toFixed(1)} s (seed ${seed})`)
  for (const id of missed.slice(0, 20)) console.log(`    MISSED ${id}`)
  return missed.length === 0 && doubled.length <= DOUBLED_SHARE_MAX * incidents
}

/** Receivers with all faults beside a good one, which hears of 1,500 alerts within the time that the test names. */
function proveReceivers(): Promise<boolean> {
  return proveByTest('test/e2e/bad-receivers.test.ts', { PROVE_BAD_RECEIVER_ALERTS: String(count ?? RECEIVER_ALERTS) })
}

/** Breaches while one part is restarted every 20 s: each has its mail within the minute, and one. */
async function proveRestarts(part: Part): Promise<boolean> {
  if (part === 'alertmanager' && !hasAlertmanager) {
    console.log("restart of alertmanager: left out, Debian's prometheus-alertmanager is not installed")
    return true
  }
  const report = await inFolder((folder) => runBreaches({ folder, incidents: count ?? BREACHES, targets: 20, seed, breachMs: 60_000, part, everyMs: 20_000, awayMs: 10_000, isQuick: false }))
  console.log(`restart of ${part}: ${breachLine(report)} (seed ${seed})`)
  return report.delaysMs.at(-1)! <= BREACH_MS_MAX && report.doubled === 0
}

/** The life of alerts against a model of it, restarts included. */
function proveAlerts(): Promise<boolean> {
  return proveByTest('test/lib/rules/alert-model.test.ts', { PROVE_ALERT_HISTORIES: String(count ?? ALERT_HISTORIES), PROVE_SEED: String(seed) })
}

/** Acknowledgement, escalation, cooldown and restarts of alerts against a model of these. */
function proveLifecycles(): Promise<boolean> {
  return proveByTest('test/lib/notify/lifecycle-model.test.ts', { PROVE_LIFECYCLES: String(count ?? ALERT_HISTORIES), PROVE_SEED: String(seed) })
}

/** Ends of alerts over changes of routes and kills. */
function proveRoutes(): Promise<boolean> {
  return proveByTest('test/lib/notify/dispatch/route-changes.test.ts', { PROVE_ROUTES: String(count ?? ROUTE_HISTORIES), PROVE_SEED: String(seed) })
}

/** Windows of rules that are kept from tick to tick against the engine. */
function proveWindows(): Promise<boolean> {
  return proveByTest('test/lib/rules/window/window-query.test.ts', { PROVE_WINDOW_HISTORIES: String(count ?? WINDOW_HISTORIES), PROVE_SEED: String(seed % 2 ** 30) })
}

/** Kills one behind the other, each start as quick as the first; and a process that is held still for half a minute. */
function proveStorm(): Promise<boolean> {
  return proveByTest('test/e2e/availability.test.ts', { PROVE_STORM_KILLS: String(count ?? KILLS), PROVE_STILL_MS: '30000' }, 'many kills|held still')
}

/** The store against a plain Map, over days of work. */
function proveModel(): Promise<boolean> {
  return proveByTest('test/storage/database-model.test.ts', { PROVE_MODEL_RUNS: String(count ?? MODEL_RUNS), PROVE_SEED: String(seed) })
}

/** A cut and a compaction that end, or are refused, at each of their disk calls. */
function proveCuts(): Promise<boolean> {
  return proveByTest('test/sim/cuts.test.ts', { PROVE_EVERY: '1' })
}

/** Rows of tiers on a disk that crashes, or refuses, at so many of its calls. */
function proveTierDisk(): Promise<boolean> {
  return proveByTest('test/sim/tiers.test.ts', { PROVE_TIER_STORIES: String(count ?? TIER_STORIES), PROVE_SEED: String(seed) })
}

/** Rows of tiers against the samples that they are made of, over random lives of a store. */
function proveTierLives(): Promise<boolean> {
  return proveByTest('test/storage/tier-model.test.ts', { PROVE_TIER_RUNS: String(count ?? TIER_LIVES), PROVE_SEED: String(seed) })
}

/** Each bit of a block of a tier. */
function proveTierFlips(): Promise<boolean> {
  return proveByTest('test/storage/tier/damage.test.ts', { PROVE_STRIDE: '1' })
}

/** Answers of tiers against those of raw samples. */
function proveTierAnswers(): Promise<boolean> {
  return proveByTest('test/lang/exec/tiers.test.ts', { PROVE_TIER_STORES: String(count ?? TIER_STORES), PROVE_SEED: String(seed) })
}

/** Kills while alerts are told one after another: none is lost, and what is on its way is not told twice. */
function provePages(): Promise<boolean> {
  return proveAlertKills(false, DOUBLED_SHARE_MAX)
}

/** The same where all its processes are killed at once: what was on its way is told twice, and nothing more often. */
function provePagesWhole(): Promise<boolean> {
  return proveAlertKills(true, DOUBLED_SHARE_MAX_WHOLE)
}

function proveAlertKills(isWhole: boolean, shareMax: number): Promise<boolean> {
  return inFolder(async (folder) => {
    console.log(`kill -9 ${isWhole ? 'of all processes ' : ''}while alerts are told, seed ${seed}`)
    const report = await runAlertKills({ folder, kills: count ?? PAGE_KILLS, seed, isWhole, print: (line) => console.log(`  ${line}`) })
    const { kills, alerts, silences, acknowledgements, rules, toldTwice, toldMore, lost } = report
    console.log(`${kills} kills: ${alerts} alerts, ${silences} silences, ${acknowledgements} acknowledgements, ${rules} rules taken; ${lost.length} lost; ${toldTwice} told twice, ${toldMore} more often`)
    for (const line of lost.slice(0, 20)) console.log(`  LOST ${line}`)
    return lost.length === 0 && toldMore === 0 && toldTwice <= shareMax * alerts
  })
}

/** A test of the suite with larger numbers; told of when it is done. */
function proveByTest(file: string, env: Readonly<Record<string, string>>, name = ''): Promise<boolean> {
  const run = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.ts', file, '-t', name], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  let output = `${file}, ${Object.entries(env).map(([key, value]) => `${key}=${value}`).join(' ')}\n`
  for (const stream of [run.stdout, run.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  return new Promise((resolve) => {
    run.once('close', (code) => {
      console.log(output)
      resolve(code === 0)
    })
  })
}

function proveKills(): Promise<boolean> {
  return inFolder(async (folder) => {
    console.log(`kill -9, seed ${seed}`)
    const report = await runKills({ folder, kills: count ?? KILLS, seed, print: (line) => console.log(`  ${line}`) })
    console.log(`${report.kills} kills, ${report.acknowledged} samples acknowledged, ${report.scrapesSeen} scrapes shown, ${report.lost.length} lost`)
    for (const line of report.lost.slice(0, 20)) console.log(`  LOST ${line}`)
    return report.lost.length === 0
  })
}

function provePowerCuts(): Promise<boolean> {
  const why = whyNoPowerCuts()
  if (why !== null) {
    console.log(`power cuts: left out, ${why}`)
    return Promise.resolve(true)
  }
  return inFolder(async (folder) => {
    console.log(`power cuts, seed ${seed}`)
    const { cuts, acknowledged, lost } = await runPowerCuts({ folder, cuts: count ?? POWER_CUTS, seed, print: (line) => console.log(`  ${line}`) })
    console.log(`${cuts} power cuts, ${acknowledged} samples acknowledged, ${lost.length} lost`)
    for (const line of lost.slice(0, 20)) console.log(`  LOST ${line}`)
    return lost.length === 0
  })
}

async function proveFlips(): Promise<boolean> {
  console.log('every bit flipped')
  let isWell = true
  for (const file of FLIPPED_FILES) {
    const parts = await Promise.all(Array.from({ length: THREADS }, (_, first) => flipInThread(file, first)))
    const [flips, costly, faults] = [parts.reduce((sum, part) => sum + part.flips, 0), parts.reduce((sum, part) => sum + part.costly, 0), parts.flatMap((part) => part.faults)]
    console.log(`  ${file}: ${flips} flips, ${costly} cost a record, ${faults.length} did more`)
    for (const fault of faults) console.log(`    ${fault}`)
    isWell &&= faults.length === 0
  }
  return isWell
}

/** Each bit of so many, from the first on. */
function flipInThread(file: FlippedFile, first: number): Promise<FlipReport> {
  const worker = new Worker(new URL('./flip-thread.ts', import.meta.url), { workerData: { file, first, stride: THREADS } })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

async function proveQueries(): Promise<boolean> {
  console.log(`mutated queries, seed ${seed}`)
  const queries = await runQueries({ count: QUERIES, seed, print: (line) => console.log(`  ${line}`) })
  const answers = [...queries.statuses].toSorted(([a], [b]) => a - b).map(([status, n]) => `${n} × ${status}`).join(', ')
  console.log(`${queries.queries} queries (${answers}), slowest ${Math.round(queries.slowestMs)} ms, ${queries.losses.length} answered wrongly`)
  for (const { query, why } of queries.losses.slice(0, 20)) console.log(`  ${JSON.stringify(query)}: ${why}`)
  return queries.losses.length === 0
}

async function proveStarts(): Promise<boolean> {
  console.log('starts, ms from the start of the process')
  let isWell = true
  for (const { shape, most } of STARTS) {
    const reports = await inFolder((folder) => runStarts(folder, shape))
    for (const [name, report] of Object.entries(reports)) {
      const times = Object.entries(report) as [keyof StartReport, number][]
      const late = times.filter(([what, ms]) => ms > (most[what] ?? Infinity)).map(([what]) => what)
      console.log(`  ${shape.series} series, ${shape.hours} h, ${name}: ${times.map(([what, ms]) => `${what} ${ms}`).join(', ')}${late.length > 0 ? `; TOO LATE: ${late.join(', ')}` : ''}`)
      isWell &&= late.length === 0
    }
  }
  return isWell
}

async function proveSchedules(): Promise<boolean> {
  console.log(`crash schedules, seed ${seed}`)
  const started = performance.now()
  const report = await runManySchedules({ first: seed, count: count ?? SCHEDULES, limitMs: SCHEDULES_MS_MAX }, count === 1 ? 1 : THREADS, (line) => console.log(`  ${line}`))
  const { schedules, crashes, faults, promised, diskCalls, failed } = report
  console.log(`${schedules} schedules in ${Math.round((performance.now() - started) / 1000)} s: ${crashes} crashes, ${faults} faults of the disk, ${diskCalls} disk calls, ${promised} samples promised, ${failed.length} schedules broke a promise`)
  for (const { seed: one, violations } of failed) {
    console.log(`  npm run prove -- sim --seed ${one}`)
    for (const violation of violations) console.log(`    ${violation}`)
  }
  return failed.length === 0 && (schedules >= SCHEDULES || count !== null)
}
