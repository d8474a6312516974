// What is answered without evaluating anything: series, labels and label values by the Querier itself, sorted, cut at
// the job's limit; format and parse by the parser alone, in a worker all the same, since a text of 128 KiB and the
// regexes in it may take its time.
import type { Matcher } from '../lib/model/matcher.ts'
import type { Cardinality, Querier } from '../storage/interface.ts'
import { exemplarsReply } from './answer-exemplars.ts'
import { federationReply } from './answer-federation.ts'
import type { LabelTable } from './exec/label-table.ts'
import { QueryError } from './exec/query-error.ts'
import type { InstantJob, QueryJob, QueryReply, RangeJob, SyntaxJob } from './job.ts'
import { matcherSets } from './match-parameter.ts'
import type { ParserFeatures } from './parse/ast.ts'
import { parseExpr } from './parse/parse.ts'
import { prettifyExpr } from './parse/prettify.ts'
import { treeJson } from './parse/tree-json.ts'
import type { ByteWriter } from './reply/byte-writer.ts'
import { ANSWER_BYTES_MAX, partialWarnings, successReply, TRUNCATED, type Notes } from './reply/envelope.ts'
import { labelJsonOf } from './reply/label-json.ts'
import { labelOrder } from './reply/label-order.ts'

/** The jobs that evaluate nothing. */
type MetadataJob = Exclude<QueryJob, InstantJob | RangeJob>

/**
 * Throws QueryError bad_data for selectors that are none, ParseError for a query that is none. `labelsOf` gives the table
 * that queries of the store share.
 */
export function answerMetadata(job: MetadataJob, querier: Querier, features: ParserFeatures, labelsOf: () => LabelTable): QueryReply {
  if (job.kind === 'exemplars') return exemplarsReply(job, querier, features, labelsOf)
  if (job.kind === 'federate') return federationReply(job, setsOf(job), querier, labelsOf)
  if ('query' in job) return syntaxReply(job, features)
  if (job.kind === 'cardinality') return textReply(cardinalityText(querier.cardinality(job.limit)))
  const sets = setsOf(job)
  const { startMs, endMs, limit } = job
  switch (job.kind) {
    case 'series': return seriesReply(labelsOf(), querier.seriesRefs(sets, startMs, endMs), limit, querier)
    case 'labels': return listReply(querier.labelNames(sets, startMs, endMs), limit, querier)
    case 'labelValues': return listReply(querier.labelValues(job.name, sets, startMs, endMs), limit, querier)
  }
}

function syntaxReply({ kind, query }: SyntaxJob, features: ParserFeatures): QueryReply {
  const expr = parseExpr(query, features)
  return textReply(JSON.stringify(kind === 'format' ? prettifyExpr(expr) : treeJson(expr)))
}

/** Prometheus' names. */
function cardinalityText({ series, pairs, chunks, minT, maxT, ...lists }: Cardinality): string {
  const head = `{"numSeries":${series},"numLabelPairs":${pairs},"chunkCount":${chunks},"minTime":${timeText(minT)},"maxTime":${timeText(maxT)}}`
  const data = JSON.stringify({
    seriesCountByMetricName: lists.seriesByMetric, labelValueCountByLabelName: lists.valuesByLabel,
    memoryInBytesByLabelName: lists.bytesByLabel, seriesCountByLabelValuePair: lists.seriesByPair,
  })
  return `{"headStats":${head},${data.slice(1)}`
}

/** The times of an empty head are Go's largest and smallest int64, which no number of JavaScript holds. */
function timeText(t: number): string {
  return Number.isFinite(t) ? String(t) : t > 0 ? '9223372036854775807' : '-9223372036854775808'
}

function textReply(data: string): QueryReply {
  return successReply(ANSWER_BYTES_MAX, (out) => out.text(data), () => ({ warnings: [], infos: [] }))
}

/** Prometheus names the parameter for series alone. */
function setsOf({ matches, kind }: { matches: readonly string[]; kind: MetadataJob['kind'] }): readonly (readonly Matcher[])[] {
  try {
    return matcherSets(matches)
  } catch (error) {
    if (kind !== 'series' || !(error instanceof QueryError)) throw error
    throw new QueryError('bad_data', `invalid parameter "match[]": ${error.message}`)
  }
}

/** What a list is shown of, and what is to be told of it: also what the querier had to leave out. */
function cut<T>(list: readonly T[], limit: number, querier: Querier): { shown: readonly T[]; notesOf: () => Notes } {
  const isCut = limit > 0 && list.length > limit
  return {
    shown: isCut ? list.slice(0, limit) : list,
    notesOf: () => ({ warnings: [...isCut ? [TRUNCATED] : [], ...partialWarnings(querier)], infos: [] }),
  }
}

function listReply(list: readonly string[], limit: number, querier: Querier): QueryReply {
  const { shown, notesOf } = cut(list, limit, querier)
  return successReply(ANSWER_BYTES_MAX, (out) => out.text(JSON.stringify(shown)), notesOf)
}

function seriesReply(labels: LabelTable, refs: Uint32Array, limit: number, querier: Querier): QueryReply {
  const sets = refs.map((ref) => labels.ofSeries(ref))
  const { shown, notesOf } = cut(Array.from(labelOrder(sets, labels), (i) => sets[i]!), limit, querier)
  const labelJson = labelJsonOf(labels)
  const writeList = (out: ByteWriter): void => {
    out.ascii('[')
    shown.forEach((set, i) => {
      if (i > 0) out.ascii(',')
      labelJson.write(out, set)
    })
    out.ascii(']')
  }
  return successReply(ANSWER_BYTES_MAX, writeList, notesOf)
}
