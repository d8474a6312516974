// The endpoints that ask for samples or labels: parameters in, a job to the query workers, their bytes out.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { CardinalityJob, ExemplarsJob, InstantJob, QueryJob, SeriesJob, SyntaxJob } from '../../lang/job.ts'
import { TIER_NAMES, type TierName } from '../../storage/tier/bucket.ts'
import type { ServerParts } from '../parts.ts'
import { ApiError, badParameter } from './envelope.ts'
import { unescapeLabelName } from './label-name.ts'
import { echo, MAX_TIME_MS, MIN_TIME_MS, Params } from './params.ts'
import type { ReplySender } from './reply-sender.ts'
import { addRoute, type Handler } from './router.ts'

/** Steps of a range query, as in Prometheus; its error text has the number too. */
const POINTS_MAX = 11_000
const POINTS_TEXT = 'exceeded maximum resolution of 11,000 points per timeseries. ' +
  'Try decreasing the query resolution (?step=XX)'
const STEP_TEXT = 'zero or negative query resolution step widths are not accepted. Try a positive integer'

/** Entries a list of /status/tsdb. */
const CARDINALITY_DEFAULT = 10
const CARDINALITY_MAX = 10_000

/** Adds /query, /query_range, /query_exemplars, /format_query, /parse_query, /series, /labels, /label/<name>/values and /status/tsdb. */
export function addQueryRoutes(app: FastifyInstance, parts: ServerParts, sender: ReplySender): void {
  const answer = (makeJob: (request: FastifyRequest) => QueryJob): Handler => (request, reply) => {
    return sender.answer(reply, request, makeJob(request))
  }
  addRoute(app, ['GET', 'POST'], '/api/v1/query', answer((request) => instantJob(new Params(request), parts)))
  addRoute(app, ['GET', 'POST'], '/api/v1/query_range', answer((request) => rangeJob(new Params(request), parts)))
  addRoute(app, ['GET', 'POST'], '/api/v1/query_exemplars', answer((request) => exemplarsJob(new Params(request), parts)))
  addRoute(app, ['GET', 'POST'], '/api/v1/format_query', answer((request) => syntaxJob('format', new Params(request), parts)))
  addRoute(app, ['GET', 'POST'], '/api/v1/parse_query', answer((request) => syntaxJob('parse', new Params(request), parts)))
  addRoute(app, ['GET', 'POST'], '/api/v1/series', answer((request) => labelJob('series', new Params(request), parts)))
  addRoute(app, ['GET', 'POST'], '/api/v1/labels', answer((request) => labelJob('labels', new Params(request), parts)))
  addRoute(app, ['GET'], '/api/v1/label/:name/values', answer((request) => {
    const name = unescapeLabelName((request.params as { name: string }).name)
    if (name === '') throw new ApiError('bad_data', 'invalid label name: ""')
    return { ...labelJob('labels', new Params(request), parts), kind: 'labelValues', name }
  }))
  addRoute(app, ['GET'], '/api/v1/status/tsdb', answer((request) => cardinalityJob(new Params(request), parts)))
}

function instantJob(params: Params, parts: ServerParts): QueryJob {
  const limit = params.limit()
  const timeMs = params.time('time', parts.clock.now())
  return {
    kind: 'instant', timeMs, limit, timeoutMs: timeoutOf(params, parts), lookbackMs: lookbackOf(params, parts),
    query: queryOf(params), ...statsOf(params), ...explainOf(params), ...tierOf(params),
  }
}

function rangeJob(params: Params, parts: ServerParts): QueryJob {
  const limit = params.limit()
  const startMs = params.requiredTime('start')
  const endMs = params.requiredTime('end')
  if (endMs < startMs) throw badParameter('end', 'end timestamp must not be before start time')
  const stepMs = Math.trunc(params.requiredDuration('step'))
  if (stepMs <= 0) throw badParameter('step', STEP_TEXT)
  if (Math.floor((endMs - startMs) / stepMs) > POINTS_MAX) {
    throw new ApiError('bad_data', POINTS_TEXT)
  }
  return {
    kind: 'range', startMs, endMs, stepMs, limit, timeoutMs: timeoutOf(params, parts),
    lookbackMs: lookbackOf(params, parts), query: queryOf(params), ...statsOf(params), ...explainOf(params), ...tierOf(params),
  }
}

/** Grafana probes with ms where seconds are meant: the year 55,000, and nothing in it. */
function exemplarsJob(params: Params, parts: ServerParts): ExemplarsJob {
  const startMs = params.time('start', MIN_TIME_MS)
  const endMs = params.time('end', MAX_TIME_MS)
  if (endMs < startMs) throw new ApiError('bad_data', 'end timestamp must not be before start timestamp')
  return { kind: 'exemplars', query: params.text('query'), startMs, endMs, limit: 0, timeoutMs: parts.options.queryTimeoutMs }
}

/** Nothing of these is looked up; but the text is the user's, and so may be a worker's work for a while. */
function syntaxJob(kind: SyntaxJob['kind'], params: Params, parts: ServerParts): SyntaxJob {
  return { kind, query: params.text('query'), limit: 0, timeoutMs: parts.options.queryTimeoutMs }
}

function labelJob(kind: SeriesJob['kind'], params: Params, parts: ServerParts): SeriesJob {
  const matches = params.all('match[]')
  if (kind === 'series' && matches.length === 0) throw new ApiError('bad_data', 'no match[] parameter provided')
  const limit = params.limit()
  const startMs = params.time('start', MIN_TIME_MS)
  const endMs = params.time('end', MAX_TIME_MS)
  return { kind, matches, limit, startMs, endMs, timeoutMs: parts.options.queryTimeoutMs }
}

function cardinalityJob(params: Params, parts: ServerParts): CardinalityJob {
  const text = params.text('limit')
  const limit = text === '' ? CARDINALITY_DEFAULT : Number(text)
  if (!/^[+-]?\d*$/.test(text) || limit < 1) throw new ApiError('bad_data', 'limit must be a positive number')
  if (limit > CARDINALITY_MAX) throw new ApiError('bad_data', `limit must not exceed ${CARDINALITY_MAX}`)
  return { kind: 'cardinality', limit, timeoutMs: parts.options.queryTimeoutMs }
}

function timeoutOf(params: Params, parts: ServerParts): number {
  return Math.min(params.duration('timeout', parts.options.queryTimeoutMs), parts.options.queryTimeoutMs)
}

/** The query itself; with no time to answer it is refused unread, as in Prometheus. */
function queryOf(params: Params): string {
  if (params.duration('timeout', Infinity) <= 0) throw badParameter('query', 'context deadline exceeded')
  return params.text('query')
}

/** A lookback that is not positive means the default, as in Prometheus. */
function lookbackOf(params: Params, parts: ServerParts): number {
  const fail = (why: string): ApiError => new ApiError('bad_data', `error parsing lookback delta duration: ${why}`)
  const lookbackMs = params.duration('lookback_delta', 0, fail)
  return lookbackMs > 0 ? lookbackMs : parts.options.lookbackMs
}

/** Our own: any text but 0 and false asks what each node of the query cost. */
function explainOf(params: Params): { explain?: true } {
  return ['', '0', 'false'].includes(params.text('explain')) ? {} : { explain: true }
}

/** Our own: the tier to answer from, rather than the one the engine chooses. */
function tierOf(params: Params): { tier?: TierName } {
  const text = params.text('tier')
  if (text === '') return {}
  const tier = TIER_NAMES.find((name) => name === text)
  if (tier === undefined) throw badParameter('tier', `there is no tier ${JSON.stringify(text)}; there are ${TIER_NAMES.join(', ')}`)
  return { tier }
}

/** Any text asks for statistics, `all` for those of each step too. */
function statsOf(params: Params): Pick<InstantJob, 'stats' | 'warnings'> {
  const text = params.text('stats')
  if (text === '' || text === 'true' || text === 'all') return { stats: text }
  const warning = `value ${echo(text)} for parameter "stats" is deprecated and will be rejected in the next major release, use "true" or "all"`
  return { stats: 'true', warnings: [warning] }
}
