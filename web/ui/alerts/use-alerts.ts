// What the alerts page shows, loaded on entering, on each live beat, when the search changes and after each change. An answer
// that a later question has overtaken is dropped; a failure keeps what there was.
import { useSignal, useSignalEffect, type ReadonlySignal, type Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { ApiError, isAbort } from '../api/fetch-api.ts'
import { onLiveBeat } from '../shell/live.ts'
import { serverNowMs } from '../shell/server-clock.ts'
import { countPending, fetchCurrent, fetchEnded, fetchPending, fetchSilences, type ApiPending, type ApiSilence, type CurrentAlerts, type EndedAlerts } from './alert-api.ts'
import type { AlertScope } from './alert-scope.ts'
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

export function useAlerts(asked: Asked): Loaded {
  const found = useSignal<Found | null>(null)
  const error = useSignal('')
  const nowMs = useSignal(serverNowMs())
  const news = useSignal('')
  const running = useRef<AbortController | null>(null)
  const lastSearch = useRef('')
  const load = (): void => {
    running.current?.abort(new DOMException('asked anew', 'AbortError'))
    const abort = new AbortController()
    running.current = abort
    lastSearch.current = asked.search.peek()
    ask(asked, AbortSignal.any([abort.signal, AbortSignal.timeout(ANSWER_MS_MAX)])).then((now) => {
      const before = found.peek()
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
    const stop = onLiveBeat(() => running.current === null && load())
    const ticker = setInterval(() => !document.hidden && (nowMs.value = serverNowMs()), 1000)
    return () => {
      stop()
      clearInterval(ticker)
      running.current?.abort(new DOMException('left the page', 'AbortError'))
    }
  }, [])
  return { found, error, nowMs, news, load }
}

async function ask({ view, search, scope, turned, limit }: Asked, signal: AbortSignal): Promise<Found> {
  const at = view.peek()
  const current = { search: search.peek(), scope: scope.peek(), limit: limit.peek() }
  const before = turned.peek()
  const endedStatus = at === 'pending' ? 'expired' : at === 'resolved' ? 'resolved' : null
  const [open, acknowledged, silences, pendingCount, pending, ended] = await Promise.all([
    fetchCurrent('open', current, signal), fetchCurrent('acknowledged', current, signal), fetchSilences(signal), countPending(signal),
    at === 'pending' ? fetchPending(signal) : null, endedStatus === null ? null : fetchEnded(endedStatus, { search: current.search, afterId: before.at(-1) ?? '' }, signal),
  ])
  return { search: current.search, scope: current.scope, open, acknowledged, silences, pendingCount: pending?.length ?? pendingCount, view: at, pending, ended, turned: before }
}
