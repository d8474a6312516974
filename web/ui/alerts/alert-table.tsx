// Alerts as rows; an open one shows its history and what can be done with it.
import type { ReadonlySignal, Signal } from '@preact/signals'
import { Fragment } from 'preact'
import type { JSX } from 'preact'
import { labelSetOf } from '../query/label-set.ts'
import { formatShort } from '../query/number-format.ts'
import { Icon } from '../widgets/icons.tsx'
import { LabelText } from '../widgets/label-text.tsx'
import type { ApiAlert, ApiPending } from './alert-api.ts'
import { AlertDetails } from './alert-details.tsx'
import { ageText, nextStepText, otherLabels, scrolling, summaryOf } from './alert-text.ts'

interface AlertTableProps {
  alerts: readonly ApiAlert[]
  /** Id of the one that is open. */
  open: Signal<string>
  /** Ids of those that are chosen; null where none can be. */
  chosen: Signal<ReadonlySet<string>> | null
  nowMs: ReadonlySignal<number>
  onChange: () => void
  /** The open one as it is now, whether the list has it or not. */
  onLoad: (alert: ApiAlert) => void
}

export function AlertTable({ alerts, open, chosen, nowMs, onChange, onLoad }: AlertTableProps): JSX.Element {
  return (
    <table class="data alerts" aria-label="Alerts">
      <thead>
        <tr><th scope="col" class="col-severity">Severity</th><th scope="col">Alert</th><th scope="col" class="col-value number">Value</th><th scope="col" class="col-since number">Since</th><th scope="col" class="col-next">Next</th></tr>
      </thead>
      <tbody>
        {alerts.map((alert) => {
          const isOpen = open.value === alert.alert_id
          return (
            <Fragment key={alert.alert_id}>
              <AlertRow alert={alert} isOpen={isOpen} chosen={chosen} nowMs={nowMs} onToggle={() => (open.value = isOpen ? '' : alert.alert_id)} />
              {isOpen && <tr class="details"><td colSpan={5}><AlertDetails alert={alert} onChange={onChange} onLoad={onLoad} /></td></tr>}
            </Fragment>
          )
        })}
      </tbody>
    </table>
  )
}

interface AlertRowProps extends Pick<AlertTableProps, 'chosen' | 'nowMs'> {
  alert: ApiAlert
  isOpen: boolean
  onToggle: () => void
}

function AlertRow({ alert, isOpen, chosen, nowMs, onToggle }: AlertRowProps): JSX.Element {
  const { status, severity, metric_value: value, resolved_at: resolvedAt, acknowledged_by: by } = alert
  const since = resolvedAt ?? alert.triggered_at ?? alert.pending_at
  const sinceMs = Date.parse(since)
  return (
    <tr class={`alert is-${status} ${isOpen ? 'is-expanded' : ''}`}>
      <td class="col-severity">{chosen !== null && <Chooser id={alert.alert_id} name={alert.rule_name} chosen={chosen} />}<SeverityMark severity={severity} /></td>
      <td class="col-alert">
        <button type="button" class="row-toggle" aria-expanded={isOpen} onClick={onToggle}><Icon name={isOpen ? 'down' : 'right'} /><span class="alert-name">{alert.rule_name}</span></button>
        {summaryOf(alert) && <p class="alert-summary" {...(isOpen ? scrolling(summaryOf(alert).length) : {})}>{summaryOf(alert)}</p>}
        <div class="alert-labels" {...(isOpen ? scrolling(JSON.stringify(alert.labels).length) : {})}><LabelText labels={otherLabels(alert.labels)} empty="" /></div>
      </td>
      <td class="col-value number">{typeof value === 'number' ? formatShort(value) : value ?? ''}</td>
      <td class="col-since number" title={since}><Ticking nowMs={nowMs} text={(at) => ageText(sinceMs, at, resolvedAt !== null)} /></td>
      <td class="col-next">
        {status === 'acknowledged' && <span class="taken">{by === '' ? 'Acknowledged' : `Acknowledged by ${by}`}; </span>}
        <Ticking nowMs={nowMs} text={(at) => nextStepText(alert, at)} />
      </td>
    </tr>
  )
}

function Chooser({ id, name, chosen }: { id: string; name: string; chosen: Signal<ReadonlySet<string>> }): JSX.Element {
  const toggle = (): void => {
    const next = new Set(chosen.peek())
    if (!next.delete(id)) next.add(id)
    chosen.value = next
  }
  return <input type="checkbox" class="chooser" aria-label={`Choose ${name}`} checked={chosen.value.has(id)} onChange={toggle} />
}

/** Text that goes with the clock: each second this is made anew, and not the row around it. */
function Ticking({ nowMs, text }: { nowMs: ReadonlySignal<number>; text: (nowMs: number) => string }): JSX.Element {
  return <>{text(nowMs.value)}</>
}

/** A severity as a shape of its own, not only a colour. */
function SeverityMark({ severity }: { severity: string }): JSX.Element {
  const kind = severity === 'critical' || severity === 'page' || severity === 'error' ? 'high' : severity === 'warning' ? 'middle' : 'low'
  return (
    <span class={`severity severity-${kind}`}>
      <svg class="glyph" viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
        {kind === 'high' && <rect x="1" y="1" width="8" height="8" />}
        {kind === 'middle' && <path d="M5 1 9.5 9h-9z" />}
        {kind === 'low' && <circle cx="5" cy="5" r="3.2" fill="none" stroke="currentColor" stroke-width="1.6" />}
      </svg>
      {severity || 'none'}
    </span>
  )
}

export function PendingTable({ alerts, nowMs }: { alerts: readonly ApiPending[]; nowMs: ReadonlySignal<number> }): JSX.Element {
  return (
    <table class="data alerts pending" aria-label="Pending alerts">
      <thead><tr><th scope="col" class="col-severity">Severity</th><th scope="col">Alert</th><th scope="col" class="col-value number">Value</th><th scope="col" class="col-since number">Pending for</th></tr></thead>
      <tbody>
        {alerts.map((alert) => (
          <tr class="alert" key={JSON.stringify(labelSetOf(alert.labels))}>
            <td class="col-severity"><SeverityMark severity={alert.labels['severity'] ?? ''} /></td>
            <td class="col-alert">
              <span class="alert-name">{alert.labels['alertname']}</span>
              {summaryOf(alert) && <p class="alert-summary">{summaryOf(alert)}</p>}
              <LabelText labels={otherLabels(alert.labels)} empty="" />
            </td>
            <td class="col-value number">{formatShort(Number(alert.value))}</td>
            <td class="col-since number"><Ticking nowMs={nowMs} text={(at) => ageText(Date.parse(alert.activeAt), at, false)} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
