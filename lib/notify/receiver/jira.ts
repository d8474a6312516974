// Jira: an issue a group, found again by a label; opened anew or made when it fires, moved on when it has ended
// (developer.atlassian.com/cloud/jira/platform/rest/v2).
import type { JiraConfig } from '../../config/receivers/jira.ts'
import type { HttpMethod } from '../../std/http.ts'
import { DeliveryError, type Receiver } from '../receiver.ts'
import { groupHash, type Expander, type ReceiverGround } from './ground.ts'
import { httpReceiver, type Delivery } from './http-receiver.ts'
import { answerObject } from './slack.ts'
import { truncateRunes } from './truncate.ts'
import { typedText } from './typed-text.ts'

const SUMMARY_RUNES_MAX = 255
const DESCRIPTION_RUNES_MAX = 32_767

interface Issue {
  key: string
  isDone: boolean
}

export function jiraReceiver(config: JiraConfig, ground: ReceiverGround): Receiver {
  const deliver = async (delivery: Delivery): Promise<void> => {
    const { notification } = delivery
    const label = `ALERT{${groupHash(notification.groupKey)}}`
    const isFiring = notification.status === 'firing'
    const issue = await findIssue(config, delivery, label, isFiring)
    // No issue is made of what is over.
    if (issue === null && !isFiring) return
    const fields = fieldsOf(config, delivery.expander, label)
    if (issue === null) {
      await ask(delivery, 'POST', `${config.url}issue`, { fields }, true)
      return
    }
    if (!config.summary.isUpdated) delete fields['summary']
    if (!config.description.isUpdated) delete fields['description']
    const transition = isFiring === issue.isDone ? config.fields[isFiring ? 'reopen_transition' : 'resolve_transition'] : ''
    await ask(delivery, 'PUT', `${config.url}issue/${issue.key}`, { fields }, transition === '')
    if (transition !== '') await move(config, delivery, issue, transition)
  }
  return httpReceiver(config, ground, deliver)
}

async function ask({ sender, signal, receipt }: Delivery, method: HttpMethod, url: string, body: unknown, isLast = false): Promise<Record<string, unknown>> {
  const answer = await sender.send({ method, url, headers: { 'accept-language': 'en' }, contentType: 'application/json', body: body === null ? null : JSON.stringify(body), ...(isLast && { receipt }) }, signal)
  // Of what was done nothing more is to be known, and none of it may be done twice.
  return method === 'PUT' || isLast ? {} : answerObject(answer.text, 'Jira')
}

/** The newest issue of the group that is open, or may be opened again. */
async function findIssue(config: JiraConfig, delivery: Delivery, label: string, isFiring: boolean): Promise<Issue | null> {
  const { reopen_transition: reopen, wont_fix_resolution: wontFix, project } = config.fields
  const reopenMinutes = Math.trunc(config.reopenMs / 60_000)
  const jql = [
    // Unresolved issues have no resolution, which != would leave out.
    ...(wontFix === '' ? [] : [`(resolution is EMPTY or resolution != ${JSON.stringify(wontFix)})`]),
    isFiring && reopen !== '' && reopenMinutes > 0 ? `(resolutiondate is EMPTY OR resolutiondate >= -${reopenMinutes}m)` : 'statusCategory != Done',
    `project=${JSON.stringify(delivery.expander.text('project', project))} and labels=${JSON.stringify(label)} order by status ASC,resolutiondate DESC`,
  ].join(' and ')
  const { issues } = await ask(delivery, 'POST', searchUrl(config), { jql, maxResults: 2, fields: ['status'] })
  if (!Array.isArray(issues)) throw new DeliveryError('Jira answered a search without a list of issues', { isRetryable: true })
  if (issues.length === 0) return null
  const { key, fields } = issues[0] as { key?: string; fields?: { status?: { statusCategory?: { key?: string } } } }
  if (typeof key !== 'string' || key === '') throw new DeliveryError('Jira found an issue without a key', { isRetryable: true })
  return { key, isDone: fields?.status?.statusCategory?.key === 'done' }
}

/** The cloud has another address for searches. */
function searchUrl({ url, apiType }: JiraConfig): string {
  const isCloud = apiType === 'cloud' || (apiType === 'auto' && new URL(url).hostname.endsWith('atlassian.net'))
  return isCloud ? `${url}search/jql`.replace('/rest/api/2/', '/rest/api/3/') : `${url}search`
}

function fieldsOf(config: JiraConfig, expander: Expander, label: string): Record<string, unknown> {
  const summary = truncateRunes(expander.text('summary', config.summary.template), SUMMARY_RUNES_MAX)
  const priority = expander.text('priority', config.fields.priority)
  const description = descriptionOf(config, truncateRunes(expander.text('description', config.description.template), DESCRIPTION_RUNES_MAX))
  const labels = [...config.labels.map((own) => expander.text('labels', own)), label]
  const custom = Object.entries(config.customFields).map(([key, value]) => [key, expander.json('fields', value, typedText)])
  return {
    project: { key: expander.text('project', config.fields.project) }, issuetype: { name: expander.text('issue_type', config.fields.issue_type) }, summary,
    labels: labels.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))), ...(description !== null && { description }), ...(priority !== '' && { priority: { name: priority } }),
    ...Object.fromEntries(custom),
  }
}

/** Version 3 of the API wants a document in JSON, which the template must make. */
function descriptionOf({ url }: JiraConfig, text: string): unknown {
  if (!url.endsWith('/3/')) return text === '' ? null : text
  if (text.trim() === '') return null
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new DeliveryError('the template of description makes no JSON, which version 3 of Jira\'s API wants', { isRetryable: false, cause: error })
  }
}

async function move(config: JiraConfig, delivery: Delivery, { key }: Issue, name: string): Promise<void> {
  const url = `${config.url}issue/${key}/transitions`
  const { transitions } = await ask(delivery, 'GET', url, null)
  const found = (Array.isArray(transitions) ? transitions : []).find((one: { name?: string }) => one.name === name) as { id?: string } | undefined
  if (found?.id === undefined) throw new DeliveryError(`issue ${key} has no transition ${JSON.stringify(name)}`, { isRetryable: false })
  await ask(delivery, 'POST', url, { transition: { id: found.id } }, true)
}
