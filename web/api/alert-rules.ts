// Alert rules by API: made, listed, changed, switched on and off, deleted. Bodies are JSON; a bad one is answered with all its
// faults, each with its field, why, and what to do.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { MetaError } from '../../lib/meta/errors.ts'
import { BacktestError, type BacktestResult } from '../../lib/rules/backtest.ts'
import { isObject, RuleBodyError } from '../../lib/rules/json-rule/fields.ts'
import { RuleChangedError, UnknownRuleError } from '../../lib/rules/json-rule/api-rules.ts'
import type { AlertRuleView, RuleTestRange, ServerParts } from '../parts.ts'
import { refuseOtherSites } from './cross-site.ts'
import { ApiError, sendError, sendJson } from './envelope.ts'
import { Params } from './params.ts'
import { addRoute, type Handler } from './router.ts'
import { readTextBodies } from './text-body.ts'

const PATH = '/api/alerts/rules'
const BODY_BYTES_MAX = 256 << 10

export function addAlertRuleRoutes(app: FastifyInstance, { alertRules, ruleTest, options }: Pick<ServerParts, 'alertRules' | 'ruleTest' | 'options'>): void {
  const routing = { guard: refuseOtherSites(options), refuse: refuseMethod }
  // A scope of its own for its bodies.
  app.register(async (scope) => {
    readTextBodies(scope, BODY_BYTES_MAX)
    const one = `${PATH}/:id`
    addRoute(scope, ['GET', 'POST'], PATH, answering(async (request, reply) => {
      if (request.method === 'GET') return answer(reply, 200, { data: alertRules.list().map(viewJson) })
      const made = await alertRules.create(jsonBody(request))
      return sendRule(reply.header('Location', `rules/${made.id}`), made, { status: 201, more: { id: made.id, ...warningsOf(made) } })
    }), routing)
    addRoute(scope, ['GET', 'PUT', 'DELETE'], one, answering(async (request, reply) => {
      const id = idOf(request)
      if (request.method === 'GET') return sendRule(reply, alertRules.get(id))
      if (request.method === 'PUT') {
        const changed = await alertRules.replace(id, jsonBody(request), versionsOf(request))
        return sendRule(reply, changed, { more: warningsOf(changed) })
      }
      await alertRules.delete(id, versionsOf(request))
      return reply.code(204).send()
    }), routing)
    addRoute(scope, ['POST'], `${PATH}/test`, answering(async (request, reply) => {
      return answer(reply, 200, { data: testJson(await ruleTest.test(jsonBody(request), rangeOf(new Params(request)))) })
    }), routing)
    for (const [action, isActive] of [['enable', true], ['disable', false]] as const) {
      addRoute(scope, ['POST'], `${one}/${action}`, answering(async (request, reply) => {
        return sendRule(reply, await alertRules.setActive(idOf(request), isActive, versionsOf(request)))
      }), routing)
    }
    addRoute(scope, ['POST'], `${one}/false-positive`, answering(async (request, reply) => {
      return sendRule(reply, await alertRules.widen(idOf(request), labelsOf(jsonBody(request))))
    }), routing)
  })
}

function refuseMethod(reply: FastifyReply, method: string): void {
  sendError(reply, new ApiError('bad_data', `${method} is not answered here; there are ${String(reply.getHeader('Allow'))}`, 405))
}

/** Answers what the rules refuse. */
function answering(handler: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>): Handler {
  return async (request, reply) => {
    try {
      return await handler(request, reply)
    } catch (error) {
      if (error instanceof UnknownRuleError) return sendError(reply, new ApiError('not_found', error.message))
      if (error instanceof RuleChangedError) return sendError(reply, new ApiError('bad_data', error.message, 412))
      if (error instanceof BacktestError) return sendError(reply, new ApiError('execution', error.message))
      if (error instanceof MetaError) return sendError(reply.header('Retry-After', '5'), new ApiError('unavailable', error.message))
      if (!(error instanceof RuleBodyError)) throw error
      return answer(reply, 400, { errorType: 'bad_data', error: error.message, faults: error.faults })
    }
  }
}

function jsonBody({ body }: FastifyRequest): Readonly<Record<string, unknown>> {
  const fix = 'send a JSON object'
  let json: unknown
  try {
    json = JSON.parse(typeof body === 'string' ? body : '')
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new RuleBodyError([{ field: '', reason: `the body is no JSON (${error.message})`, fix }])
  }
  if (!isObject(json)) throw new RuleBodyError([{ field: '', reason: 'the body is no JSON object', fix }])
  return json
}

/** The series that an alert was false for. */
function labelsOf({ labels }: Readonly<Record<string, unknown>>): Record<string, string> {
  if (!isObject(labels) || Object.keys(labels).length === 0) throw new RuleBodyError([{ field: 'labels', reason: 'is missing', fix: 'give the labels of the series, such as {"instance": "a:9100"}' }])
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => {
    if (typeof value !== 'string') throw new RuleBodyError([{ field: `labels.${name}`, reason: 'is no text', fix: 'give the value of the label' }])
    return [name, value]
  }))
}

function idOf({ params }: FastifyRequest): string {
  return isObject(params) && typeof params['id'] === 'string' ? params['id'] : ''
}

/** Of If-Match, null where any will do. Proxies that pack answers make tags weak: they name the same rule. */
function versionsOf({ headers }: FastifyRequest): string[] | null {
  const text = headers['if-match']
  if (text === undefined || text.trim() === '*') return null
  const tags = Array.from(text.matchAll(/"([^"]*)"/g), ([, tag]) => tag!)
  if (tags.length === 0) throw new ApiError('bad_data', `If-Match: ${JSON.stringify(text.slice(0, 100))} is no ETag; send the one of the answer as it is, with its quotes`)
  return tags
}

function sendRule(reply: FastifyReply, rule: AlertRuleView, { status = 200, more = {} }: { status?: number; more?: object } = {}): FastifyReply {
  return answer(reply.header('ETag', `"${rule.version}"`), status, { data: viewJson(rule), ...more })
}

/** Beside `data`, as Prometheus' API says what one should know of a good answer. */
function warningsOf({ warnings }: AlertRuleView): { warnings?: readonly string[] } {
  return warnings.length === 0 ? {} : { warnings }
}

function viewJson(rule: AlertRuleView): object {
  const { id, isActive, createdAtMs, updatedAtMs, body, expr } = rule
  const { name, ...others } = body
  return { id, name, is_active: isActive, ...others, expr, ...warningsOf(rule), created_at: new Date(createdAtMs).toISOString(), updated_at: new Date(updatedAtMs).toISOString() }
}

function rangeOf(params: Params): RuleTestRange {
  const timeOf = (name: string): number | null => (params.text(name) === '' ? null : params.requiredTime(name))
  return { fromMs: timeOf('from'), toMs: timeOf('to'), stepMs: params.text('step') === '' ? null : params.requiredDuration('step') }
}

function testJson({ expr, steps, stepMs, firedCount, seriesCount, alerts }: BacktestResult): object {
  const at = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
  return {
    expr, steps, step_seconds: stepMs / 1000, fired: firedCount, series: seriesCount, truncated: alerts.filter(({ firedAtMs }) => firedAtMs !== null).length < firedCount,
    alerts: alerts.map(({ labels, activeAtMs, firedAtMs, endedAtMs, value }) => ({
      labels, state: firedAtMs === null ? 'pending' : 'firing', active_at: at(activeAtMs), fired_at: at(firedAtMs), resolved_at: at(endedAtMs),
      seconds: endedAtMs === null ? null : (endedAtMs - (firedAtMs ?? activeAtMs)) / 1000, value: Number.isFinite(value) ? value : String(value),
    })),
  }
}

function answer(reply: FastifyReply, status: number, fields: object): FastifyReply {
  return sendJson(reply.code(status), { status: status < 400 ? 'success' : 'error', ...fields })
}
