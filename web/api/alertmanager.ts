// Alertmanager's API, version 2, and its health pages below /alertmanager, as amtool and Grafana ask for them: paths, filters,
// order, codes and messages as its OpenAPI document and its code have them (alertmanager api/v2/).
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { MetaError } from '../../lib/meta/errors.ts'
import { MatcherError, type Matcher } from '../../lib/model/matcher.ts'
import { compileRouteMatchers, compileRoutePattern, parseRouteMatcher } from '../../lib/model/route-matcher.ts'
import type { Silence } from '../../lib/model/silence.ts'
import type { AlertsWanted, ShownAlert } from '../../lib/notify/dispatch/alert-view.ts'
import { SilenceError, silenceState, type SilenceState } from '../../lib/notify/dispatch/silences.ts'
import { parseItems } from '../../lib/std/json-items.ts'
import { RegexError } from '../../lib/std/regex.ts'
import { runInTurns, type Steps } from '../../lib/std/steps.ts'
import type { AlertmanagerSide, ServerParts } from '../parts.ts'
import { browserPrefix } from '../static.ts'
import { AlertmanagerError, badBody, readAlerts, readSilence, type PostedAlerts } from './alertmanager-body.ts'
import { isCrossSite } from './cross-site.ts'
import { sendJson } from './envelope.ts'
import { Params } from './params.ts'
import { addRoute, type Guard, type Handler, type Method } from './router.ts'

export const ALERTMANAGER_PREFIX = '/alertmanager/'
const API = `${ALERTMANAGER_PREFIX}api/v2`
/** Of one body: a hundred thousand alerts of 300 bytes. */
const BODY_BYTES_MAX = 32 << 20
/** A hundred alerts: less than a millisecond. */
const SMALL_BODY_BYTES = 32 << 10
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
/** What go-openapi takes for true. */
const TRUE: ReadonlySet<string> = new Set(['true', '1', 'yes', 'ok', 'y', 'on', 'selected', 'checked', 't', 'enabled'])
const GONE = 'The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please use the equivalent route in the v2 API'
const STATE_ORDER: Readonly<Record<SilenceState, number>> = { active: 1, pending: 2, expired: 3 }

/** A path of the API without the slash that Alertmanager lets stand at its end. */
export function withoutLastSlash(url: string): string {
  return url.startsWith(`${API}/`) ? url.replace(/^([^?]*[^/?])\/(?=\?|$)/, '$1') : url
}

export function addAlertmanagerRoutes(app: FastifyInstance, parts: ServerParts): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) => done(null, body))
    scope.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => fail(error, request, reply, parts))
    const { alertmanager } = parts
    addRoute(scope, ['GET'], `${ALERTMANAGER_PREFIX}-/healthy`, (_request, reply) => reply.type('text/plain; charset=utf-8').send('OK'))
    addRoute(scope, ['GET'], `${ALERTMANAGER_PREFIX}-/ready`, (_request, reply) => reply.type('text/plain; charset=utf-8').send('OK'))
    addApiRoute(scope, ['GET'], '/status', (_request, reply) => answer(reply, status(alertmanager, parts)))
    addApiRoute(scope, ['GET'], '/receivers', (request, reply) => {
      const isWanted = receiverTest(paramsOf(request))
      return answer(reply, alertmanager.receivers().filter(isWanted).map(({ name, labels }) => ({ labels: Object.fromEntries([...labels, ['name', name]]), name })))
    })
    // Whatever the path and method: what still asks for the old API is to read why it gets nothing.
    scope.all(`${ALERTMANAGER_PREFIX}api/v1/*`, (_request, reply) => answer(reply.code(410), { status: 'deprecated', error: GONE }))
    addAlertRoutes(scope, alertmanager, parts)
    addSilenceRoutes(scope, alertmanager, parts)
  })
}

function addAlertRoutes(app: FastifyInstance, alertmanager: AlertmanagerSide, parts: ServerParts): void {
  const { clock } = parts
  const guard = posted(['GET', 'POST'], parts)
  // One large body after the other, a turn of the event loop for each: many come at once. A page does not wait for them.
  let last: Promise<unknown> = Promise.resolve()
  const take = async (body: Buffer): Promise<PostedAlerts> => {
    await nextTurn()
    return runInTurns(readAlerts(itemsOf(body), clock.now(), alertmanager.resolveTimeoutMs()), clock)
  }
  addApiRoute(app, ['GET', 'POST'], '/alerts', async (request, reply) => {
    if (request.method !== 'POST') {
      const alerts = await alertmanager.alerts(alertsWanted(paramsOf(request), alertmanager))
      return answer(reply, alerts.map(alertJson))
    }
    const body = bodyOf(request)
    const taking = body.length > SMALL_BODY_BYTES ? last.then(() => take(body)) : take(body)
    if (body.length > SMALL_BODY_BYTES) last = taking.catch(() => {})
    const { alerts, faults } = await taking
    await alertmanager.post(alerts, faults.length)
    if (faults.length > 0) throw new AlertmanagerError(400, faults.join('\n'))
    return reply.code(200).send()
  }, guard)
  addApiRoute(app, ['GET'], '/alerts/groups', async (request, reply) => {
    const groups = await alertmanager.groups(alertsWanted(paramsOf(request), alertmanager))
    return answer(reply, groups.map(({ receiver, labels, routeLabels, alerts }) => ({ alerts: alerts.map(alertJson), labels: labelsJson(labels), receiver: { name: receiver }, routeLabels: Object.fromEntries(routeLabels) })))
  })
}

function addSilenceRoutes(app: FastifyInstance, alertmanager: AlertmanagerSide, parts: ServerParts): void {
  const { clock } = parts
  addApiRoute(app, ['GET', 'POST'], '/silences', async (request, reply) => {
    const nowMs = clock.now()
    if (request.method === 'POST') return answer(reply, { silenceID: await alertmanager.setSilence(readSilence(jsonOf(request, 'silence'), nowMs)) })
    return answer(reply, silencesWanted(paramsOf(request), alertmanager, nowMs).map((silence) => silenceJson(silence, nowMs)))
  }, posted(['GET', 'POST'], parts))
  const one: Handler = async (request, reply) => {
    const { id } = request.params as { id: string }
    if (!UUID.test(id)) throw new AlertmanagerError(422, `silenceID in path must be of type uuid: ${JSON.stringify(id.slice(0, 100))}`, 601)
    const silence = alertmanager.silence(id.toLowerCase())
    if (silence === undefined) return reply.code(404).send()
    if (request.method !== 'DELETE') return answer(reply, silenceJson(silence, clock.now()))
    await alertmanager.expireSilence(silence.id)
    return reply.code(200).send()
  }
  addApiRoute(app, ['GET', 'DELETE'], '/silence/:id', one, posted([], parts))
}

/** `path` below the API. */
function addApiRoute(app: FastifyInstance, methods: readonly Method[], path: string, handler: Handler, guard?: Guard): void {
  const refuse = (reply: FastifyReply, method: string): void => void answer(reply, { code: 405, message: `method ${method} is not allowed, but [${methods.join(',')}] are` })
  addRoute(app, methods, `${API}${path}`, handler, { refuse, isExact: true, ...(guard !== undefined && { guard }) })
}

/** Refuses changes by other sites' pages, and bodies that are no JSON. */
function posted(jsonMethods: readonly string[], { options }: ServerParts): Guard {
  return (request, reply) => {
    if (request.method === 'GET' || request.method === 'HEAD') return false
    const type = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
    if (isCrossSite(request, options.externalUrl)) void answer(reply.code(403), 'cross-site requests are refused')
    else if (jsonMethods.includes(request.method) && type !== 'application/json') {
      void answer(reply.code(415), { code: 415, message: `unsupported media type ${JSON.stringify(type.slice(0, 100))}, only [application/json] are allowed` })
    } else return false
    return true
  }
}

function* itemsOf(body: Buffer): Steps<unknown[]> {
  if (body.length === 0) throw new AlertmanagerError(422, 'alerts in body is required', 602)
  try {
    const items = yield* parseItems(body)
    if (items !== null) return items
  } catch (error) {
    if (error instanceof SyntaxError) throw badBody('alerts', error.message)
    throw error
  }
  if (body.toString('utf8').trim() === 'null') return []
  throw badBody('alerts', 'json: the body must be a list')
}

function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
}

function jsonOf(request: FastifyRequest, what: string): unknown {
  if (bodyOf(request).length === 0) throw new AlertmanagerError(422, `${what} in body is required`, 602)
  try {
    return JSON.parse(bodyOf(request).toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) throw badBody(what, error.message)
    throw error
  }
}

/** Go leaves out pairs that hold a semicolon, or a % that begins no escape, and goes on with the others. */
function paramsOf(request: FastifyRequest): Params {
  return new Params(request, (pair) => !pair.includes(';') && !/%(?![\da-f]{2})/i.test(pair))
}

function filterOf(params: Params, name: string, complaint = ''): Matcher[] {
  return params.all(name).map((text) => {
    try {
      return parseRouteMatcher(text)
    } catch (error) {
      if (error instanceof MatcherError) throw new AlertmanagerError(400, `${complaint}${error.message}`)
      throw error
    }
  })
}

interface NamedReceiver {
  name: string
  labels: ReadonlyMap<string, string>
}

/** By `receiver_matchers`, which look at a receiver's labels. */
function receiverTest(params: Params): (receiver: NamedReceiver) => boolean {
  const matchers = filterOf(params, 'receiver_matchers', 'failed to parse receiver_matchers param: ')
  const test = compileRouteMatchers(matchers)
  return ({ name, labels }) => test((label) => (label === 'name' ? name : labels.get(label) ?? ''))
}

function alertsWanted(params: Params, alertmanager: AlertmanagerSide): AlertsWanted {
  const matches = compileRouteMatchers(filterOf(params, 'filter'))
  const pattern = params.all('receiver').at(-1) ?? ''
  const isNamed = pattern === '' ? () => true : receiverPattern(pattern)
  const isWanted = receiverTest(params)
  const names = new Set(alertmanager.receivers().filter(isWanted).map(({ name }) => name))
  const flag = (name: string): boolean => isTrue(params, name)
  return {
    matches, isReceiver: (name) => names.has(name) && isNamed(name),
    active: flag('active'), silenced: flag('silenced'), inhibited: flag('inhibited'), muted: flag('muted'),
  }
}

function receiverPattern(pattern: string): (name: string) => boolean {
  try {
    return compileRoutePattern(pattern)
  } catch (error) {
    if (error instanceof RegexError) throw new AlertmanagerError(400, `failed to parse receiver param: ${error.message}`)
    throw error
  }
}

/** True by default; of several the last counts. */
function isTrue(params: Params, name: string): boolean {
  const text = params.all(name).at(-1) ?? ''
  return text === '' || TRUE.has(text.toLowerCase())
}

function silencesWanted(params: Params, alertmanager: AlertmanagerSide, nowMs: number): Silence[] {
  const filter = filterOf(params, 'filter')
  const has = (set: readonly Matcher[]): boolean => filter.every(({ name, op, value }) => set.some((one) => one.name === name && one.op === op && one.value === value))
  const states = (['active', 'pending', 'expired'] as const).filter((state) => isTrue(params, state))
  const found = alertmanager.silences().filter((silence) => states.includes(silenceState(silence, nowMs)) && silence.matcherSets.some(has))
  return found.toSorted((a, b) => {
    const [state, other] = [silenceState(a, nowMs), silenceState(b, nowMs)]
    if (state !== other) return STATE_ORDER[state] - STATE_ORDER[other]
    // The next to end, the next to begin, the last that ended.
    return state === 'active' ? a.endsAtMs - b.endsAtMs : state === 'pending' ? a.startsAtMs - b.startsAtMs : b.endsAtMs - a.endsAtMs
  })
}

function status(alertmanager: AlertmanagerSide, { build: { version, revision, branch, buildUser, buildDate } }: ServerParts): object {
  return {
    cluster: { peers: [], status: 'disabled' }, config: { original: alertmanager.yaml() }, uptime: new Date(alertmanager.startedMs).toISOString(),
    versionInfo: { branch, buildDate, buildUser, goVersion: '', revision, version },
  }
}

function labelsJson(labels: readonly string[]): object {
  return Object.fromEntries(labels.flatMap((text, i) => (i % 2 === 0 ? [[text, labels[i + 1]!]] : [])))
}

function alertJson({ alert, receivers, silencedBy, inhibitedBy, mutedBy }: ShownAlert): object {
  const { annotations, startsAtMs, endsAtMs, updatedAtMs, generatorUrl, fingerprint, labels } = alert
  const state = silencedBy.length + inhibitedBy.length + mutedBy.length > 0 ? 'suppressed' : 'active'
  return {
    annotations: Object.fromEntries(annotations), endsAt: new Date(endsAtMs).toISOString(), fingerprint, receivers: receivers.map((name) => ({ name })),
    startsAt: new Date(startsAtMs).toISOString(), status: { inhibitedBy, mutedBy, silencedBy, state }, updatedAt: new Date(updatedAtMs).toISOString(),
    ...(generatorUrl !== '' && { generatorURL: generatorUrl }), labels: labelsJson(labels),
  }
}

function silenceJson(silence: Silence, nowMs: number): object {
  const { id, matcherSets, startsAtMs, endsAtMs, updatedAtMs, createdBy, comment, annotations } = silence
  return {
    id, status: { state: silenceState(silence, nowMs) }, updatedAt: new Date(updatedAtMs).toISOString(),
    ...(annotations.size > 0 && { annotations: Object.fromEntries(annotations) }), comment, createdBy, endsAt: new Date(endsAtMs).toISOString(),
    matchers: (matcherSets[0] ?? []).map(({ name, op, value }) => ({ isEqual: op.startsWith('='), isRegex: op.endsWith('~'), name, value })),
    startsAt: new Date(startsAtMs).toISOString(),
  }
}

/** For what is below the prefix and is no path of the API. Alertmanager's own page was at its root: what bookmarks have behind `#` goes along. */
export function sendNoSuchPath(reply: FastifyReply, { originalUrl }: FastifyRequest, { options }: Pick<ServerParts, 'options'>): FastifyReply {
  const path = originalUrl.slice(options.routePrefix.length).split('?')[0]!.slice(ALERTMANAGER_PREFIX.length - 1, 200)
  if (path === '/') return reply.redirect(`${browserPrefix(options)}/alerts`)
  return answer(reply.code(404), { code: 404, message: `path ${path} was not found` })
}

function answer(reply: FastifyReply, value: unknown): FastifyReply {
  return sendJson(reply.header('Cache-Control', 'no-store'), value)
}

function fail(error: Error & { statusCode?: number }, request: FastifyRequest, reply: FastifyReply, { logger }: ServerParts): FastifyReply {
  if (error instanceof AlertmanagerError) return answer(reply.code(error.status), error.body)
  if (error instanceof SilenceError) return answer(reply.code(error.code === 'NO_SILENCE' ? 404 : 400), error.message)
  if (error instanceof MetaError) return answer(reply.code(503).header('Retry-After', '5'), error.message)
  const code = error.statusCode ?? 500
  if (code >= 500) logger.repeated('error', 'request failed', { method: request.method, path: request.url.slice(0, 200), err: error })
  if (code === 413) return answer(reply.code(413).header('Connection', 'close'), { code, message: `body exceeds ${BODY_BYTES_MAX >> 20} MiB: send fewer alerts at a time` })
  return answer(reply.code(code), code >= 500 ? error.message : { code, message: error.message })
}
