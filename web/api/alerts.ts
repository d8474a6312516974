// Alerts and what people do with them: the list, one with its history, acknowledge one or many and take that back, escalate now,
// and whether it was a false one. Those that have not fired are listed where they are asked for by status. Alerts are kept after they are resolved (alerting.history_retention).
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { MetaError } from '../../lib/meta/errors.ts'
import type { AlertEvent, AlertFilter, AlertRecord, PendingFilter, PendingRecord } from '../../lib/meta/interface.ts'
import type { AlertSelection, CurrentAsk } from '../../lib/notify/lifecycle/current-alerts.ts'
import { AlertStateError } from '../../lib/notify/lifecycle/people-actions.ts'
import type { AlertOutlookView, ServerParts } from '../parts.ts'
import { actionBody, bulkBody, selectionOf, verdictOf, type ActionBody } from './alert-body.ts'
import { refuseOtherSites } from './cross-site.ts'
import { ApiError, badParameter, sendError, sendJson } from './envelope.ts'
import { MAX_TIME_MS, MIN_TIME_MS, Params } from './params.ts'
import { addRoute, type Handler } from './router.ts'
import { readTextBodies } from './text-body.ts'

const PATH = '/api/alerts'
const BODY_BYTES_MAX = 64 << 10
const LIMIT_DEFAULT = 100
const LIMIT_MAX = 1000
const CLIPPED_CHARS = 1000
/** A UUID. */
const ALERT_ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/
const STATUSES = ['open', 'acknowledged', 'resolved', 'pending', 'expired'] as const

export function addAlertRoutes(app: FastifyInstance, { alerts, clock, options }: Pick<ServerParts, 'alerts' | 'clock' | 'options'>): void {
  // A scope of its own for its bodies.
  app.register(async (scope) => {
    readTextBodies(scope, BODY_BYTES_MAX)
    addRoute(scope, ['GET'], PATH, answering(async (request, reply) => {
      const params = new Params(request)
      return answer(reply, await listed(alerts, filterOf(params), selectionIn(params)))
    }))
    addRoute(scope, ['GET'], `${PATH}/current`, (request, reply) => {
      const { records, total, open, acknowledged } = alerts.current(currentAsk(new Params(request)))
      const data = records.map((record) => alertJson({ ...record, annotations: clipped(record.annotations) }, alerts.outlook(record.id)))
      return answer(reply, { data, total, open, acknowledged, now: timeText(clock.now()) })
    })
    addRoute(scope, ['GET'], `${PATH}/:id`, answering(async (request, reply) => {
      const id = idOf(request)
      const fired = await alerts.get(id)
      if (fired !== null) return answer(reply, { data: { ...alertJson(fired.record, fired.outlook), history: fired.events.map(eventJson) } })
      const pending = known(await alerts.getPending(id), 'there is no alert of that id')
      return answer(reply, { data: { ...pendingJson(pending), history: pendingEvents(pending) } })
    }))
    const action = (name: string, act: (id: string, body: ActionBody) => Promise<AlertRecord>): void => addAction(scope, { alerts, options }, name, act)
    addRoute(scope, ['POST'], `${PATH}/ack`, answering(async (request, reply) => {
      const { chosen, by, repageAfterMs, takesOver } = bulkBody(request)
      const { acknowledged, refused } = await alerts.acknowledgeMany(chosen, { by, repageAfterMs, takesOver })
      return answer(reply, { data: { acknowledged: acknowledged.length, refused: refused.map(({ id, reason }) => ({ alert_id: id, error: reason })) } })
    }), { guard: refuseOtherSites(options) })
    action('ack', (id, { by, repageAfterMs, takesOver }) => alerts.acknowledge(id, { by, repageAfterMs, takesOver }))
    action('unack', (id, { by }) => alerts.unacknowledge(id, by))
    action('escalate', (id, { by }) => alerts.escalate(id, by))
    action('feedback', (id, { by, verdict }) => alerts.giveFeedback(id, { by, verdict: verdictOf(verdict) }))
  })
}

/** Answers with the alert as it is then. */
function addAction(scope: FastifyInstance, { alerts, options }: Pick<ServerParts, 'alerts' | 'options'>, name: string, act: (id: string, body: ActionBody) => Promise<AlertRecord>): void {
  addRoute(scope, ['POST'], `${PATH}/:id/${name}`, answering(async (request, reply) => {
    const body = actionBody(request)
    const { record } = known(await alerts.get(idOf(request)), 'no alert of that id has fired')
    const after = await act(record.id, body)
    return answer(reply, { data: alertJson(after, alerts.outlook(after.id)) })
  }), { guard: refuseOtherSites(options) })
}

function answering(handler: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>): Handler {
  return async (request, reply) => {
    try {
      return await handler(request, reply)
    } catch (error) {
      if (error instanceof AlertStateError) return sendError(reply, new ApiError('bad_data', error.message, 409))
      if (error instanceof MetaError) return sendError(reply.header('Retry-After', '5'), new ApiError('unavailable', error.message))
      throw error
    }
  }
}

function known<T>(found: T | null, why: string): T {
  if (found === null) throw new ApiError('not_found', `${why}, or its history is no longer kept`)
  return found
}

async function listed(alerts: ServerParts['alerts'], filter: AlertFilter | PendingFilter, selection: AlertSelection): Promise<{ data: object[]; next: string | null }> {
  const { status } = filter
  if (status === 'pending' || status === 'expired') {
    const { records, next } = await alerts.listPending({ ...filter, status }, selection)
    return { data: records.map(pendingJson), next }
  }
  const { records, next } = await alerts.list({ ...filter, status }, selection)
  return { data: records.map((record) => alertJson(record, alerts.outlook(record.id))), next }
}

function filterOf(params: Params): AlertFilter | PendingFilter {
  const text = (name: string): string | null => params.text(name) || null
  const status = STATUSES.find((one) => one === params.text('status')) ?? null
  if (status === null && params.text('status') !== '') throw badParameter('status', `want one of ${STATUSES.join(', ')}`)
  const limit = params.limit() || LIMIT_DEFAULT
  if (limit > LIMIT_MAX) throw badParameter('limit', `at most ${LIMIT_MAX}; ask for the next page with after=<next>`)
  const afterId = text('after')
  // The list goes on behind it by order, so that anything else would give no page, or any.
  if (afterId !== null && !ALERT_ID.test(afterId)) throw badParameter('after', `${JSON.stringify(afterId.slice(0, 100))} is no id of an alert; give next of the page before as it is`)
  return {
    status, severity: text('severity'), serverId: text('server_id'), ruleId: text('rule_id'), name: text('name'),
    fromMs: params.time('from', MIN_TIME_MS), toMs: params.time('to', MAX_TIME_MS), limit, afterId,
  }
}

function currentAsk(params: Params): CurrentAsk {
  const status = params.text('status')
  if (!['', 'open', 'acknowledged'].includes(status)) throw badParameter('status', 'want open or acknowledged')
  const isGiven = params.text('limit') !== ''
  if (params.limit() > LIMIT_MAX) throw badParameter('limit', `at most ${LIMIT_MAX}; the most severe come first, search and filter narrow it`)
  return {
    ...selectionIn(params),
    status: status === 'open' || status === 'acknowledged' ? status : null, toMs: Infinity, limit: isGiven ? params.limit() : LIMIT_DEFAULT,
  }
}

function selectionIn(params: Params): AlertSelection {
  return selectionOf({ search: params.text('search'), filters: params.all('filter'), receiver: params.text('receiver') })
}

/** Texts of any length are for who asks for one alert. */
function clipped(annotations: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).map(([name, text]) => [name, text.length > CLIPPED_CHARS ? `${text.slice(0, CLIPPED_CHARS)}…` : text]))
}

function idOf({ params }: FastifyRequest): string {
  return typeof params === 'object' && params !== null && 'id' in params ? String(params.id) : ''
}

/** `outlook` null: resolved. */
function alertJson(record: AlertRecord, outlook: AlertOutlookView | null): object {
  return {
    alert_id: record.id, rule_id: record.ruleId, rule_name: record.name, server_id: record.serverId, severity: record.severity, status: record.status,
    metric_value: jsonNumber(record.metricValue), pending_at: timeText(record.activeAtMs), triggered_at: timeText(record.triggeredAtMs), told_at: timeText(record.toldAtMs), resolved_at: timeText(record.resolvedAtMs),
    acknowledged_at: timeText(record.acknowledgedAtMs), acknowledged_by: record.acknowledgedBy, repage_at: timeText(record.repageAtMs), escalation_step: record.escalationStep,
    feedback: record.feedback === '' ? null : record.feedback, labels: record.labels, annotations: record.annotations, fingerprint: record.fingerprint, generator_url: record.generatorUrl,
    suppressed: outlook === null || outlook.suppression === '' ? null : { kind: outlook.suppression, by: outlook.suppressedBy },
    cooldown_until: outlook === null || outlook.coolsUntilMs === 0 ? null : timeText(outlook.coolsUntilMs),
    next_step: outlook?.step === null || outlook === null ? null : { receiver: outlook.step.receiver, due_at: timeText(outlook.step.dueMs) },
  }
}

/** Of one that has not fired; the same fields as of others. */
function pendingJson(record: PendingRecord): object {
  const status = record.endedAtMs === null ? 'pending' : 'expired'
  return {
    alert_id: record.id, rule_id: record.ruleId, rule_name: record.name, server_id: record.serverId, severity: record.severity, status,
    metric_value: jsonNumber(record.metricValue), pending_at: timeText(record.activeAtMs), triggered_at: null, told_at: null, resolved_at: timeText(record.endedAtMs),
    acknowledged_at: null, acknowledged_by: '', repage_at: null, escalation_step: 0, feedback: null, labels: record.labels, annotations: record.annotations, fingerprint: record.fingerprint,
    generator_url: record.generatorUrl, suppressed: null, cooldown_until: null, next_step: null,
  }
}

function pendingEvents({ activeAtMs, endedAtMs }: PendingRecord): object[] {
  const pending = { time: timeText(activeAtMs), kind: 'pending', detail: '' }
  return endedAtMs === null ? [pending] : [pending, { time: timeText(endedAtMs), kind: 'expired', detail: '' }]
}

function eventJson({ timeMs, kind, detail }: AlertEvent): object {
  return { time: timeText(timeMs), kind, detail }
}

/** JSON has no infinities. */
function jsonNumber(value: number | null): number | string | null {
  return value === null || Number.isFinite(value) ? value : value > 0 ? '+Inf' : '-Inf'
}

function timeText(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}

function answer(reply: FastifyReply, fields: object): FastifyReply {
  return sendJson(reply, { status: 'success', ...fields })
}
