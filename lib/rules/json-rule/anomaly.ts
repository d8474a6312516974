// An anomaly rule as PromQL: how many standard deviations a series is from what it was at this hour of earlier weeks or days.
//
//   now        avg_over_time(m[5m])
//   mean_k     avg_over_time(m[1h] offset 167h30m), …: an hour around this time, k seasons ago, as far as there is one
//   mean       average of mean_k;   deviation: √(average of (stddev_k² + mean_k²) − mean²): within and between the hours
//   borrowed   of series without a baseline (they are learning): the median mean and deviation of their service and env
//   score      (now − mean) / deviation
//
// Mean and deviation are those of the last full quarter of an hour: `last_over_time((…)[15m:15m])`, which the rules evaluate once in
// that time (lang/exec/past-results.ts). Hours of the past are read from the 1-minute tier where raw samples are gone. Without a
// season the baseline is that of the hours before the last one, from the 1-hour tier. Equal parts of the expression are evaluated once.
import { formatDuration } from '../../model/duration.ts'
import type { AnomalyCondition, Season, Source, Widening } from './json-rule.ts'
import { aggregate, labelList, numberText, selector } from './promql-text.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const SEASON_MS: Readonly<Record<Exclude<Season, 'none'>, number>> = { hour_of_week: 7 * DAY_MS, hour_of_day: DAY_MS }
/** Between the values of an hour that stand for a baseline of anything but averages. */
const STEP_MS_MIN = 60_000
const STEP_MS_MAX = 300_000
/** Tells the hours of a baseline apart until they are averaged. */
const LAP = 'baseline_lap'
/** How an alert says that its series is learning still. */
export const BASELINE = 'baseline'

/** The scores beyond the band. */
export function anomalyExpr(source: Source, condition: AnomalyCondition, widenings: readonly Widening[]): string {
  const { direction } = condition
  const score = scoreExpr(source, condition)
  const band = bandExpr(source, condition, widenings)
  // Bands are matched by labels, but for the one that says that a series is learning.
  const match = widenings.length === 0 ? '' : `ignoring (${BASELINE}) group_left () `
  if (direction === 'below') return `${score} < ${match}-${band}`
  return `${direction === 'both' ? `abs(${score})` : score} > ${match}${band}`
}

/** How many series have no baseline of their own yet: they are learning, and borrow one where there is one. */
export function learningExpr(source: Source, condition: AnomalyCondition): string {
  return `count(${valueOf(source, condition)} unless ${meanExpr(source, condition)}) or vector(0)`
}

/** Deviations from the baseline, those of learning series with a label that says so. */
function scoreExpr(source: Source, condition: AnomalyCondition): string {
  const now = valueOf(source, condition)
  const mean = meanExpr(source, condition)
  const deviation = deviationExpr(source, condition)
  const group = labelList(condition.borrowBy)
  const median = (of: string): string => `on (${group}) group_left () quantile by (${group}) (0.5, ${of})`
  const own = `((${now} - ${mean}) / ${deviation})`
  const borrowed = `(((${now} unless ${mean}) - ${median(mean)}) / ${median(deviation)})`
  return `(${own} or label_replace(${borrowed}, "${BASELINE}", "learning", "", ""))`
}

/** A number, or a vector where series have bands of their own. */
function bandExpr(source: Source, condition: AnomalyCondition, widenings: readonly Widening[]): string {
  const { sigma, aggregation, windowMs } = condition
  if (widenings.length === 0) return numberText(sigma)
  const bandOf = (series: string, factor: number): string => `(0 * ${aggregate(aggregation, series, windowMs)} + ${numberText(sigma * factor)})`
  // The widest first: what stands first is what `or` keeps.
  const wide = widenings.toSorted((a, b) => b.factor - a.factor).map(({ labels, factor }) => bandOf(selector(source, labels), factor))
  return `(${[...wide, bandOf(selector(source), 1)].join(' or ')})`
}

function meanExpr(source: Source, condition: AnomalyCondition): string {
  return steady(currentMeanExpr(source, condition), condition)
}

/** As of the last full quarter of an hour; what has no season looks at what came before the last hour. */
function steady(expr: string, { season }: AnomalyCondition): string {
  return `last_over_time((${expr})[15m:15m]${season === 'none' ? ' offset 1h' : ''})`
}

function currentMeanExpr(source: Source, condition: AnomalyCondition): string {
  const { season, baselineMs } = condition
  if (season === 'none') return `avg_over_time(${isPlain(condition) ? hour(source, condition, 'avg', 0) : valueOf(source, condition)}[${formatDuration(baselineMs)}:1h])`
  return laps(season, baselineMs, (offsetMs) => hour(source, condition, 'avg', offsetMs))
}

function deviationExpr(source: Source, condition: AnomalyCondition): string {
  const { season, baselineMs } = condition
  const squareOf = (offsetMs: number): string => `${hour(source, condition, 'stddev', offsetMs)} ^ 2 + ${hour(source, condition, 'avg', offsetMs)} ^ 2`
  const squares = season === 'none'
    ? `avg_over_time((${isPlain(condition) ? squareOf(0) : `${valueOf(source, condition)} ^ 2`})[${formatDuration(baselineMs)}:1h])`
    : laps(season, baselineMs, squareOf)
  return steady(`sqrt(clamp_min(${squares} - ${currentMeanExpr(source, condition)} ^ 2, 0))`, condition)
}

/** What is compared with the baseline. */
function valueOf(source: Source, { aggregation, windowMs }: AnomalyCondition): string {
  return aggregate(aggregation, selector(source), windowMs)
}

/** Whether the baseline is that of the samples themselves, of which tiers keep average and deviation. */
function isPlain({ aggregation }: AnomalyCondition): boolean {
  return aggregation === 'avg' || aggregation === 'last'
}

function hour(source: Source, condition: AnomalyCondition, stat: 'avg' | 'stddev', offsetMs: number): string {
  // Windows that hardly overlap say as much of the hour as sixty that do, for a fifth of the work.
  const stepMs = Math.min(STEP_MS_MAX, Math.max(STEP_MS_MIN, condition.windowMs))
  const range = isPlain(condition) ? `${selector(source)}[1h]` : `${valueOf(source, condition)}[1h:${formatDuration(stepMs)}]`
  return `${stat}_over_time(${range}${offsetMs === 0 ? '' : ` offset ${formatDuration(offsetMs)}`})`
}

/** The average over all seasons that there are. */
function laps(season: Exclude<Season, 'none'>, baselineMs: number, of: (offsetMs: number) => string): string {
  const seasonMs = SEASON_MS[season]
  const count = Math.floor(baselineMs / seasonMs)
  const each = Array.from({ length: count }, (_, k) => `label_replace(${of((k + 1) * seasonMs - HOUR_MS / 2)}, "${LAP}", "${k + 1}", "", "")`)
  return `avg without (${LAP}) (${each.join(' or ')})`
}
