// Where Prometheus 3.5.3, which was recorded, and 3.14, which we follow, differ by design: one entry each, as narrow
// as it can be. An entry holds only where the answers differ and its predicate says that they differ in its way.
import { METRIC_NAME, formatLabels, labelsFromRecord } from '../../lib/model/labels.ts'
import { differenceOf, type Reply } from './compare-replies.ts'
import type { GoldenCase } from './golden.ts'

export interface VersionDifference {
  id: string
  reason: string
  explains(recorded: GoldenCase, want: Reply, got: Reply): boolean
}

/** Whether the answers are equal once `change` was applied to the recorded one. */
function isSameAfter(recorded: GoldenCase, want: Reply, got: Reply, change: (want: Reply) => Reply): boolean {
  return differenceOf(recorded, change(want), got) === null
}

const SORT_WARNING = /^PromQL warning: sort is ineffective for range queries since results are always ordered by labels \(\d+:\d+\)$/
const MONOTONICITY = 'PromQL info: input to histogram_quantile needed to be fixed for monotonicity'
const NAN_PARAMETER = 'Parameter value is NaN'
const MULTIPLE = /^multiple matches for labels: (many-to-one matching must be explicit \(group_left\/group_right\)|grouping labels must ensure unique matches)$/


/** The monotonicity info without the metric and without what 3.14 says of buckets and times. */
function bareMonotonicity(text: string): string {
  return text.startsWith(MONOTONICITY) ? text.replace(/(?: for metric name "[^"]*")?(?:, from buckets .*)?(?= \(\d+:\d+\)$)/, '') : text
}

/** Without the names that 3.5 writes as nothing. */
function nameless(text: string): string {
  return text.replace(' for metric name ""', '')
}

function withNotes(reply: Reply, change: (text: string) => string): Reply {
  const { warnings = [], infos = [] } = reply
  return { ...reply, warnings: [...new Set(warnings.map(change))], infos: [...new Set(infos.map(change))] }
}

export const VERSION_DIFFERENCES: readonly VersionDifference[] = [
  {
    id: 'sort-in-range',
    reason: '3.6 warns where sort is used in a range query',
    explains: (recorded, want, got) => recorded.stepMs > 0 && /\bsort(_desc|_by_label|_by_label_desc)?\(/.test(recorded.query) &&
      isSameAfter(recorded, want, { ...got, warnings: (got.warnings ?? []).filter((text) => !SORT_WARNING.test(text)) }, (same) => same),
  },
  {
    id: 'offset-expression-text',
    reason: '3.14 names step() and range() among what an offset may be',
    explains: (_, want, got) => want.status === 'error' && got.status === 'error' &&
      want.error!.replace('in offset, expected number or duration', 'in offset, expected number, duration, step(), or range()') === got.error,
  },
  {
    id: 'at-token-text',
    reason: '3.5 shows the number of a token which it does not know by name',
    explains: (_, want, got) => want.status === 'error' && want.error!.replace('unexpected "<Item 57400>" <op:@>', 'unexpected <op:@>') === got.error,
  },
  {
    id: 'nan-parameter-text',
    reason: '3.14 has words of its own for a NaN as the k of topk, bottomk and limitk',
    explains: (recorded, want, got) => want.error === 'Scalar value NaN overflows int64' && got.error === NAN_PARAMETER && /\b(topk|bottomk|limitk)\b/.test(recorded.query),
  },
  {
    id: 'many-to-many-when-false',
    reason: '3.9 checks that matches are unique also where the comparison is false',
    explains: (recorded, want, got) => want.status === 'success' && got.status === 'error' && MULTIPLE.test(got.error!) && /[=!<>]=?/.test(recorded.query),
  },
  {
    id: 'histogram-without-name',
    reason: '3.14 leaves "for metric name" out where the name is gone, and tells of what was fixed for monotonicity',
    explains: (recorded, want, got) => /histogram_(quantile|fraction)/.test(recorded.query) &&
      isSameAfter(recorded, withNotes(want, bareMonotonicity), withNotes(got, bareMonotonicity), (same) => withNotes(same, nameless)),
  },
  {
    id: 'fraction-in-first-bucket',
    reason: '3.8 mends histogram_fraction of classic histograms where the lower bound lies in the first bucket (3.5: NaN)',
    explains: (recorded, want, got) => /histogram_fraction\(/.test(recorded.query) && isNanWhereNumber(want, got),
  },
  {
    id: 'delayed-name-forgotten',
    reason: 'with delayed removal 3.5 forgets, in a comparison and in last_over_time of a subquery, that the name was to be dropped',
    explains: (recorded, want, got) => /[=!<>]=? |last_over_time\(.*:/.test(recorded.query) && want.status === 'success' && hasNames(want) && !hasNames(got) &&
      isSameAfter(recorded, want, got, withoutNames),
  },
  {
    id: 'timestamp-at-offset',
    reason: 'in timestamp(selector @ … offset …) 3.5 reads at the time of @, for data that the offset puts elsewhere',
    explains: (recorded, want) => /timestamp\([^()]*(?:offset \S+ @|@ \S+ offset)/.test(recorded.query) && want.status === 'success' && isEmpty(want),
  },
]

function isEmpty({ data }: Reply): boolean {
  return (data!.result as unknown[]).length === 0
}

function hasNames({ data }: Reply): boolean {
  return (data?.result as Point[] | undefined)?.some(({ metric }) => METRIC_NAME in metric) ?? false
}

function withoutNames(reply: Reply): Reply {
  const result = (reply.data!.result as Point[]).map((point) => ({
    ...point,
    metric: Object.fromEntries(Object.entries(point.metric).filter(([name]) => name !== METRIC_NAME)),
  }))
  return { ...reply, data: { ...reply.data!, result } }
}

interface Point {
  metric: Record<string, string>
  value?: [number, string]
  values?: [number, string][]
}

/** Same points, and where the values differ the recorded one is NaN and ours is a fraction. */
function isNanWhereNumber(want: Reply, got: Reply): boolean {
  if (want.status !== 'success' || got.status !== 'success') return false
  const pointsOf = (reply: Reply): Map<string, string> => new Map((reply.data!.result as Point[]).flatMap(({ metric, value, values }) => (
    (values ?? [value!]).map(([t, v]) => [`${formatLabels(labelsFromRecord(metric))} ${t}`, v] as const)
  )))
  const [wanted, gotten] = [pointsOf(want), pointsOf(got)]
  return wanted.size === gotten.size && [...wanted].every(([key, v]) => {
    const other = gotten.get(key)
    return other !== undefined && (other === v || (v === 'NaN' && Number(other) >= 0 && Number(other) <= 1))
  })
}

