// What the alerts page shows, loaded on entering, on each live beat, when the search changes and after each change. An answer
// that a later question has overtaken is dropped; a failure keeps what there was.
import { useSignal, useSignalEffect, type ReadonlySignal, type Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { ApiError, isAbort } from '../api/fetch-api.ts'
import { onLiveBeat } from '../shell/live.ts'
import { serverNowMs } from '../shell/server-clock.ts'
import { countPending, fetchCurrent, fetchEnded, fetchPending, fetchSilences, type ApiPending, type ApiSilence, type CurrentAlerts, type EndedAlerts } from './alert-api.ts'
import { isWhole, type AlertScope } from './alert-scope.ts'
import { newsText } from './alert-text.ts'

export const VIEWS = ['open', 'acknowledged', 'pending', 'silences', 'resolved'] as const
export type View = (typeof VIEWS)[number]

export interface Found {
  /** What it was asked with. */
  search: string
  scope: AlertScope
  view: View
  open: CurrentAlerts
  acknowledged: CurrentAlerts
  silences: readonly ApiSilence[]
  pendingCount: number | null
  /** These only while they are looked at. */
  pending: readonly ApiPending[] | null
  /** Of the view of pending alerts, those that never fired; of that of resolved ones, these. */
  ended: EndedAlerts | null
  /** By performance.now(): until then a beat does not ask for these again. */
  endedUntil: number
  /** The last ids of the pages before the one of `ended`. */
  turned: readonly string[]
}

export interface Asked {
  view: ReadonlySignal<View>
  search: ReadonlySignal<string>
  scope: ReadonlySignal<AlertScope>
  /** Of the pages of ended alerts that were turned, the last ids. */
  turned: ReadonlySignal<readonly string[]>
  /** How many alerts to show. */
  limit: ReadonlySignal<number>
}

export interface Loaded {
  found: Signal<Found | null>
  error: Signal<string>
  /** By the server's clock. */
  nowMs: Signal<number>
  /** New alerts, for those who do not see the page. */
  news: Signal<string>
  load: () => void
}

/** Rest after a key before the server is asked. */
const TYPING_MS = 200
const ANSWER_MS_MAX = 20_000
/** A search through the history of a year takes the store half a second: beats repeat it after so many times what it took. */
const REST_TIMES = 20

export function useAlerts(asked: Asked): Loaded {
  const found = useSignal<Found | null>(null)
  const error = useSignal('')
  const nowMs = useSignal(serverNowMs())
  const news = useSignal('')
  const running = useRef<AbortController | null>(null)
  const lastSearch = useRef('')
  const ask = (isBeat: boolean): void => {
    running.current?.abort(new DOMException('asked anew', 'AbortError'))
    const abort = new AbortController()
    running.current = abort
    lastSearch.current = asked.search.peek()
    const before = found.peek()
    fetchAll(asked, isBeat ? before : null, AbortSignal.any([abort.signal, AbortSignal.timeout(ANSWER_MS_MAX)])).then((now) => {
      if (before !== null && before.search === now.search && before.scope === now.scope) news.value = newsText(before.open.data, now.open.data) || news.peek()
      found.value = now
      error.value = ''
    }, (failure: unknown) => {
      if (isAbort(failure)) return
      if (failure instanceof DOMException && failure.name === 'TimeoutError') error.value = 'the server does not answer'
      else if (failure instanceof ApiError) error.value = failure.message
      else throw failure
    }).finally(() => {
      if (running.current === abort) running.current = null
      nowMs.value = serverNowMs()
    })
  }
  const load = (): void => ask(false)
  useSignalEffect(() => {
    void asked.view.value
    void asked.limit.value
    void asked.scope.value
    void asked.turned.value
    load()
  })
  useSignalEffect(() => {
    if (asked.search.value === lastSearch.current) return undefined
    const timer = setTimeout(load, TYPING_MS)
    return () => clearTimeout(timer)
  })
  useEffect(() => {
    // A slow answer is waited for.
    const stop = onLiveBeat(() => running.current === null && ask(true))
    const ticker = setInterval(() => !document.hidden && (nowMs.value = serverNowMs()), 1000)
    return () => {
      stop()
      clearInterval(ticker)
      running.current?.abort(new DOMException('left the page', 'AbortError'))
    }
  }, [])
  return { found, error, nowMs, news, load }
}

/** `known`: what was found, where a beat asks for news of the same. */
async function fetchAll({ view, search, scope, turned, limit }: Asked, known: Found | null, signal: AbortSignal): Promise<Found> {
  const at = view.peek()
  const current = { search: search.peek(), scope: scope.peek(), limit: limit.peek() }
  const pages = turned.peek()
  const [open, acknowledged, silences, pendingCount, pending, ended] = await Promise.all([
    fetchCurrent('open', current, signal), fetchCurrent('acknowledged', current, signal), fetchSilences(signal), countPending(signal),
    at === 'pending' ? fetchPending(current.scope, signal) : null, askEnded(at, { search: current.search, scope: current.scope, turned: pages }, known, signal),
  ])
  return { search: current.search, scope: current.scope, open, acknowledged, silences, pendingCount: isWhole(current.scope) ? pending?.length ?? pendingCount : pendingCount, view: at, pending, ...ended, turned: pages }
}

async function askEnded(view: View, { search, scope, turned }: Pick<Found, 'search' | 'scope' | 'turned'>, known: Found | null, signal: AbortSignal): Promise<Pick<Found, 'ended' | 'endedUntil'>> {
  if (view !== 'pending' && view !== 'resolved') return { ended: null, endedUntil: 0 }
  const from = performance.now()
  const isSame = known !== null && known.view === view && known.search === search && known.scope === scope && known.turned === turned
  if (isSame && from < known.endedUntil) return { ended: known.ended, endedUntil: known.endedUntil }
  const status = view === 'pending' ? 'expired' : 'resolved'
  const ended = await fetchEnded(status, { search, scope, afterId: turned.at(-1) ?? '' }, signal)
  const now = performance.now()
  return { ended, endedUntil: now + REST_TIMES * (now - from) }
}
