// One alert: what can be done with it, and its history.
import { useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import { ApiError, isAbort } from '../api/fetch-api.ts'
import { formatTimestamp } from '../query/time-text.ts'
import { localHref } from '../shell/router.ts'
import { readerName, zone } from '../shell/settings.ts'
import { Popover } from '../widgets/popover.tsx'
import { AckForm } from './ack-form.tsx'
import { actOnAlert, fetchAlert, type ApiAlert } from './alert-api.ts'
import { eventText, scrolling } from './alert-text.ts'
import { SilenceForm } from './silence-form.tsx'

export function AlertDetails({ alert, onChange, onLoad }: { alert: ApiAlert; onChange: () => void; onLoad: (alert: ApiAlert) => void }): JSX.Element {
  const shown = useSignal(alert)
  const problem = useSignal('')
  const version = useSignal(0)
  const actions = useRef<HTMLDivElement>(null)
  const events = useRef<HTMLOListElement>(null)
  const fail = (error: unknown): void => {
    if (isAbort(error)) return
    if (!(error instanceof ApiError)) throw error
    problem.value = error.message
  }
  useSignalEffect(() => {
    void version.value
    const abort = new AbortController()
    fetchAlert(alert.alert_id, abort.signal).then((found) => {
      shown.value = found
      onLoad(found)
    }, fail)
    return () => abort.abort(new DOMException('closed', 'AbortError'))
  })
  // The button that was pressed may be gone.
  useEffect(() => {
    if (document.activeElement === document.body) actions.current?.querySelector('button')?.focus()
  }, [shown.value.status, shown.value.next_step?.receiver])
  // What happened last is at the end.
  const eventCount = shown.value.history?.length ?? 0
  useEffect(() => void (events.current!.scrollTop = events.current!.scrollHeight), [eventCount])
  // The list has news of it.
  useEffect(() => void version.value++, [alert.status, alert.next_step?.due_at, alert.suppressed?.kind])
  // What was refused was so for a reason that is to be seen: someone was quicker, or it has resolved.
  const act = (action: string, body: Readonly<Record<string, string | boolean>> = {}): void => {
    problem.value = ''
    actOnAlert(alert.alert_id, action, { by: readerName(), ...body }).catch(fail).then(() => {
      version.value++
      onChange()
    }, fail)
  }
  const { status, acknowledged_by: takenBy, generator_url: graph, next_step: step, rule_id: ruleId, feedback, history = [] } = shown.value
  return (
    <div class="alert-details">
      <div class="actions" ref={actions}>
        {status === 'open' && <Popover class="button primary" face="Acknowledge" align="start">{(close) => <AckForm onAck={(by, repageAfter) => (close(), act('ack', { by, ...(repageAfter !== '' && { repage_after: repageAfter }) }))} />}</Popover>}
        {status === 'acknowledged' && takenBy !== readerName() && <button type="button" class="button" onClick={() => act('ack', { take_over: true })}>Take it over</button>}
        {status === 'acknowledged' && <button type="button" class="button" onClick={() => act('unack')}>Give it back</button>}
        {step !== null && <button type="button" class="button" onClick={() => act('escalate')}>Page {step.receiver} now</button>}
        {(status === 'open' || status === 'acknowledged') && <Popover class="button" face="Silence" label="Silence alerts like this" align="start">{(close) => <SilenceForm labels={alert.labels} onDone={() => (close(), onChange())} />}</Popover>}
        {graph !== '' && <a class="button" href={localHref(graph)}>Graph</a>}
        {ruleId !== null && status !== 'expired' && <button type="button" class="button" disabled={feedback === 'false_positive'} onClick={() => act('feedback', { verdict: 'false_positive' })}>{feedback === 'false_positive' ? 'Judged a false alert' : 'It was a false alert'}</button>}
      </div>
      {problem.value && <p class="form-problem" role="alert">{problem}</p>}
      <Facts alert={shown.value} />
      <ol class="events" aria-label="History" ref={events} {...scrolling(history.reduce((sum, { detail }) => sum + HISTORY_LINE_CHARS + detail.length, 0))}>
        {history.map(({ time, kind, detail }, i) => (
          <li key={`${time}${kind}${i}`} class={`event event-${kind}`}>
            <time dateTime={time}>{formatTimestamp(Math.floor(Date.parse(time) / 1000) * 1000, zone.value)}</time>
            <span class="event-kind">{eventText(kind)}</span>
            <span class="event-detail">{detail}</span>
          </li>
        ))}
      </ol>
    </div>
  )
}

/** Of a line without its detail. */
const HISTORY_LINE_CHARS = 40

function Facts({ alert }: { alert: ApiAlert }): JSX.Element {
  return (
    <dl class="facts">
      {Object.entries(alert.annotations).map(([name, text]) => (
        <div key={name}><dt>{name}</dt><dd {...scrolling(text.length)}>{/^https?:\/\/\S+$/.test(text) ? <a href={text} target="_blank" rel="noreferrer">{text}</a> : text}</dd></div>
      ))}
    </dl>
  )
}
