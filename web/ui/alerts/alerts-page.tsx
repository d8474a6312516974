// The alerts page: what fires, who has it, what comes next; acknowledge, escalate, silence; silences; what was.
import { useSignal, useSignalEffect, type ReadonlySignal, type Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import { formatCount } from '../query/number-format.ts'
import { place, replaceSearch } from '../shell/router.ts'
import { Icon } from '../widgets/icons.tsx'
import { RESOLVED_MAX, type ApiAlert, type ApiPending } from './alert-api.ts'
import { AlertTable, PendingTable } from './alert-table.tsx'
import { passesText } from './alert-text.ts'
import { PushSwitch } from './push-switch.tsx'
import { ReceiverHealth } from './receiver-health.tsx'
import { passesSilence, SilenceList } from './silence-list.tsx'
import { useAlerts, VIEWS, type Found, type View } from './use-alerts.ts'

const VIEW_TEXT: Readonly<Record<View, string>> = { open: 'Firing', acknowledged: 'Acknowledged', pending: 'Pending', silences: 'Silences', resolved: 'Resolved' }
/** Alerts shown at first, and how many more at a time; the server gives 1,000 at most. */
const SHOWN_STEP = 200
const SHOWN_MAX = 1000

export function AlertsPage(): JSX.Element {
  const asked = new URLSearchParams(place.peek().search)
  const view = useSignal<View>(VIEWS.find((one) => one === asked.get('view')) ?? 'open')
  const search = useSignal(asked.get('search') ?? '')
  const limit = useSignal(SHOWN_STEP)
  const { found, error, nowMs, news, load } = useAlerts({ view, search, limit })
  useSignalEffect(() => {
    const params = new URLSearchParams()
    if (view.value !== 'open') params.set('view', view.value)
    if (search.value !== '') params.set('search', search.value)
    replaceSearch(params.toString())
  })
  return (
    <>
      <h1 class="visually-hidden">Alerts</h1>
      <div class="filter-bar">
        <ViewTabs view={view} found={found} />
        <input type="search" class="filter" aria-label="Filter alerts" placeholder="Filter by name, label or summary" spellcheck={false} value={search.value} onInput={(event) => (search.value = event.currentTarget.value)} />
        <PushSwitch />
        <button type="button" class="button" onClick={load}><Icon name="refresh" />Refresh</button>
      </div>
      <p class="visually-hidden" role="status">{news}</p>
      {error.value && <p class="notice notice-error" role="alert">{error}{found.value !== null && '. The list below is from before.'}</p>}
      <ReceiverHealth nowMs={nowMs} />
      {found.value === null && !error.value && <div class="skeleton table" />}
      {found.value !== null && <Shown found={found.value} view={view.value} search={search.value} limit={limit} nowMs={nowMs} onChange={load} />}
    </>
  )
}

function countIn(found: Found | null, view: View): number | undefined {
  if (found === null || view === 'resolved') return undefined
  if (view === 'pending') return found.pendingCount ?? undefined
  return view === 'silences' ? found.silences.length : found.open[view]
}

function ViewTabs({ view, found }: { view: Signal<View>; found: ReadonlySignal<Found | null> }): JSX.Element {
  return (
    <div class="group" role="group" aria-label="Alerts shown">
      {VIEWS.map((one) => {
        const count = countIn(found.value, one)
        return (
          <button type="button" key={one} class="button" aria-pressed={view.value === one} onClick={() => (view.value = one)}>
            {VIEW_TEXT[one]}{count !== undefined && <span class="count">{formatCount(count)}</span>}
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
  search: string
  limit: Signal<number>
  nowMs: ReadonlySignal<number>
  onChange: () => void
}

/** What passes is known by the server; until it has answered, what of that passes what was typed since. */
function Shown({ found, view, search, limit, nowMs, onChange }: ShownProps): JSX.Element {
  if (view === 'silences') {
    const silences = found.silences.filter((silence) => passesSilence(silence, search))
    if (silences.length === 0) return <Empty text={found.silences.length === 0 ? EMPTY_TEXT.silences : noneOf(found.silences.length)} />
    return <SilenceList silences={silences} nowMs={nowMs} onChange={onChange} />
  }
  const current = view === 'open' || view === 'acknowledged' ? found[view] : null
  const list = current?.data ?? (view === 'pending' ? found.pending : found.resolved)
  if (list === null) return <div class="skeleton table" />
  const isAnswered = current !== null && found.search === search
  const passing = isAnswered ? list : list.filter((alert) => passesText(alert, search))
  const total = current === null ? list.length : found.open[view as 'open' | 'acknowledged']
  const emptyText = total === 0 ? EMPTY_TEXT[view] : noneOf(total)
  return (
    <>
      {view === 'pending'
        ? passing.length === 0 ? <Empty text={emptyText} /> : <PendingTable alerts={(passing as readonly ApiPending[]).slice(0, limit.value)} nowMs={nowMs} />
        : <Alerts key={view} alerts={passing as readonly ApiAlert[]} emptyText={emptyText} isSearched={search !== ''} nowMs={nowMs} onChange={onChange} />}
      {view === 'resolved' && list.length === RESOLVED_MAX && <p class="muted more">The newest {formatCount(RESOLVED_MAX)} are shown; <code>/api/alerts</code> has all of them, page by page.</p>}
      {view !== 'resolved' && <More limit={limit} passCount={isAnswered ? current.total : passing.length} order={current === null ? '' : ', the most severe first'} />}
    </>
  )
}

function noneOf(count: number): string {
  return `None of ${formatCount(count)} passes the filter.`
}

function Empty({ text }: { text: string }): JSX.Element {
  return <div class="empty" role="status"><p>{text}</p></div>
}

function More({ limit, passCount, order }: { limit: Signal<number>; passCount: number; order: string }): JSX.Element | null {
  if (passCount <= limit.value) return null
  return (
    <p class="muted more">
      {`${formatCount(limit.value)} of ${formatCount(passCount)} are shown${order}. `}
      {limit.value < SHOWN_MAX ? <button type="button" class="button" onClick={() => (limit.value += SHOWN_STEP)}>Show {formatCount(SHOWN_STEP)} more</button> : 'Filter to see others.'}
    </p>
  )
}

interface AlertsProps {
  alerts: readonly ApiAlert[]
  emptyText: string
  isSearched: boolean
  nowMs: ReadonlySignal<number>
  onChange: () => void
}

/** The one that is open stays where it is when it leaves the list, by whoever's hand: nobody loses what they type there. */
function Alerts({ alerts, emptyText, isSearched, nowMs, onChange }: AlertsProps): JSX.Element {
  const open = useSignal('')
  const latest = useSignal<ApiAlert | null>(null)
  const index = useRef(0)
  // Who comes by an address that leads to one alert wants to see that.
  useEffect(() => {
    if (isSearched && alerts.length === 1) open.value = alerts[0]!.alert_id
  }, [])
  const at = alerts.findIndex(({ alert_id: id }) => id === open.value)
  if (at >= 0) index.current = at
  const stays = open.value !== '' && at < 0 && latest.value?.alert_id === open.value ? [latest.value] : []
  const shown = [...alerts.slice(0, index.current), ...stays, ...alerts.slice(index.current)]
  if (shown.length === 0) return <Empty text={emptyText} />
  return <AlertTable alerts={shown} open={open} nowMs={nowMs} onChange={onChange} onLoad={(alert) => (latest.value = alert)} />
}
