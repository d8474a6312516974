// The targets page: every pool with its targets, their state, last scrape and last error; filter by text and state.
import { useComputed, useSignal, useSignalEffect, type ReadonlySignal, type Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import { ApiError, isAbort } from '../api/fetch-api.ts'
import { fetchTargets, type ApiTarget } from '../api/queries.ts'
import { labelSetOf } from '../query/label-set.ts'
import { countOf, formatCount } from '../query/number-format.ts'
import { formatSpan } from '../query/time-text.ts'
import { onLiveBeat } from '../shell/live.ts'
import { place, replaceSearch } from '../shell/router.ts'
import { serverNowMs } from '../shell/server-clock.ts'
import { Icon } from '../widgets/icons.tsx'
import { LabelText } from '../widgets/label-text.tsx'
import { useRowWindow } from '../widgets/virtual-rows.ts'
import { countHealths, decodeFilter, encodeFilter, HEALTHS, listRows, scrapeAgeMs, type Health, type TargetFilter, type TargetRow } from './target-list.ts'

const ROW_HEIGHT = 32

interface Loaded {
  targets: Signal<readonly ApiTarget[] | null>
  error: Signal<string>
  isLoading: Signal<boolean>
  nowMs: Signal<number>
  load: () => void
}

/** Loads on entering and on each live beat; a failure keeps the old list. */
function useTargets(): Loaded {
  const targets = useSignal<readonly ApiTarget[] | null>(null)
  const error = useSignal('')
  const isLoading = useSignal(false)
  const nowMs = useSignal(serverNowMs())
  const abort = useRef(new AbortController())
  const load = (): void => {
    if (isLoading.peek()) return
    isLoading.value = true
    fetchTargets(abort.current.signal).then((found) => {
      targets.value = found
      error.value = ''
    }, (failure: unknown) => {
      if (isAbort(failure)) return
      if (!(failure instanceof ApiError)) throw failure
      error.value = failure.message
    }).finally(() => {
      nowMs.value = serverNowMs()
      isLoading.value = false
    })
  }
  useEffect(() => {
    load()
    const stop = onLiveBeat(load)
    const ticker = setInterval(() => !document.hidden && (nowMs.value = serverNowMs()), 1000)
    return () => {
      stop()
      clearInterval(ticker)
      abort.current.abort(new DOMException('left the page', 'AbortError'))
    }
  }, [])
  return { targets, error, isLoading, nowMs, load }
}

export function TargetsPage(): JSX.Element {
  const { targets, error, isLoading, nowMs, load } = useTargets()
  const filter = useSignal<TargetFilter>(decodeFilter(place.peek().search))
  const closed = useSignal<ReadonlySet<string>>(new Set())
  const rows = useComputed(() => listRows(targets.value ?? [], filter.value, closed.value))
  const counts = useComputed(() => countHealths(targets.value ?? []))
  useSignalEffect(() => replaceSearch(encodeFilter(filter.value)))
  const togglePool = (pool: string): void => {
    const next = new Set(closed.peek())
    if (!next.delete(pool)) next.add(pool)
    closed.value = next
  }
  const isEmpty = targets.value !== null && rows.value.length === 0
  return (
    <>
      <h1 class="visually-hidden">Targets</h1>
      <div class="filter-bar">
        <HealthFilter filter={filter} counts={counts} />
        <FilterField filter={filter} />
        <button type="button" class="button" disabled={isLoading.value && targets.value === null} onClick={load}><Icon name="refresh" />Refresh</button>
      </div>
      {error.value && <p class="notice notice-error" role="alert">{error}{targets.value !== null && '. The list below is from before.'}</p>}
      {targets.value === null && !error.value && <div class="skeleton table" />}
      {rows.value.length > 0 && <TargetTable rows={rows} nowMs={nowMs} isStale={error.value !== ''} onPool={togglePool} />}
      {isEmpty && <NoTargets total={targets.value?.length ?? 0} onClear={() => (filter.value = { text: '', healths: new Set() })} />}
    </>
  )
}

const HEALTH_TEXT: Readonly<Record<Health, string>> = { up: 'Up', down: 'Down', unknown: 'Unknown' }

function HealthFilter({ filter, counts }: { filter: Signal<TargetFilter>; counts: ReadonlySignal<Record<Health, number>> }): JSX.Element {
  const toggle = (health: Health): void => {
    const healths = new Set(filter.peek().healths)
    if (!healths.delete(health)) healths.add(health)
    filter.value = { ...filter.peek(), healths }
  }
  return (
    <div class="group" role="group" aria-label="State">
      {HEALTHS.map((health) => (
        <button type="button" key={health} class="button" aria-pressed={filter.value.healths.has(health)} onClick={() => toggle(health)}>
          <HealthGlyph health={health} />{HEALTH_TEXT[health]}<span class="count">{formatCount(counts.value[health])}</span>
        </button>
      ))}
    </div>
  )
}

function FilterField({ filter }: { filter: Signal<TargetFilter> }): JSX.Element {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLElement && event.target.closest('input, textarea') !== null
      if (event.key !== '/' || isTyping) return
      event.preventDefault()
      field.current?.focus()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
  return (
    <input
      ref={field} type="search" class="filter" aria-label="Filter targets" placeholder="Filter by URL, label or error   /" spellcheck={false}
      value={filter.value.text} onInput={(event) => (filter.value = { ...filter.peek(), text: event.currentTarget.value })}
    />
  )
}

/** A state as a shape of its own, not only a colour. */
function HealthGlyph({ health }: { health: Health }): JSX.Element {
  return (
    <svg class={`glyph glyph-${health}`} viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
      {health === 'up' && <circle cx="5" cy="5" r="4" />}
      {health === 'down' && <rect x="1" y="1" width="8" height="8" />}
      {health === 'unknown' && <circle cx="5" cy="5" r="3.2" fill="none" stroke="currentColor" stroke-width="1.6" />}
    </svg>
  )
}

interface TargetTableProps {
  rows: ReadonlySignal<readonly ReturnType<typeof listRows>[number][]>
  nowMs: ReadonlySignal<number>
  isStale: boolean
  onPool: (pool: string) => void
}

function TargetTable({ rows, nowMs, isStale, onPool }: TargetTableProps): JSX.Element {
  const body = useRef<HTMLTableSectionElement>(null)
  const view = useRowWindow(body, rows.value.length, ROW_HEIGHT)
  const pad = (height: number): JSX.Element | null =>
    height > 0 ? <tr aria-hidden="true" class="pad"><td colSpan={5} style={{ height: `${height}px` }} /></tr> : null
  return (
    <table class={`data targets ${view.isVirtual ? 'is-virtual' : ''} ${isStale ? 'is-stale' : ''}`} aria-label="Targets" aria-rowcount={rows.value.length + 1}>
      <thead>
        <tr>
          <th scope="col" class="col-state">State</th><th scope="col" class="col-url">Endpoint</th><th scope="col">Labels</th>
          <th scope="col" class="col-age number">Last scrape</th><th scope="col" class="col-took number">Duration</th>
        </tr>
      </thead>
      <tbody ref={body}>
        {pad(view.padTop)}
        {rows.value.slice(view.first, view.last).map((row) => row.kind === 'target'
          ? <TargetLine key={`${row.target.scrapePool}\n${row.target.scrapeUrl}\n${JSON.stringify(row.target.labels)}`} row={row} nowMs={nowMs} />
          : (
            <tr class="pool" key={row.pool}>
              <th scope="rowgroup" colSpan={5}>
                <button type="button" aria-expanded={row.isOpen} onClick={() => onPool(row.pool)}>
                  <Icon name={row.isOpen ? 'down' : 'right'} /><span class="pool-name">{row.pool}</span>
                  <span class={row.upCount === row.count ? 'muted' : 'pool-down'}>{`${formatCount(row.upCount)} of ${formatCount(row.count)} up`}</span>
                </button>
              </th>
            </tr>
          ))}
        {pad(view.padBottom)}
      </tbody>
    </table>
  )
}

function TargetLine({ row, nowMs }: { row: TargetRow; nowMs: ReadonlySignal<number> }): JSX.Element {
  const { target, health } = row
  const ageMs = scrapeAgeMs(target, nowMs.value)
  return (
    <tr class={`target is-${health} ${target.lastError ? 'has-error' : ''}`}>
      <td class="col-state"><span class="state"><HealthGlyph health={health} />{HEALTH_TEXT[health]}</span></td>
      <td class="col-url"><a href={target.globalUrl ?? target.scrapeUrl} target="_blank" rel="noreferrer">{target.scrapeUrl}</a></td>
      <td class="col-labels">
        <LabelText labels={labelSetOf(target.labels)} />
        {target.lastError && <p class="target-error" title={target.lastError}>{target.lastError}</p>}
      </td>
      <td class="col-age number">{ageMs === undefined ? 'never' : `${formatSpan(ageMs)} ago`}</td>
      <td class="col-took number">{ageMs === undefined ? '' : formatSpan(target.lastScrapeDuration * 1000)}</td>
    </tr>
  )
}

function NoTargets({ total, onClear }: { total: number; onClear: () => void }): JSX.Element {
  return (
    <div class="empty" role="status">
      {total > 0
        ? <p>None of {countOf(total, 'target')} passes the filter. <button type="button" class="button" onClick={onClear}>Clear the filter</button></p>
        : <p>No targets. Add one under <code>scrape_configs</code> in the configuration file and reload.</p>}
    </div>
  )
}
