// Answers /query_exemplars: which exemplars the series have that a query looks at (prometheus web/api/v1/api.go, queryExemplars).
import type { Labels } from '../lib/model/labels.ts'
import type { Matcher } from '../lib/model/matcher.ts'
import type { Exemplar } from '../lib/model/exemplar.ts'
import type { Querier } from '../storage/interface.ts'
import type { LabelTable } from './exec/label-table.ts'
import { QueryError } from './exec/query-error.ts'
import type { ExemplarsJob, QueryReply } from './job.ts'
import type { Expr, ParserFeatures } from './parse/ast.ts'
import { ParseError } from './parse/parse-error.ts'
import { parseExpr } from './parse/parse.ts'
import { childrenOf } from './plan/tree.ts'
import { ANSWER_BYTES_MAX, partialWarnings, successReply } from './reply/envelope.ts'
import { labelJsonOf } from './reply/label-json.ts'
import { labelOrder } from './reply/label-order.ts'
import { formatSeconds, formatValue } from './reply/number-text.ts'

/** Throws QueryError bad_data for a query that is none. */
export function exemplarsReply(job: ExemplarsJob, querier: Querier, features: ParserFeatures, labelsOf: () => LabelTable): QueryReply {
  const sets = matchersIn(parse(job.query, features))
  // As Prometheus: where nothing can be looked up there is no content.
  if (sets.length === 0) return { status: 204, body: new Uint8Array(0) }
  const found = querier.exemplars?.(sets, job.startMs, job.endMs) ?? []
  const labels = labelsOf()
  const labelSets = Uint32Array.from(found, ({ ref }) => labels.ofSeries(ref))
  const labelJson = labelJsonOf(labels)
  return successReply(ANSWER_BYTES_MAX, (out) => {
    out.ascii('[')
    labelOrder(labelSets, labels).forEach((s, i) => {
      out.ascii(i === 0 ? '{"seriesLabels":' : ',{"seriesLabels":')
      labelJson.write(out, labelSets[s]!)
      out.text(`,"exemplars":[${found[s]!.exemplars.map(exemplarText).join(',')}]}`)
    })
    out.ascii(']')
  }, () => ({ warnings: partialWarnings(querier), infos: [] }))
}

/** The parser's error, without the name of a parameter before it. */
function parse(query: string, features: ParserFeatures): Expr {
  try {
    return parseExpr(query, features)
  } catch (error) {
    if (error instanceof ParseError) throw new QueryError('bad_data', error.message)
    throw error
  }
}

/** The matchers of each selector; ranges, offsets and @ make no difference. */
function matchersIn(expr: Expr): (readonly Matcher[])[] {
  return expr.type === 'vectorSelector' ? [expr.matchers] : childrenOf(expr).flatMap(matchersIn)
}

function exemplarText({ labels, value, timeMs }: Exemplar): string {
  return `{"labels":${labelsText(labels)},"value":"${formatValue(value)}","timestamp":${formatSeconds(timeMs)}}`
}

function labelsText(labels: Labels): string {
  const pairs: string[] = []
  for (let i = 0; i < labels.length; i += 2) pairs.push(`${JSON.stringify(labels[i])}:${JSON.stringify(labels[i + 1])}`)
  return `{${pairs.join(',')}}`
}
