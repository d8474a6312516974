// The page behind the signed address in a message: shows the alert, and acknowledges it once its button is pressed. Nothing
// happens on GET: scanners of links, and previews of messages, open addresses too. No login; a script of a few lines adds the
// reader's own time to each in UTC, and nothing needs it. All its addresses are relative, so that proxies may put it anywhere.
// Whatever goes wrong is a page, too, as it is read on a phone at night; who asks for JSON is told in the envelope of the API.
import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { MetaError } from '../../lib/meta/errors.ts'
import type { AlertRecord } from '../../lib/meta/interface.ts'
import { formatDuration } from '../../lib/model/duration.ts'
import { AlertStateError } from '../../lib/notify/lifecycle/people-actions.ts'
import type { AlertDesk, ServerParts } from '../parts.ts'
import { repageAfterMs } from './alert-body.ts'
import { ApiError, sendError, type ErrorType } from './envelope.ts'
import { Params } from './params.ts'
import { addRoute } from './router.ts'

const ACK_PREFIX = '/ack/'
const NAME_CHARS_MAX = 200
/** A start is over by then, or soon. */
const AGAIN_SECONDS = 5
/** Zone names differ in their length: the short one of the reader's language, `GMT+5:30` where it has none. */
const SCRIPT = `for (const time of document.querySelectorAll('time')) {
const at = new Date(time.dateTime)
if (at.getTimezoneOffset() !== 0) time.after(' (' + at.toLocaleString([], { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', timeZoneName: 'short' }) + ')')
}`
/** Colours of the app (web/ui/style/base.css), at the size of a phone in the hand. */
const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#f6f7f9, #0c0e11); color: light-dark(#16191d, #e4e7eb); accent-color: light-dark(#2f34b8, #8ea2ff) }
body { max-width: 34rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.4rem }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; table-layout: fixed }
th { text-align: left; font-weight: 600; padding: .2rem 1rem .2rem 0; vertical-align: top; width: 9rem; overflow-wrap: anywhere }
td { padding: .2rem 0; white-space: pre-line }
label { display: block; margin: .75rem 0 }
input, select { border: 1px solid light-dark(#8b93a0, #606976); border-radius: .4rem; background: light-dark(#fff, #111418); color: inherit }
input, select, button { font: inherit; padding: .5rem; width: 100%; box-sizing: border-box; margin-top: .25rem }
main > button { position: sticky; bottom: .75rem; margin-top: 1rem; min-height: 3rem; box-shadow: 0 0 0 .75rem light-dark(#f6f7f9, #0c0e11); border: 0; border-radius: .4rem; background: light-dark(#2f34b8, #8ea2ff); color: light-dark(#fff, #0c0e11); font-weight: 600 }
a { color: light-dark(#2f34b8, #8ea2ff) }
:focus-visible { outline: 2px solid light-dark(#2f34b8, #8ea2ff); outline-offset: 2px }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .9em }
.links { display: flex; gap: 1.5rem; margin: 1rem 0 }
.links a { padding: .5rem 0 }
@media (max-width: 30rem) { body { margin: 1rem auto } th { width: 6rem; padding-right: .5rem } }
`
const CSP = `default-src 'none'; script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`

/** What the page says above the alert. */
interface Notice {
  status: number
  title: string
  html: string
  /** Looked up again by itself after so many seconds. */
  againSeconds?: number
}

interface Shown {
  notice: Notice
  record: AlertRecord | null
}

const OTHER_WAY = 'Open all alerts below and acknowledge it there, or take the address of a newer message about it.'

/** Mail programs and chats cut long addresses, break them, or take the bracket behind them along. */
const UNKNOWN: Shown = {
  notice: { status: 404, title: 'This address does not work', html: `It is not one that this Monitor signed: a part of it is missing or was changed on its way, or the message is from before Monitor's data was begun anew. Nothing was acknowledged. ${OTHER_WAY}` }, record: null,
}

const FORGOTTEN: Shown = {
  notice: { status: 404, title: 'Unknown alert', html: 'The alert of this message is no longer kept: it ended longer ago than <code>alerting.history_retention</code>. If it is back, it is among all alerts below.' }, record: null,
}

/** Nothing of the alert is shown: whoever finds an old message learns no more from it. */
const EXPIRED: Shown = {
  notice: { status: 410, title: 'Expired', html: `The message is too old to acknowledge its alert. ${OTHER_WAY}` }, record: null,
}

export function addAckPage(app: FastifyInstance, { alerts, clock }: Pick<ServerParts, 'alerts' | 'clock'>): void {
  addRoute(app, ['GET', 'POST'], `${ACK_PREFIX}:token`, async (request, reply) => {
    const link = alerts.readAckToken(tokenOf(request))
    const shown = link === null ? UNKNOWN : link.isExpired ? EXPIRED : await look(alerts, link.alertId)
    const answer = request.method === 'POST' && shown.record !== null ? await acknowledge(alerts, shown.record, new Params(request)) : shown
    return sendPage(request, reply, answer, clock.now())
  })
}

/** Whether a path, as it was asked for, is below that of the signed addresses: also one that no route takes. */
export function isAckPath(url: string): boolean {
  return /^\/ack(?:[/?]|$)/.test(url)
}

/** Tells the reader of a signed address what the server could not do with the request. */
export function sendAckError(request: FastifyRequest, reply: FastifyReply, error: ApiError): FastifyReply {
  return sendPage(request, reply, { notice: noticeOfError(error), record: null }, 0)
}

function noticeOfError({ status, message }: ApiError): Notice {
  // Of addresses: the router could not read it, or has none of that form.
  if (status === 400 || status === 404 || status === 414) return UNKNOWN.notice
  if (status === 503) return { status, title: 'Not yet', html: `${sentence(message)} Nothing was acknowledged. This page looks again in ${AGAIN_SECONDS} seconds.`, againSeconds: AGAIN_SECONDS }
  return { status, title: 'Not acknowledged', html: `${sentence(message)} ${OTHER_WAY}` }
}

async function look(alerts: AlertDesk, id: string): Promise<Shown> {
  try {
    const found = await alerts.get(id)
    return found === null ? FORGOTTEN : { notice: noticeOf(found.record), record: found.record }
  } catch (error) {
    return { notice: refusal(error), record: null }
  }
}

async function acknowledge(alerts: AlertDesk, before: AlertRecord, params: Params): Promise<Shown> {
  try {
    const given = params.text('repage_after')
    const record = await alerts.acknowledge(before.id, {
      by: params.text('by').slice(0, NAME_CHARS_MAX) || 'someone (by link)', repageAfterMs: given === '' ? null : repageAfterMs(given), takesOver: params.text('take_over') === '1',
    })
    return { notice: noticeOf(record), record }
  } catch (error) {
    // What stands in the way, such as someone who was quicker, is shown as it is now.
    const { record } = error instanceof AlertStateError ? await look(alerts, before.id) : { record: before }
    return { notice: refusal(error), record }
  }
}

/** Throws what is not for the reader. */
function refusal(error: unknown): Notice {
  if (error instanceof AlertStateError) return { status: 409, title: 'Not acknowledged', html: sentence(error.message) }
  if (error instanceof ApiError) return { status: error.status, title: 'Not acknowledged', html: sentence(error.message) }
  if (error instanceof MetaError) return { status: 503, title: 'Not acknowledged', html: `${sentence(error.message)} Try again, or acknowledge by the alerts page.` }
  throw error
}

function sentence(text: string): string {
  return escapeHtml(`${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`)
}

function noticeOf({ status, acknowledgedBy, acknowledgedAtMs, repageAtMs, resolvedAtMs }: AlertRecord): Notice {
  switch (status) {
    case 'open': return { status: 200, title: 'Take this alert?', html: 'Repeated messages and escalation stop until it resolves. Everyone sees that you have it.' }
    case 'acknowledged': {
      const again = repageAtMs === null ? '' : ` It pages again at ${timeHtml(repageAtMs)} unless it is resolved by then.`
      return { status: 200, title: 'Acknowledged', html: `By ${escapeHtml(acknowledgedBy || 'someone')}, ${timeHtml(acknowledgedAtMs!)}.${again}` }
    }
    case 'resolved': return { status: 200, title: 'Resolved', html: `It ended at ${timeHtml(resolvedAtMs!)}; there is nothing to acknowledge.` }
  }
}

function sendPage(request: FastifyRequest, reply: FastifyReply, { notice, record }: Shown, nowMs: number): FastifyReply {
  reply.code(notice.status).header('Cache-Control', 'no-store').header('X-Robots-Tag', 'noindex')
  if (notice.status >= 400 && asksForJson(request)) return sendError(reply, new ApiError(ERROR_TYPES.get(notice.status) ?? 'bad_data', textOf(notice.html), notice.status))
  return reply.header('Content-Security-Policy', CSP).header('Referrer-Policy', 'no-referrer')
    .type('text/html; charset=utf-8').send(pageHtml(notice, record, nowMs, rootOf(request)))
}

const ERROR_TYPES: ReadonlyMap<number, ErrorType> = new Map([[404, 'not_found'], [410, 'not_found'], [500, 'internal'], [503, 'unavailable']])

/** Browsers ask for HTML, whatever else they take. */
function asksForJson({ headers: { accept = '' } }: FastifyRequest): boolean {
  return accept.includes('json') && !accept.includes('html')
}

function textOf(html: string): string {
  return html.replaceAll(/<[^>]*>/g, '').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&')
}

/** Where the pages are, as a browser reaches them from the address that it has: one that was changed may have more parts. */
function rootOf({ url }: FastifyRequest): string {
  return '../'.repeat(url.split('?', 1)[0]!.split('/').length - 2) || './'
}

function pageHtml({ title, html, againSeconds }: Notice, record: AlertRecord | null, nowMs: number, root: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">${againSeconds === undefined ? '' : `\n<meta http-equiv="refresh" content="${againSeconds}">`}
<title>${escapeHtml(record === null ? title : `${title} ${record.name}`)} – Monitor</title>
<style>${STYLE}</style>
<main>
<h1>${escapeHtml(title)}</h1>
<p>${html}</p>
${record === null ? '' : `${alertHtml(record, nowMs)}\n${formHtml(record)}`}
<p class="links"><a href="${root}alerts">All alerts</a>${record === null ? '' : linkHtml(record.generatorUrl, 'Graph')}</p>
</main>
<script>${SCRIPT}</script>
</html>
`
}

function alertHtml({ name, severity, triggeredAtMs, metricValue, labels, annotations }: AlertRecord, nowMs: number): string {
  const ageMs = Math.max(0, nowMs - triggeredAtMs)
  const shown = (value: string): string => linkHtml(value, value) || `<bdi>${escapeHtml(value)}</bdi>`
  const rows: [string, string][] = [
    ['Alert', shown(name)], ['Severity', shown(severity)], ['Since', `${timeHtml(triggeredAtMs)}, ${formatDuration(Math.trunc(ageMs / 1000) * 1000)} ago`], ['Value', metricValue === null ? '' : String(metricValue)],
    ...[...Object.entries(annotations), ...Object.entries(labels).filter(([label]) => label !== 'alertname' && label !== 'severity')].filter(([, value]) => value !== '').map(([head, value]): [string, string] => [head, shown(value)]),
  ]
  return `<table>${rows.filter(([, html]) => html !== '' && html !== '<bdi></bdi>').map(([head, html]) => `<tr><th scope="row"><bdi>${escapeHtml(head)}</bdi></th><td>${html}</td></tr>`).join('\n')}</table>`
}

/** '' for what is no address of a page. */
function linkHtml(url: string, face: string): string {
  return /^https?:\/\/\S+$/.test(url) ? `<a href="${escapeHtml(url)}" rel="noreferrer">${escapeHtml(face)}</a>` : ''
}

/** Of what someone has already it offers to take it over. */
function formHtml({ status }: AlertRecord): string {
  if (status === 'resolved') return ''
  const isTaken = status === 'acknowledged'
  // The button is in sight however long the alert is.
  return `<form method="post" id="take">
<label>Your name <input name="by" autocomplete="name" maxlength="${NAME_CHARS_MAX}"></label>
<label>Page again, if it is not resolved, after
<select name="repage_after"><option value="">as configured</option><option>1h</option><option>4h</option><option>12h</option><option>1d</option><option value="0">never</option></select></label>
</form>
<button form="take"${isTaken ? ' name="take_over" value="1"' : ''}>${isTaken ? 'Take it over' : 'Acknowledge'}</button>`
}

function tokenOf({ params }: FastifyRequest): string {
  return typeof params === 'object' && params !== null && 'token' in params ? String(params.token) : ''
}

function timeHtml(ms: number): string {
  const text = new Date(ms).toISOString()
  return `<time datetime="${text}">${text.slice(0, 19).replace('T', ' ')} UTC</time>`
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')
}
