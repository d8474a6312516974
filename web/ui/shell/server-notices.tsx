// What people are to know of the server itself, above every page: that a reload failed, that it starts or ends. Asked for every few
// seconds, also while live pages are paused: a stream of each tab would take one of the six connections that a browser opens.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { JSX } from 'preact'
import { ApiError, isAbort } from '../api/fetch-api.ts'
import { getData } from '../api/queries.ts'
import { formatSpan } from '../query/time-text.ts'
import { serverNowMs } from './server-clock.ts'

/** As `/api/v1/notifications` lists it; `date`: since when, RFC 3339. */
interface ServerNotice {
  text: string
  date: string
}

const ASK_EVERY_MS = 5000

export function ServerNotices(): JSX.Element {
  const notices = useSignal<readonly ServerNotice[]>([])
  useEffect(() => {
    const abort = new AbortController()
    const load = (): void => {
      if (document.hidden) return
      getData<ServerNotice[]>('notifications', [], abort.signal).then((found) => (notices.value = found), (error: unknown) => {
        // Pages say that the server is not reached.
        if (!isAbort(error) && !(error instanceof ApiError)) throw error
      })
    }
    load()
    const timer = window.setInterval(load, ASK_EVERY_MS)
    document.addEventListener('visibilitychange', load)
    return () => {
      window.clearInterval(timer)
      document.removeEventListener('visibilitychange', load)
      abort.abort(new DOMException('the page ends', 'AbortError'))
    }
  }, [])
  return (
    <div role="status" aria-label="Server notices">
      {notices.value.map(({ text, date }) => (
        <p key={text} class="notice notice-warning"><span>{text}</span><span class="muted">for {formatSpan(Math.max(0, serverNowMs() - Date.parse(date)))}</span></p>
      ))}
    </div>
  )
}
