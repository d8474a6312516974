// `monitor tsdb create-blocks-from rules`: asks a server what recording rules would have recorded, and makes blocks of it. Flags, slots and
// samples of promtool's command of that name.
//
//   rule files ─▶ recording rules ─(query_range: two hours, each slot of the group)─▶ series with the rule's name and labels ─▶ blocks
import { engineFeatures } from '../../lang/parse/features.ts'
import { ConfigError } from '../../lib/config/load.ts'
import type { HttpClientConfig } from '../../lib/config/http-client.ts'
import type { RuleConfig, RuleGroupConfig } from '../../lib/config/rule-config.ts'
import { loadRuleFile } from '../../lib/config/rule-file.ts'
import { parseFloatText } from '../../lib/format/text-float.ts'
import { labelsFromMap } from '../../lib/model/labels.ts'
import { ruleChecks } from '../../lib/rules/rule-checks.ts'
import { slotOffset } from '../../lib/rules/slot.ts'
import { DiskError, readRegularUtf8 } from '../../lib/std/fs.ts'
import { importGathered, type GatheredSeries } from '../../storage/import/gathered.ts'
import { pushSample } from '../../storage/import/series-samples.ts'
import { askServer, serverUrl } from './api-client.ts'
import { UsageError, type Arguments } from './command-line.ts'
import { withStore } from './data-folder.ts'
import { clientOf, durationOf, seconds, timeOf } from './query.ts'
import { isQueryData, type Series } from './query-result.ts'
import { featureNames } from './tool-features.ts'
import { ToolFailure, type ToolIo } from './tool-io.ts'
import { binarySize, blockTable } from './tsdb-text.ts'

const DEFAULT_SERVER = 'http://localhost:9090'
const INTERVAL_MS = 60_000
/** What is younger may be in a server's head alone, and come late. */
const END_AGE_MS = 3 * 3_600_000
/** Of one query, over two hours. */
const TIMEOUT_MS = 120_000
/** A server refuses to give more steps of a series at once. */
const STEPS_MAX = 11_000

interface Backfill {
  server: URL
  client: HttpClientConfig
  startMs: number
  endMs: number
  /** Of groups that have none. */
  intervalMs: number
}

/** `folder`: where blocks go; no server may run on it. Throws UsageError, ToolFailure, DiskError, SeriesLimitError. */
export async function createRuleBlocks(files: readonly string[], folder: string, args: Arguments, io: ToolIo): Promise<void> {
  if (!args.has('start')) throw new UsageError('tsdb create-blocks-from rules wants --start=TIME: from when on rules are evaluated')
  const endMs = wholeSecond(timeOf(args, 'end', io.clock.now() - END_AGE_MS))
  const work: Backfill = {
    server: serverUrl(args.text('url') || DEFAULT_SERVER), client: clientOf(args.text('http.config.file')),
    startMs: wholeSecond(timeOf(args, 'start', NaN)), endMs, intervalMs: durationOf(args, 'eval-interval', INTERVAL_MS),
  }
  if (work.startMs >= endMs) throw new UsageError(`--start is not before --end${args.has('end') ? '' : ', which is three hours ago unless it is given'}`)
  const checks = ruleChecks(engineFeatures(featureNames(args, io)))
  const groups = files.flatMap((file) => groupsOf(file, checks))
  const rules = groups.flatMap((group) => group.rules.filter(({ kind }) => kind === 'record').map((rule) => ({ group, rule })))
  if (rules.length === 0) throw new ToolFailure(`there are no recording rules in ${files.join(', ')}; alerting rules are not evaluated`)
  const said = new Set<string>()
  const tell = (sentence: string): void => {
    if (!said.has(sentence)) io.err(`${sentence}\n`)
    said.add(sentence)
  }
  await withStore(folder, async ({ db, querier }) => {
    const blocks = await importGathered(work, async (series, from, to) => {
      for (const { group, rule } of rules) await evaluate({ group, rule }, { from, to }, { work, series, tell })
    }, { db, labels: querier })
    if (!args.has('quiet') && blocks.length > 0) io.out(blockTable(blocks.map(({ name, meta }) => ({ folder: name, meta })), args.has('human-readable') ? binarySize : String))
    if (blocks.length === 0) io.err('no rule gave a sample: no block was made\n')
  }, { mayMake: true })
}

/** promtool's times are whole seconds. */
function wholeSecond(timeMs: number): number {
  return Math.floor(timeMs / 1000) * 1000
}

/** A group is known by the file as it was given, as its slots hang on it. */
function groupsOf(file: string, checks: ReturnType<typeof ruleChecks>): RuleGroupConfig[] {
  try {
    return loadRuleFile(readRegularUtf8(file), file, { checks })
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof DiskError)) throw error
    throw new ToolFailure(error.message, { cause: error })
  }
}

interface Gathering {
  work: Backfill
  series: GatheredSeries
  /** Tells each sentence once. */
  tell: (sentence: string) => void
}

/** Adds what a rule gives in its group's slots in [from, to], Unix ms. */
async function evaluate({ group, rule }: { group: RuleGroupConfig; rule: RuleConfig }, { from, to }: { from: number; to: number }, { work, series, tell }: Gathering): Promise<void> {
  const stepMs = group.intervalMs ?? work.intervalMs
  const offset = slotOffset(group.file, group.name, stepMs)
  const place = `${group.file}, group ${group.name}, ${rule.name}`
  for (let at = Math.ceil((from - offset) / stepMs) * stepMs + offset; at <= to; at += STEPS_MAX * stepMs) {
    const last = Math.min(to, at + (STEPS_MAX - 1) * stepMs)
    const parameters = new URLSearchParams([['query', rule.expr], ['start', seconds(Math.round(at))], ['end', seconds(last)], ['step', seconds(stepMs)]])
    const { data, warnings } = await askFor(place, work, parameters)
    for (const warning of warnings) tell(`${place}: warning: ${warning}`)
    if (!isQueryData(data) || data.resultType !== 'matrix') throw new ToolFailure(`${place}: the server answers with data that are no result of a range query; is ${work.server.href} the URL of a Prometheus API?`)
    if (addResult(data.result, rule, series)) tell(`${place}: native histograms are left out, as by promtool: an answer does not have all of them`)
  }
}

async function askFor(place: string, { server, client }: Backfill, parameters: URLSearchParams): ReturnType<typeof askServer> {
  try {
    return await askServer({ server, path: '/api/v1/query_range', parameters, headers: new Headers(), client, timeoutMs: TIMEOUT_MS })
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    throw new ToolFailure(`${place}: ${error.message}; no block was made`, { cause: error })
  }
}

/** The rule's name and labels stand in place of those of the result. Returns whether there were native histograms. */
function addResult(result: readonly Series[], rule: RuleConfig, series: GatheredSeries): boolean {
  let hasHistograms = false
  for (const { metric, values = [], histograms = [] } of result) {
    hasHistograms ||= histograms.length > 0
    if (values.length === 0) continue
    const samples = series.of(labelsFromMap(new Map([...Object.entries(metric), ...rule.labels, ['__name__', rule.name]])))
    for (const [time, text] of values) {
      const value = parseFloatText(text)
      if (value !== null) pushSample(samples, Math.round(time * 1000), value)
    }
  }
  return hasHistograms
}
