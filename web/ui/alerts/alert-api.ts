// What the alerts page asks of the server: alerts with their histories, what people do with them, silences, and what of
// the rules is pending. Silences go by Alertmanager's API, which answers without an envelope.
import { ApiError, fetchApi } from '../api/fetch-api.ts'
import { getData, queryInstant } from '../api/queries.ts'
import { isWhole, scopeParams, type AlertScope } from './alert-scope.ts'
import { noteServerTime, serverNowMs } from '../shell/server-clock.ts'

/** An alert of `/api/alerts`; times RFC 3339. */
export interface ApiAlert {
  alert_id: string
  rule_id: string | null
  rule_name: string
  server_id: string
  severity: string
  /** `expired`: it waited, and never fired. */
  status: 'open' | 'acknowledged' | 'resolved' | 'expired'
  metric_value: number | string | null
  pending_at: string
  triggered_at: string | null
  told_at: string | null
  resolved_at: string | null
  acknowledged_at: string | null
  acknowledged_by: string
  repage_at: string | null
  feedback: string | null
  labels: Record<string, string>
  annotations: Record<string, string>
  generator_url: string
  suppressed: { kind: 'silenced' | 'inhibited' | 'muted'; by: string } | null
  cooldown_until: string | null
  next_step: { receiver: string; due_at: string } | null
  /** Only where one alert is asked for. */
  history?: { time: string; kind: string; detail: string }[]
}

export interface ApiPending {
  labels: Record<string, string>
  annotations: Record<string, string>
  state: string
  activeAt: string
  value: string
}

export interface SilenceMatcher {
  name: string
  value: string
  isRegex: boolean
  isEqual: boolean
}

export interface ApiSilence {
  id: string
  matchers: SilenceMatcher[]
  startsAt: string
  endsAt: string
  createdBy: string
  comment: string
  status: { state: 'active' | 'pending' | 'expired' }
}

/** How an integration of a receiver fares; times RFC 3339. */
export interface ApiIntegration {
  /** `receiver/kind/index`. */
  integration: string
  delivered: number
  failed: number
  success_ratio: number | null
  last_delivered_at: string | null
  failing_since: string | null
  error: string
}

/** Alerts that go on: the most severe of those that pass a search, and how many there are. */
export interface CurrentAlerts {
  data: ApiAlert[]
  total: number
  open: number
  acknowledged: number
  /** When that was so, RFC 3339. */
  now: string
}

/** As many as the server gives at a time. */
const PENDING_MAX = 1000
/** Ended alerts that are looked at at a time. */
const ENDED_PAGE = 200

/** Ended alerts, the newest first, and where the next page begins. */
export interface EndedAlerts {
  data: ApiAlert[]
  next: string | null
}

/** Which alerts are acknowledged together: some ids, or all open ones that pass and fired by a time: nobody has seen later ones. */
export type BulkChoice = { ids: readonly string[] } | { search: string; filter: readonly string[]; receiver: string; to: string }

export interface BulkOutcome {
  acknowledged: number
  refused: { alert_id: string; error: string }[]
}

export async function fetchCurrent(status: 'open' | 'acknowledged', { search, scope, limit }: { search: string; scope: AlertScope; limit: number }, signal: AbortSignal): Promise<CurrentAlerts> {
  const found = await getPlain<CurrentAlerts>('api/alerts/current', [['status', status], ['search', search], ['limit', String(limit)], ...scopeParams(scope)], signal)
  noteServerTime(found.now)
  return found
}

/** `afterId`: of the last of the page before, '' for the newest. */
export function fetchEnded(status: 'resolved' | 'expired', { search, scope, afterId }: { search: string; scope: AlertScope; afterId: string }, signal: AbortSignal): Promise<EndedAlerts> {
  return getPlain<EndedAlerts>('api/alerts', [['status', status], ['search', search], ['limit', String(ENDED_PAGE)], ...scopeParams(scope), ...(afterId === '' ? [] : [['after', afterId] as const])], signal)
}

export async function fetchAlert(id: string, signal: AbortSignal): Promise<ApiAlert> {
  return (await fetchApi<ApiAlert>(document.baseURI, { path: `api/alerts/${id}`, method: 'GET', params: [] }, signal)).data
}

export async function fetchReceivers(signal: AbortSignal): Promise<{ integrations: ApiIntegration[] }[]> {
  return (await fetchApi<{ integrations: ApiIntegration[] }[]>(document.baseURI, { path: 'api/alerts/receivers', method: 'GET', params: [] }, signal)).data
}

/** All of them as the rules have them; of a scope what the store has, two seconds old: the rules know of no receivers. */
export async function fetchPending(scope: AlertScope, signal: AbortSignal): Promise<ApiPending[]> {
  if (!isWhole(scope)) {
    const { data } = await getPlain<{ data: ApiAlert[] }>('api/alerts', [['status', 'pending'], ['limit', String(PENDING_MAX)], ...scopeParams(scope)], signal)
    return data.map(({ labels, annotations, pending_at: activeAt, metric_value: value }) => ({ labels, annotations, state: 'pending', activeAt, value: String(value) }))
  }
  return (await getData<{ alerts: ApiPending[] }>('alerts', [], signal)).alerts.filter(({ state }) => state === 'pending')
}

/** How many are pending, without all of them; null where queries are not answered now, which is no matter of alerts. */
export async function countPending(signal: AbortSignal): Promise<number | null> {
  try {
    const { data } = await queryInstant('count(ALERTS{alertstate="pending"})', serverNowMs(), signal)
    return data.resultType === 'vector' ? Number(data.result[0]?.value?.[1] ?? 0) : null
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return null
  }
}

/** `ack`, `unack`, `escalate`, `feedback`. */
export async function actOnAlert(id: string, action: string, body: Readonly<Record<string, string | boolean>>): Promise<void> {
  await sendJson('POST', `api/alerts/${id}/${action}`, body)
}

export async function acknowledgeMany(body: BulkChoice & { by: string; repage_after?: string }): Promise<BulkOutcome> {
  return (JSON.parse(await sendJson('POST', 'api/alerts/ack', body)) as { data: BulkOutcome }).data
}

export function fetchSilences(signal: AbortSignal): Promise<ApiSilence[]> {
  return getPlain<ApiSilence[]>('alertmanager/api/v2/silences', [['expired', 'false']], signal)
}

/** How many alerts that fire now the matchers select. */
export async function countMatches(matchers: readonly SilenceMatcher[], signal: AbortSignal): Promise<number> {
  const filters = matchers.map(({ name, value, isRegex, isEqual }) => ['filter', `${JSON.stringify(name)}${isEqual ? (isRegex ? '=~' : '=') : isRegex ? '!~' : '!='}${JSON.stringify(value)}`] as const)
  return (await getPlain<CurrentAlerts>('api/alerts/current', [['limit', '0'], ...filters], signal)).total
}

export async function addSilence(silence: Omit<ApiSilence, 'id' | 'status'>): Promise<void> {
  await sendJson('POST', 'alertmanager/api/v2/silences', silence)
}

export async function expireSilence(id: string): Promise<void> {
  await sendJson('DELETE', `alertmanager/api/v2/silence/${id}`, null)
}

/** Sends a change, gives the answer's text; rejects with ApiError in the server's words. */
export async function sendJson(method: 'POST' | 'DELETE', path: string, body: unknown): Promise<string> {
  let response: Response
  try {
    response = await fetch(new URL(path, document.baseURI), { method, headers: { 'Content-Type': 'application/json' }, ...(body !== null && { body: JSON.stringify(body) }) })
  } catch (error) {
    throw new ApiError('network', 'cannot reach the server', { cause: error })
  }
  const text = await response.text()
  if (!response.ok) throw new ApiError('refused', refusalOf(response.status, text))
  return text
}

async function getPlain<T>(path: string, params: readonly (readonly [string, string])[], signal: AbortSignal): Promise<T> {
  const url = new URL(path, document.baseURI)
  for (const [name, value] of params) url.searchParams.append(name, value)
  let response: Response
  try {
    response = await fetch(url, { signal, headers: { Accept: 'application/json' } })
  } catch (error) {
    signal.throwIfAborted()
    throw new ApiError('network', 'cannot reach the server', { cause: error })
  }
  const text = await response.text()
  if (!response.ok) throw new ApiError('refused', refusalOf(response.status, text))
  return JSON.parse(text) as T
}

/** The message of an answer, in the envelope of either API. */
function refusalOf(status: number, text: string): string {
  try {
    const body = JSON.parse(text) as { error?: unknown; message?: unknown } | string
    if (typeof body === 'string') return body
    const message = body.error ?? body.message
    if (typeof message === 'string') return message
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  return `the server answered ${status}`
}
