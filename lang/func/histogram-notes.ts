// What functions of histograms say of their input (prometheus util/annotations). A metric is named where its name is
// still known: with delayed name removal.
import { METRIC_NAME } from '../../lib/model/labels.ts'
import type { Span } from '../parse/ast.ts'
import { rfc3339 } from './civil-date.ts'
import type { Buckets } from './classic-histogram.ts'
import type { FuncContext } from './contract.ts'
import { formatGeneral, quote } from '../../lib/std/go-format.ts'

/** `set` as the result has it. */
export function metricOf({ labels }: FuncContext, set: number): string {
  return labels.textOf(labels.get(set, labels.intern(METRIC_NAME)))
}

/** What names a metric in a text, '' for none. */
export function forMetric(metric: string): string {
  return metric === '' ? '' : ` for metric name ${quote(metric)}`
}

/** What was done to buckets so that counts do not fall with the bound. */
interface Fixes {
  count: number
  boundMin: number
  boundMax: number
  differenceMax: number
  firstMs: number
  lastMs: number
}

/** Notes that the quantile of these buckets needed them to be fixed; told once for each metric. */
export function noteFix(ctx: FuncContext, buckets: Buckets, place: { set: number; tMs: number; at: Span }): void {
  const metric = metricOf(ctx, place.set)
  const fixes = ctx.annotations.infoMerged(`monotonicity ${metric}`, place.at, noFixes, (all) => fixText(metric, all))
  fixes.count++
  fixes.boundMin = Math.min(fixes.boundMin, buckets.fixedBoundMin)
  fixes.boundMax = Math.max(fixes.boundMax, buckets.fixedBoundMax)
  fixes.differenceMax = Math.max(fixes.differenceMax, buckets.fixedDifferenceMax)
  fixes.firstMs = Math.min(fixes.firstMs, place.tMs)
  fixes.lastMs = Math.max(fixes.lastMs, place.tMs)
}

function noFixes(): Fixes {
  return { count: 0, boundMin: Infinity, boundMax: -Infinity, differenceMax: 0, firstMs: Infinity, lastMs: -Infinity }
}

function fixText(metric: string, fixes: Fixes): string {
  return 'input to histogram_quantile needed to be fixed for monotonicity '
    + `(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)${forMetric(metric)}, `
    + `from buckets ${formatGeneral(fixes.boundMin)} to ${formatGeneral(fixes.boundMax)}, `
    + `with a max diff of ${formatGeneral(fixes.differenceMax, 2)}, over ${fixes.count} samples `
    + `from ${rfc3339(fixes.firstMs / 1000)} to ${rfc3339(fixes.lastMs / 1000)}`
}
