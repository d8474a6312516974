// Where Prometheus 3.5.3, which was recorded, and 3.14, which we follow, differ by design: one entry each, as narrow
// as it can be. An entry takes from the pair of answers what its own difference put there, and nothing else; what still
// differs then is a failure.
import { differenceOf, numberOf, type JsonHistogram, type Reply } from './compare-replies.ts'
import type { GoldenCase } from './golden.ts'
import { hasNames, isShrunk, seriesIn, withError, withNotes, withoutMore, withoutNames, withPoints, type Pair } from './pairs.ts'

export interface VersionDifference {
  id: string
  reason: string
  /** Queries it may touch at all. */
  queries: RegExp
  adjust(pair: Pair, recorded: GoldenCase): Pair
}

const SORT_WARNING = 'PromQL warning: sort is ineffective for range queries since results are always ordered by labels'
const MULTIPLE = /^multiple matches for labels: (many-to-one matching must be explicit \(group_left\/group_right\)|grouping labels must ensure unique matches)$/
/** Texts that 3.14 writes with or without a metric's name. */
const OPTIONAL_NAME = /bucket label "le" is missing|mix of classic and native|needed to be fixed for monotonicity|has NaN observations/
const PLACE = / \(\d+:\d+\)$/

/** Notes of classic histograms without the metric, and without what 3.14 says of buckets and times. */
function bareHistogramNote(text: string): string {
  if (!OPTIONAL_NAME.test(text)) return text
  return text.replace(/(?: for metric name "[^"]*")?(?:, from buckets .*)?(?= \(\d+:\d+\)$)/, '')
}

function withoutPlaces({ want, got }: Pair, isMeant: (text: string) => boolean = () => true): Pair {
  const placeless = (text: string): string => (isMeant(text) ? text.replace(PLACE, '') : text)
  return { want: withNotes(want, placeless), got: withNotes(got, placeless) }
}

export const VERSION_DIFFERENCES: readonly VersionDifference[] = [
  {
    id: 'sort-in-range',
    reason: '3.6 warns where sort is used over several steps',
    queries: /\bsort(?:_desc|_by_label|_by_label_desc)?\(/,
    adjust: ({ want, got }, { query, stepMs }) => (
      stepMs > 0 || /\[[^\]]*:[^\]]*\]/.test(query) ? { want, got: withNotes(got, (text) => (text.startsWith(SORT_WARNING) ? null : text)) } : { want, got }
    ),
  },
  {
    id: 'offset-expression-text',
    reason: '3.14 names step() and range() among what an offset may be',
    queries: /offset/,
    adjust: (pair) => withError(pair, (text) => text.replace('in offset, expected number or duration', 'in offset, expected number, duration, step(), or range()')),
  },
  {
    id: 'at-token-text',
    reason: '3.5 shows the number of a token which it does not know by name',
    queries: /@/,
    adjust: (pair) => withError(pair, (text) => text.replace('unexpected "<Item 57400>" <op:@>', 'unexpected <op:@>')),
  },
  {
    id: 'nan-parameter-text',
    reason: '3.14 has words of its own for a NaN as the k of topk, bottomk and limitk',
    queries: /\b(?:topk|bottomk|limitk)\b/,
    adjust: (pair) => withError(pair, (text) => (text === 'Scalar value NaN overflows int64' ? 'Parameter value is NaN' : text)),
  },
  {
    id: 'many-to-many-when-false',
    reason: '3.9 checks that matches are unique also where the comparison is false',
    queries: /[=!<>]=? /,
    adjust: ({ want, got }) => ({ want: want.status === 'success' && MULTIPLE.test(got.error ?? '') ? got : want, got }),
  },
  {
    id: 'histogram-without-name',
    reason: '3.14 leaves "for metric name" out where the name is gone, and tells of what was fixed for monotonicity',
    queries: /histogram_(?:quantile|fraction)/,
    adjust: ({ want, got }) => ({ want: withNotes(want, bareHistogramNote), got: withNotes(got, bareHistogramNote) }),
  },
  {
    id: 'fraction-in-first-bucket',
    reason: '3.8 mends histogram_fraction of classic histograms where the lower bound lies in the first bucket (3.5: NaN)',
    queries: /histogram_fraction\(/,
    adjust: (pair) => withPoints(pair, (want, got) => (want === 'NaN' && typeof got === 'string' && numberOf(got) >= 0 && numberOf(got) <= 1 ? got : want)),
  },
  {
    id: 'delayed-name-forgotten',
    reason: 'with delayed removal 3.5 forgets, in a comparison and in last_over_time of a subquery, that the name was to be dropped',
    queries: /[=!<>]=? |last_over_time\(.*:/,
    adjust: ({ want, got }) => ({ want: hasNames(want) && seriesIn(got).length > 0 && !hasNames(got) ? withoutNames(want) : want, got }),
  },
  {
    id: 'counter-reset-collision',
    reason: '3.7 warns where histograms that tell a reset meet such that tell none',
    queries: /./,
    adjust: ({ want, got }) => ({ want, got: withNotes(got, (text) => (text.startsWith('PromQL warning: conflicting counter resets during histogram ') ? null : text)) }),
  },
  {
    id: 'custom-bounds-reconciled',
    reason: '3.9 brings custom buckets of different bounds to those they share; 3.5 drops the result and warns',
    queries: /shifting|shi\.\*|size_bytes|siz\.\*/,
    adjust: ({ want, got }, { query }) => {
      const isDropped = (text: string): boolean => /histograms with incompatible custom buckets|incompatible bucket layout encountered for binary operator/.test(text)
      const isReconciled = (text: string): boolean => text.startsWith('PromQL info: mismatched custom buckets were reconciled during ')
      if (want.status === 'error' || !(want.warnings ?? []).concat(want.infos ?? []).some(isDropped)) return { want, got }
      // What is aggregated has more in it then, or meets what it does not go with.
      if (/\b(?:sum|avg)\b[^_]/.test(query)) return { want: got, got }
      return withoutMore({
        want: withNotes(want, (text) => (isDropped(text) ? null : text)),
        got: withNotes(got, (text) => (isReconciled(text) || isDropped(text) ? null : text)),
      })
    },
  },
  {
    id: 'histogram-zero-cap',
    reason: '3.14 does not extrapolate native counters below zero either (3.5: only floats), so the result may be smaller',
    queries: /\b(?:rate|increase)\(/,
    adjust: (pair, { query }) => withPoints(pair, (want, got) => {
      if (typeof want === 'string' || typeof got === 'string') {
        return /histogram_(?:count|sum)\(/.test(query) && isShrunk(want as string, got as string) ? got : want
      }
      return isShrunkHistogram(want, got) ? got : want
    }),
  },
  {
    id: 'mad-with-nan',
    reason: '3.14: one NaN in the window makes mad_over_time NaN (shared functions.test:874); 3.5 ranks it below all numbers',
    queries: /mad_over_time\(/,
    adjust: (pair) => withPoints(pair, (want, got) => (got === 'NaN' ? got : want)),
  },
  {
    id: 'average-of-infinities',
    reason: 'averages of infinite sums: 3.5 gives NaN, 3.14 the infinity',
    queries: /\bavg(?:_over_time)?\b/,
    adjust: (pair, { query }) => withPoints(pair, (want, got) => {
      if (typeof want === 'string' || typeof got === 'string') return want === 'NaN' && /^[+-]Inf$/.test(got as string) && /histogram_(?:sum|avg)\(/.test(query) ? got : want
      return want.sum === 'NaN' && /^[+-]Inf$/.test(got.sum) ? { ...want, sum: got.sum } : want
    }),
  },
  {
    id: 'average-within-zero-bucket',
    reason: 'where a bucket lies within the zero bucket, 3.5 takes its last count for the average',
    queries: /avg_over_time\(/,
    adjust: (pair) => withPoints(pair, (want, got) => {
      if (typeof want === 'string' || typeof got === 'string') return want
      const buckets = want.buckets?.map((bucket, i) => (bucket[1] === bucket[2] ? got.buckets?.[i] ?? bucket : bucket))
      return { ...want, ...(buckets && { buckets }) }
    }),
  },
  {
    id: 'resets-by-count-and-sum',
    reason: 'where only count and sum are asked for, 3.14 sees resets by these alone (shown by gauges, whose buckets fall at every sample)',
    queries: /\bhistogram_(?:count|sum|avg)\(.*\b(?:rate|increase|irate)\(.*dep/,
    adjust: (pair) => withPoints(pair, (want, got) => (typeof got === 'string' ? got : want)),
  },
  {
    id: 'parentheses-unwrapped',
    reason: '3.14 takes the place of what stands within parentheses, 3.5 in part of the parentheses themselves',
    queries: /\(\(|, \(/,
    adjust: (pair) => withoutPlaces(pair),
  },
  {
    id: 'predict-linear-pinned',
    reason: '3.14.0 has no answer where predict_linear is of a subquery with @',
    queries: /predict_linear\(.*\[[^\]]*:[^\]]*\](?: offset \S+)? @/,
    adjust: ({ want, got }) => ({ want: got.status === 'success' && seriesIn(got).length === 0 ? got : want, got }),
  },
  {
    id: 'parameter-of-nothing',
    reason: '3.14 refuses a k that is no int64 also where there is nothing to pick from',
    queries: /\b(?:topk|bottomk|limitk)\b/,
    adjust: ({ want, got }) => ({ want: want.status === 'success' && seriesIn(want).length === 0 && /^Parameter value is NaN$|(?:over|under)flows int64$/.test(got.error ?? '') ? got : want, got }),
  },
  {
    id: 'on-and-group-place',
    reason: '3.14 places a label that stands in ON and GROUP at the operator, 3.5 at what it has read before',
    queries: /\bgroup_(?:left|right)\(/,
    adjust: (pair) => {
      const placeless = (text: string): string => text.replace(/\d+:\d+(?=: parse error: label "[^"]*" must not occur in ON and GROUP)/, '')
      const { want, got } = withError(pair, placeless)
      return { want, got: got.error === undefined ? got : { ...got, error: placeless(got.error) } }
    },
  },
  {
    id: 'nan-observations-told',
    reason: 'infos about NaN observations: 3.5 places them elsewhere, and lacks them where its averages of infinite sums are NaN themselves',
    queries: /histogram_(?:quantile|fraction)\(/,
    adjust: ({ want, got }) => {
      const isMeant = (text: string): boolean => text.includes('has NaN observations')
      return { want: withNotes(want, (text) => (isMeant(text) ? null : text)), got: withNotes(got, (text) => (isMeant(text) ? null : text)) }
    },
  },
  {
    id: 'info-matchers',
    reason: 'in info() a matcher of __name__ is no data label to 3.14: 3.5 drops series without partners for it, and finds conflicts among several infos',
    queries: /\binfo\(.*__name__=~/,
    adjust: ({ want, got }) => {
      if (want.error?.startsWith('conflicting label: ')) return { want: got, got }
      return withoutMore({ want, got })
    },
  },
]

/** Where we do not do as 3.14.0 does, but as its successors or as was meant; the recorded answer is 3.14.0's. */
export const UNFOLLOWED: readonly VersionDifference[] = [
  {
    id: 'nan-observations-place',
    reason: 'infos about NaN observations stand at the histogram in the shared tests, which are of a later day (native_histograms.test:1093)',
    queries: /histogram_(?:quantile|fraction)\(/,
    adjust: (pair) => withoutPlaces(pair, (text) => text.includes('has NaN observations')),
  },
  {
    id: 'monotonicity-count',
    reason: '3.14.0 counts the samples of this info again each time that notes are put together',
    queries: /histogram_quantiles?\(/,
    adjust: ({ want, got }) => {
      const countless = (text: string): string => text.replace(/(?<=needed to be fixed for monotonicity .*), from buckets .*?, over \d+ samples/, '')
      return { want: withNotes(want, countless), got: withNotes(got, countless) }
    },
  },
  {
    id: 'info-at-the-time-of-its-argument',
    reason: 'info(m @ t), info(m offset d): the shared tests, which are of a later day, read info series at the time of m (info.test:131)',
    queries: /\binfo\(.*(?: @ | offset )/,
    // Other info series may be missed, found, in conflict.
    adjust: ({ want, got }) => ({ want: want.status === 'success' && got.status === 'success' ? { ...want, data: got.data! } : got, got }),
  },
  {
    id: 'equal-bounds-counted-twice',
    reason: 'from its second quantile on 3.14.0 counts buckets of one bound in two spellings ("1", "1.0") twice: its first has merged them in place',
    queries: /histogram_quantiles\(.*bro/,
    adjust: ({ want, got }) => ({ want: want.status === 'success' && JSON.stringify(want.data).includes('samele') ? { ...want, data: got.data! } : want, got }),
  },
  {
    id: 'info-of-info-named',
    reason: 'with delayed removal 3.14.0 leaves its name to info(floor(target_info)); the shared tests, which are of a later day, do not (info.test:75)',
    queries: /\binfo\(/,
    adjust: ({ want, got }) => ({ want: hasNames(want) && seriesIn(got).length > 0 && !hasNames(got) ? withoutNames(want) : want, got }),
  },
  {
    id: 'parameter-at-start-or-end',
    reason: '3.14.0 does not see @ start() and @ end() in the parameter of an aggregation, as if they were not there',
    queries: /\b(?:topk|bottomk|limitk|limit_ratio|quantile)\b[^@]*@ (?:start|end)\(\)/,
    adjust: ({ got }) => ({ want: got, got }),
  },
  {
    id: 'predict-linear-pinned-answered',
    reason: '3.14.0 loses the samples of a subquery with @ under predict_linear, which 3.5.3 does not, nor do we',
    queries: /predict_linear\(.*\[[^\]]*:[^\]]*\](?: offset \S+)? @/,
    adjust: ({ want, got }, { reply }) => ({ want: seriesIn(want).length === 0 ? JSON.parse(reply) as Reply : want, got }),
  },
]

function isShrunkHistogram(want: JsonHistogram, got: JsonHistogram): boolean {
  const [a, b] = [want.buckets ?? [], got.buckets ?? []]
  return a.length === b.length && isShrunk(want.count, got.count) && isShrunk(want.sum, got.sum) &&
    a.every((bucket, i) => bucket.slice(0, 3).join() === b[i]!.slice(0, 3).join() && isShrunk(bucket[3], b[i]![3]))
}

/** What differs that no entry of the list explains, and the entries that explained something. */
export function unexplained(
  recorded: GoldenCase, want: Reply, got: Reply, entries: readonly VersionDifference[] = VERSION_DIFFERENCES,
): { difference: string | null; ids: string[] } {
  let pair: Pair = { want, got }
  const ids: string[] = []
  let difference = differenceOf(recorded, want, got)
  for (const entry of entries) {
    if (difference === null) break
    if (!entry.queries.test(recorded.query)) continue
    const before = JSON.stringify(pair)
    pair = entry.adjust(pair, recorded)
    if (JSON.stringify(pair) !== before) ids.push(entry.id)
    difference = differenceOf(recorded, pair.want, pair.got)
  }
  return { difference, ids: difference === null ? ids : [] }
}
