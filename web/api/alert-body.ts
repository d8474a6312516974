// What is asked of alerts: bodies of actions, and which alerts are meant by a search, matchers and a receiver.
import type { FastifyRequest } from 'fastify'
import { DurationError, parseDuration } from '../../lib/model/duration.ts'
import { MatcherError, type Matcher } from '../../lib/model/matcher.ts'
import { compileRouteMatchers, compileRoutePattern, parseRouteMatchers } from '../../lib/model/route-matcher.ts'
import type { AlertSelection, CurrentAsk } from '../../lib/notify/lifecycle/current-alerts.ts'
import { RegexError } from '../../lib/std/regex.ts'
import { ApiError, badParameter } from './envelope.ts'
import { parseTime } from './params.ts'

const NAME_CHARS_MAX = 200
const IDS_MAX = 1000
const FIELDS: readonly string[] = ['by', 'repage_after', 'take_over', 'verdict']
const BULK_FIELDS: readonly string[] = ['by', 'repage_after', 'take_over', 'ids', 'filter', 'search', 'receiver', 'to']
const VERDICTS = ['false_positive', 'true_positive'] as const

export interface ActionBody {
  by: string
  repageAfterMs: number | null
  takesOver: boolean
  verdict: string
}

export interface BulkBody extends Omit<ActionBody, 'verdict'> {
  /** Ids, or what open alerts must pass. */
  chosen: readonly string[] | CurrentAsk
}

/** An empty body is fine. */
export function actionBody(request: FastifyRequest): ActionBody {
  const fields = fieldsOf(request, FIELDS, '{"by": "ana"}')
  return { ...acknowledgement(fields), verdict: textField(fields, 'verdict') }
}

/** Which alerts are meant must be said: an empty body never means all of them. */
export function bulkBody(request: FastifyRequest): BulkBody {
  const fields = fieldsOf(request, BULK_FIELDS, '{"by": "ana", "filter": ["severity=warning"]}')
  const ids = textsField(fields, 'ids')
  const filters = textsField(fields, 'filter')
  const selection = { search: textField(fields, 'search'), filters, receiver: textField(fields, 'receiver') }
  // `{}` matches all: that is said by nobody who means it.
  const isSelected = selection.search.trim() !== '' || filters.some((text) => matchersOf(text).length > 0) || selection.receiver !== ''
  if (ids.length > 0 === isSelected) throw new ApiError('bad_data', 'say which alerts: either ids, or what they must pass: filter (matchers), search, receiver')
  const takesOver = fields.get('take_over') === true
  const chosen = ids.length > 0 ? ids : { ...selectionOf(selection), status: takesOver ? null : 'open' as const, toMs: toMs(textField(fields, 'to')), limit: Infinity }
  return { ...acknowledgement(fields), chosen }
}

/** `filters`: Alertmanager's matchers, several in braces or one; `receiver`: a pattern of a whole name. */
export function selectionOf({ search, filters, receiver }: { search: string; filters: readonly string[]; receiver: string }): AlertSelection {
  const matchers = filters.flatMap(matchersOf)
  return {
    words: search.toLowerCase().split(/\s+/).filter((word) => word !== ''),
    matches: matchers.length === 0 ? null : compileRouteMatchers(matchers), isReceiver: receiver === '' ? null : receiverTest(receiver),
  }
}

function toMs(text: string): number {
  const timeMs = text === '' ? Infinity : parseTime(text)
  if (timeMs === null) throw badParameter('to', 'want a time such as 2026-11-29T02:00:00Z, or Unix seconds')
  return timeMs
}

function matchersOf(text: string): Matcher[] {
  try {
    return parseRouteMatchers(text)
  } catch (error) {
    if (error instanceof MatcherError) throw badParameter('filter', error.message)
    throw error
  }
}

function receiverTest(pattern: string): (name: string) => boolean {
  try {
    return compileRoutePattern(pattern)
  } catch (error) {
    if (error instanceof RegexError) throw badParameter('receiver', error.message)
    throw error
  }
}

function fieldsOf({ body }: FastifyRequest, known: readonly string[], example: string): ReadonlyMap<string, unknown> {
  const text = typeof body === 'string' ? body.trim() : ''
  let json: unknown
  try {
    json = text === '' ? {} : JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new ApiError('bad_data', `the body is no JSON (${error.message}); send an object such as ${example}`)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new ApiError('bad_data', `the body is no JSON object; send one such as ${example}`)
  const fields = new Map<string, unknown>(Object.entries(json))
  const unknown = [...fields.keys()].find((name) => !known.includes(name))
  if (unknown !== undefined) throw new ApiError('bad_data', `the body has an unknown field ${JSON.stringify(unknown.slice(0, 100))}; there are ${known.join(', ')}`)
  return fields
}

function acknowledgement(fields: ReadonlyMap<string, unknown>): Omit<ActionBody, 'verdict'> {
  const takesOver = fields.get('take_over') ?? false
  if (typeof takesOver !== 'boolean') throw badParameter('take_over', 'want true or false')
  return { by: textField(fields, 'by'), repageAfterMs: fields.has('repage_after') ? repageAfterMs(textField(fields, 'repage_after')) : null, takesOver }
}

function textField(fields: ReadonlyMap<string, unknown>, name: string): string {
  const value = fields.get(name) ?? ''
  if (typeof value !== 'string' || value.length > NAME_CHARS_MAX) throw badParameter(name, `want a text of at most ${NAME_CHARS_MAX} characters`)
  return value
}

function textsField(fields: ReadonlyMap<string, unknown>, name: string): string[] {
  const value: unknown = fields.get(name) ?? []
  if (!Array.isArray(value) || value.length > IDS_MAX || !value.every((one) => typeof one === 'string')) throw badParameter(name, `want a list of at most ${IDS_MAX} texts`)
  return value
}

/** ms; 0: never. */
export function repageAfterMs(text: string): number {
  try {
    return text === '' || text === '0' ? 0 : parseDuration(text)
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
    throw badParameter('repage_after', 'want a duration such as 4h, or 0 for never')
  }
}

export function verdictOf(text: string): (typeof VERDICTS)[number] {
  const verdict = VERDICTS.find((one) => one === text)
  if (verdict === undefined) throw badParameter('verdict', `want one of ${VERDICTS.join(', ')}`)
  return verdict
}
