// The alerts page: what fires, who has it, what comes next; acknowledge, escalate, silence; silences; what was.
import { batch, useSignal, useSignalEffect, type ReadonlySignal, type Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import { formatCount } from '../query/number-format.ts'
import { hrefWith, place, replaceSearch } from '../shell/router.ts'
import { Icon } from '../widgets/icons.tsx'
import { Popover } from '../widgets/popover.tsx'
import type { ApiAlert } from './alert-api.ts'
import { isWhole, scopeOf, scopeParams, type AlertScope } from './alert-scope.ts'
import { AlertTable, PendingTable } from './alert-table.tsx'
import { passesText } from './alert-text.ts'
import { BulkBar } from './bulk-ack.tsx'
import { PushSwitch } from './push-switch.tsx'
import { ReceiverHealth } from './receiver-health.tsx'
import { ScopeBar } from './scope-bar.tsx'
import { SilenceForm } from './silence-form.tsx'
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
  const scope = useSignal<AlertScope>(scopeOf(asked))
  const turned = useSignal<readonly string[]>([])
  const limit = useSignal(SHOWN_STEP)
  const { found, error, nowMs, news, load } = useAlerts({ view, search, scope, turned, limit })
  useSignalEffect(() => {
    const params = new URLSearchParams(scopeParams(scope.value))
    if (view.value !== 'open') params.set('view', view.value)
    if (search.value !== '') params.set('search', search.value)
    replaceSearch(params.toString())
  })
  return (
    <>
      <h1 class="visually-hidden">Alerts</h1>
      <div class="filter-bar">
        <ViewTabs view={view} found={found} onChoose={(one) => batch(() => ((view.value = one), (turned.value = [])))} />
        <input type="search" class="filter" aria-label="Filter alerts" placeholder="Filter by name, label or summary" spellcheck={false} value={search.value} onInput={({ currentTarget: { value } }) => batch(() => ((search.value = value), (turned.value = [])))} />
        <PushSwitch />
        <button type="button" class="button" onClick={load}><Icon name="refresh" />Refresh</button>
      </div>
      <p class="visually-hidden" role="status">{news}</p>
      {error.value && <p class="notice notice-error" role="alert">{error}{found.value !== null && '. The list below is from before.'}</p>}
      {view.value !== 'silences' && <ScopeBar scope={scope.value} onChange={(one) => batch(() => ((scope.value = one), (turned.value = [])))} />}
      <ReceiverHealth nowMs={nowMs} />
      {found.value === null && !error.value && <div class="skeleton table" />}
      {found.value !== null && <Shown found={found.value} view={view.value} asked={{ search: search.value, scope: scope.value }} limit={limit} turned={turned} nowMs={nowMs} onChange={load} />}
    </>
  )
}

function countIn(found: Found | null, view: View): number | undefined {
  if (found === null || view === 'resolved') return undefined
  if (view === 'pending') return found.pendingCount ?? undefined
  return view === 'silences' ? found.silences.length : found.open[view]
}

function ViewTabs({ view, found, onChoose }: { view: ReadonlySignal<View>; found: ReadonlySignal<Found | null>; onChoose: (view: View) => void }): JSX.Element {
  return (
    <div class="group" role="group" aria-label="Alerts shown">
      {VIEWS.map((one) => {
        const count = countIn(found.value, one)
        return (
          <button type="button" key={one} class="button" aria-pressed={view.value === one} onClick={() => onChoose(one)}>
            {VIEW_TEXT[one]}{count !== undefined && <span class="count">{formatCount(count)}</span>}
          </button>
        )
      })}
    </div>
  )
}

const EMPTY_TEXT: Readonly<Record<View, string>> = {
  open: 'Nothing fires that nobody has taken.', acknowledged: 'Nobody has taken an alert.', pending: 'No alert waits for its time to fire.', silences: 'No silence is active or planned. Make one here, or of an alert\'s labels from the alert.', resolved: 'No alert has ended within the time that history is kept.',
}

interface ShownProps {
  found: Found
  view: View
  asked: { search: string; scope: AlertScope }
  limit: Signal<number>
  turned: Signal<readonly string[]>
  nowMs: ReadonlySignal<number>
  onChange: () => void
}

function Shown({ found, view, asked: { search, scope }, limit, turned, nowMs, onChange }: ShownProps): JSX.Element {
  switch (view) {
    case 'silences': {
      const silences = found.silences.filter((silence) => passesSilence(silence, search))
      return (
        <>
          <div class="silence-new"><Popover class="button" face="New silence" label="New silence" align="start">{(close) => <SilenceForm labels={null} onDone={() => (close(), onChange())} />}</Popover></div>
          {silences.length === 0 ? <Empty text={found.silences.length === 0 ? EMPTY_TEXT.silences : noneOf(found.silences.length)} /> : <SilenceList silences={silences} nowMs={nowMs} onChange={onChange} />}
        </>
      )
    }
    case 'pending': {
      if (found.pending === null) return <div class="skeleton table" />
      const passing = found.pending.filter((alert) => passesText(alert, search))
      return (
        <>
          {passing.length === 0 ? <Empty text={found.pending.length > 0 ? noneOf(found.pending.length) : isWhole(found.scope) ? EMPTY_TEXT.pending : 'None passes the filter.'} /> : <PendingTable alerts={passing.slice(0, limit.value)} nowMs={nowMs} />}
          <More limit={limit} passCount={passing.length} order="" />
          <p class="muted more"><a href={hrefWith('query', { 'g0.expr': 'ALERTS{alertstate="pending"}', 'g0.tab': 'graph', 'g0.range_input': '1d' })} data-route="">What was pending in the last day, fired or not</a></p>
          <h2 class="ended-head">Ended without firing</h2>
          <Ended found={found} view="pending" emptyText="No alert has waited in vain within the time that history is kept." asked={{ search, scope }} turned={turned} nowMs={nowMs} onChange={onChange} />
        </>
      )
    }
    case 'resolved': return <Ended found={found} view={view} emptyText={EMPTY_TEXT.resolved} asked={{ search, scope }} turned={turned} nowMs={nowMs} onChange={onChange} />
    case 'open': case 'acknowledged': return <Current key={view} found={found} view={view} asked={{ search, scope }} limit={limit} nowMs={nowMs} onChange={onChange} />
  }
}

/** What passes is known by the server; until it has answered, what of that passes what was typed since. */
function Current({ found, view, asked: { search, scope }, limit, nowMs, onChange }: Omit<ShownProps, 'turned'> & { view: 'open' | 'acknowledged' }): JSX.Element {
  const chosen = useSignal<ReadonlySet<string>>(new Set())
  const current = found[view]
  const isAnswered = found.search === search && found.scope === scope
  const passing = isAnswered ? current.data : current.data.filter((alert) => passesText(alert, search))
  const passCount = isAnswered ? current.total : passing.length
  const total = found.open[view]
  return (
    <>
      {view === 'open' && passing.length > 1 && <BulkBar chosen={chosen} listed={passing.map(({ alert_id: id }) => id)} passCount={passCount} asOf={current.now} search={search} scope={scope} onChange={onChange} />}
      <Alerts alerts={passing} chosen={view === 'open' && passing.length > 1 ? chosen : null} emptyText={total === 0 ? EMPTY_TEXT[view] : noneOf(total)} isNarrowed={search !== '' || !isWhole(scope)} nowMs={nowMs} onChange={onChange} />
      <More limit={limit} passCount={passCount} order=", the most severe first" />
    </>
  )
}

/** A page at a time, the newest first; the server looks through all pages for what is searched. What is told of the page, and where its buttons lead, is of the one shown: another may be on its way. */
function Ended({ found, view, emptyText, asked: { search, scope }, turned, nowMs, onChange }: Omit<ShownProps, 'limit'> & { emptyText: string }): JSX.Element {
  if (found.ended === null || found.view !== view) return <div class="skeleton table" />
  const { data, next } = found.ended
  const isAnswered = found.search === search && found.scope === scope
  const isNarrowed = search !== '' || !isWhole(scope)
  const passing = isAnswered ? data : data.filter((alert) => passesText(alert, search))
  const before = found.turned
  const isPaged = before.length > 0 || next !== null
  return (
    <>
      <Alerts key={before.at(-1) ?? ''} alerts={passing} chosen={null} emptyText={isAnswered ? (!isNarrowed ? emptyText : next !== null ? 'None found so far: there are older ones to look through.' : 'None passes the filter.') : noneOf(data.length)} isNarrowed={isNarrowed} nowMs={nowMs} onChange={onChange} />
      {isPaged && (
        <p class="muted more">
          {`Page ${formatCount(before.length + 1)}, ${formatCount(data.length)} alerts. `}
          <button type="button" class="button" disabled={before.length === 0} onClick={() => (turned.value = before.slice(0, -1))}>Newer</button>
          <button type="button" class="button" disabled={next === null} onClick={() => (turned.value = [...before, next!])}>Older</button>
        </p>
      )}
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
  chosen: Signal<ReadonlySet<string>> | null
  emptyText: string
  isNarrowed: boolean
  nowMs: ReadonlySignal<number>
  onChange: () => void
}

/** The one that is open stays where it is when it leaves the list, by whoever's hand: nobody loses what they type there. */
function Alerts({ alerts, chosen, emptyText, isNarrowed, nowMs, onChange }: AlertsProps): JSX.Element {
  const open = useSignal('')
  const latest = useSignal<ApiAlert | null>(null)
  const index = useRef(0)
  // Who comes by an address that leads to one alert wants to see that.
  useEffect(() => {
    if (isNarrowed && alerts.length === 1) open.value = alerts[0]!.alert_id
  }, [])
  const at = alerts.findIndex(({ alert_id: id }) => id === open.value)
  if (at >= 0) index.current = at
  const stays = open.value !== '' && at < 0 && latest.value?.alert_id === open.value ? [latest.value] : []
  const shown = [...alerts.slice(0, index.current), ...stays, ...alerts.slice(index.current)]
  if (shown.length === 0) return <Empty text={emptyText} />
  return <AlertTable alerts={shown} open={open} chosen={chosen} nowMs={nowMs} onChange={onChange} onLoad={(alert) => (latest.value = alert)} />
}
