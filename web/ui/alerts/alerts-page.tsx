// The alerts page: what fires, who has it, what comes next; acknowledge, escalate, silence; silences; what was.
import { useSignal, useSignalEffect, type ReadonlySignal, type Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import { ApiError, isAbort } from '../api/fetch-api.ts'
import { formatCount } from '../query/number-format.ts'
import { onLiveBeat } from '../shell/live.ts'
import { place, replaceSearch } from '../shell/router.ts'
import { Icon } from '../widgets/icons.tsx'
import { ALERTS_MAX, fetchAlerts, fetchPending, fetchSilences, type ApiAlert, type ApiPending, type ApiSilence } from './alert-api.ts'
import { AlertTable, PendingTable } from './alert-table.tsx'
import { inOrder, passesText } from './alert-text.ts'
import { PushSwitch } from './push-switch.tsx'
import { ReceiverHealth } from './receiver-health.tsx'
import { SilenceList } from './silence-list.tsx'

const VIEWS = ['open', 'acknowledged', 'pending', 'silences', 'resolved'] as const
type View = (typeof VIEWS)[number]
const VIEW_TEXT: Readonly<Record<View, string>> = { open: 'Firing', acknowledged: 'Acknowledged', pending: 'Pending', silences: 'Silences', resolved: 'Resolved' }

interface Found {
  open: readonly ApiAlert[]
  acknowledged: readonly ApiAlert[]
  pending: readonly ApiPending[]
  silences: readonly ApiSilence[]
  /** Only while they are looked at. */
  resolved: readonly ApiAlert[] | null
}

interface Loaded {
  found: Signal<Found | null>
  error: Signal<string>
  nowMs: Signal<number>
  load: () => void
}

/** Loads on entering, on each live beat and after each change; a failure keeps what there was. */
function useAlerts(view: ReadonlySignal<View>): Loaded {
  const found = useSignal<Found | null>(null)
  const error = useSignal('')
  const nowMs = useSignal(Date.now())
  const abort = useRef(new AbortController())
  const load = (): void => {
    const { signal } = abort.current
    const resolved = view.peek() === 'resolved' ? fetchAlerts('resolved', signal) : Promise.resolve(null)
    Promise.all([fetchAlerts('open', signal), fetchAlerts('acknowledged', signal), fetchPending(signal), fetchSilences(signal), resolved]).then(([open, acknowledged, pending, silences, old]) => {
      found.value = { open: inOrder(open), acknowledged: inOrder(acknowledged), pending, silences: silences.filter(({ status }) => status.state !== 'expired'), resolved: old }
      error.value = ''
    }, (failure: unknown) => {
      if (isAbort(failure)) return
      if (!(failure instanceof ApiError)) throw failure
      error.value = failure.message
    }).finally(() => (nowMs.value = Date.now()))
  }
  useSignalEffect(() => {
    void view.value
    load()
  })
  useEffect(() => {
    const stop = onLiveBeat(load)
    const ticker = setInterval(() => !document.hidden && (nowMs.value = Date.now()), 1000)
    return () => {
      stop()
      clearInterval(ticker)
      abort.current.abort(new DOMException('left the page', 'AbortError'))
    }
  }, [])
  return { found, error, nowMs, load }
}

export function AlertsPage(): JSX.Element {
  const asked = new URLSearchParams(place.peek().search)
  const view = useSignal<View>(VIEWS.find((one) => one === asked.get('view')) ?? 'open')
  const filter = useSignal(asked.get('search') ?? '')
  const { found, error, nowMs, load } = useAlerts(view)
  useSignalEffect(() => {
    const params = new URLSearchParams()
    if (view.value !== 'open') params.set('view', view.value)
    if (filter.value !== '') params.set('search', filter.value)
    replaceSearch(params.toString())
  })
  return (
    <>
      <h1 class="visually-hidden">Alerts</h1>
      <div class="filter-bar">
        <ViewTabs view={view} found={found} />
        <input type="search" class="filter" aria-label="Filter alerts" placeholder="Filter by name, label or summary" spellcheck={false} value={filter.value} onInput={(event) => (filter.value = event.currentTarget.value)} />
        <PushSwitch />
        <button type="button" class="button" onClick={load}><Icon name="refresh" />Refresh</button>
      </div>
      {error.value && <p class="notice notice-error" role="alert">{error}{found.value !== null && '. The list below is from before.'}</p>}
      <ReceiverHealth nowMs={nowMs} />
      {found.value === null && !error.value && <div class="skeleton table" />}
      {found.value !== null && <Shown found={found.value} view={view.value} filter={filter.value} nowMs={nowMs} onChange={load} />}
    </>
  )
}

function ViewTabs({ view, found }: { view: Signal<View>; found: ReadonlySignal<Found | null> }): JSX.Element {
  return (
    <div class="group" role="group" aria-label="Alerts shown">
      {VIEWS.map((one) => {
        const count = found.value?.[one]?.length
        return (
          <button type="button" key={one} class="button" aria-pressed={view.value === one} onClick={() => (view.value = one)}>
            {VIEW_TEXT[one]}{count !== undefined && one !== 'resolved' && <span class="count">{formatCount(count)}{count === ALERTS_MAX && '+'}</span>}
          </button>
        )
      })}
    </div>
  )
}

const EMPTY_TEXT: Readonly<Record<View, string>> = {
  open: 'Nothing fires that nobody has taken.', acknowledged: 'Nobody has taken an alert.', pending: 'No alert waits for its time to fire.', silences: 'No silence is active or planned. Make one from an alert.', resolved: 'No alert has ended within the time that history is kept.',
}

interface ShownProps {
  found: Found
  view: View
  filter: string
  nowMs: ReadonlySignal<number>
  onChange: () => void
}

function Shown({ found, view, filter, nowMs, onChange }: ShownProps): JSX.Element {
  const open = useSignal('')
  const total = found[view]?.length
  if (total === undefined) return <div class="skeleton table" />
  if (total === 0) return <div class="empty" role="status"><p>{EMPTY_TEXT[view]}</p></div>
  if (view === 'silences') return <SilenceList silences={found.silences} nowMs={nowMs} onChange={onChange} />
  if (view === 'pending') return <PendingTable alerts={found.pending.filter((alert) => passesText(alert, filter))} nowMs={nowMs} />
  const shown = found[view]!.filter((alert) => passesText(alert, filter))
  return (
    <>
      {shown.length === 0 && <div class="empty" role="status"><p>None of {formatCount(total)} passes the filter.</p></div>}
      {shown.length > 0 && <AlertTable alerts={shown} open={open} nowMs={nowMs} onChange={onChange} />}
      {total === ALERTS_MAX && <p class="muted more">The newest {formatCount(ALERTS_MAX)} are shown; <code>/api/alerts</code> has all of them, page by page.</p>}
    </>
  )
}
