// Rules and their alerts: /rules with all of Prometheus' filters and pages, /alerts. The rules' thread writes the answers.
import type { FastifyInstance } from 'fastify'
import { QueryError } from '../../lang/exec/query-error.ts'
import { matcherSets } from '../../lang/match-parameter.ts'
import type { RulesRequest } from '../../lib/rules/rule-list.ts'
import type { ServerParts } from '../parts.ts'
import { ApiError, badParameter, sendData } from './envelope.ts'
import { Params } from './params.ts'
import type { ReplySender } from './reply-sender.ts'
import { addRoute } from './router.ts'

/** strconv.ParseBool. */
const TRUE: ReadonlySet<string> = new Set(['1', 't', 'true'])
const FALSE: ReadonlySet<string> = new Set(['', '0', 'f', 'false'])

export function addRuleRoutes(app: FastifyInstance, parts: ServerParts, sender: ReplySender): void {
  addRoute(app, ['GET'], '/api/v1/rules', async (request, reply) => {
    return sender.send(reply, request, await parts.rules.ask(rulesRequest(new Params(request))))
  })
  addRoute(app, ['GET'], '/api/v1/alerts', async (request, reply) => sender.send(reply, request, await parts.rules.ask({ kind: 'alerts' })))
  addRoute(app, ['GET'], '/api/v1/alertmanagers', (_request, reply) => {
    const { active, dropped } = parts.alertmanagers.alertmanagers()
    return sendData(reply, { activeAlertmanagers: active.map((url) => ({ url })), droppedAlertmanagers: dropped.map((url) => ({ url })) })
  })
}

function rulesRequest(params: Params): RulesRequest {
  const matches = params.all('match[]')
  checkSelectors(matches)
  const type = params.text('type').toLowerCase()
  if (type !== '' && type !== 'alert' && type !== 'record') throw badParameter('type', `not supported value ${JSON.stringify(type)}`)
  const excluded = params.text('exclude_alerts').toLowerCase()
  if (!TRUE.has(excluded) && !FALSE.has(excluded)) {
    throw badParameter('exclude_alerts', `error converting exclude_alerts: strconv.ParseBool: parsing ${JSON.stringify(excluded)}: invalid syntax`)
  }
  return {
    kind: 'rules', type, names: params.all('rule_name[]'), groups: params.all('rule_group[]'), files: params.all('file[]'), matches,
    excludeAlerts: TRUE.has(excluded), ...page(params),
  }
}

function checkSelectors(texts: readonly string[]): void {
  try {
    matcherSets(texts)
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    throw new ApiError('bad_data', error.message)
  }
}

function page(params: Params): { groupLimit: number; nextToken: string } {
  const limit = params.text('group_limit')
  const nextToken = params.text('group_next_token')
  if (limit === '') {
    if (nextToken !== '') throw badParameter('group_next_token', 'group_limit needs to be present in order to paginate over the groups')
    return { groupLimit: 0, nextToken: '' }
  }
  const isNumber = /^[+-]?\d+$/.test(limit)
  if (!isNumber || Math.abs(Number(limit)) > 2 ** 31 - 1) {
    const why = isNumber ? 'value out of range' : 'invalid syntax'
    throw badParameter('group_limit', `group_limit needs to be a valid number: strconv.ParseInt: parsing ${JSON.stringify(limit.slice(0, 100))}: ${why}`)
  }
  if (Number(limit) <= 0) throw badParameter('group_limit', 'group_limit needs to be greater than 0')
  return { groupLimit: Number(limit), nextToken }
}
