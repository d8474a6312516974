// Whether messages get out: a notice for each integration that fails now, and behind a fold how all of them fare.
import { useSignal, type ReadonlySignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { JSX } from 'preact'
import { ApiError, isAbort } from '../api/fetch-api.ts'
import { formatCount } from '../query/number-format.ts'
import { formatSpan } from '../query/time-text.ts'
import { onLiveBeat } from '../shell/live.ts'
import { fetchReceivers, type ApiIntegration } from './alert-api.ts'

export function ReceiverHealth({ nowMs }: { nowMs: ReadonlySignal<number> }): JSX.Element | null {
  const found = useSignal<readonly ApiIntegration[]>([])
  useEffect(() => {
    const abort = new AbortController()
    const load = (): void => {
      fetchReceivers(abort.signal).then((receivers) => (found.value = receivers.flatMap(({ integrations }) => integrations)), (failure: unknown) => {
        // The list of alerts says that the server cannot be reached.
        if (!isAbort(failure) && !(failure instanceof ApiError)) throw failure
      })
    }
    load()
    const stop = onLiveBeat(load)
    return () => {
      stop()
      abort.abort(new DOMException('left the page', 'AbortError'))
    }
  }, [])
  if (found.value.length === 0) return null
  const failing = found.value.filter(({ failing_since: since }) => since !== null)
  return (
    <>
      {failing.map(({ integration, failing_since: since, error }) => (
        <p class="notice notice-error" key={integration}><span role="alert">{integration} cannot be reached: {error}</span><span class="muted">{`for ${formatSpan(Math.max(0, nowMs.value - Date.parse(since!)))}`}</span></p>
      ))}
      <details class="receivers">
        <summary>{formatCount(found.value.length)} {found.value.length === 1 ? 'way' : 'ways'} to tell people{failing.length === 0 ? '' : `, ${formatCount(failing.length)} failing`}</summary>
        <table class="data" aria-label="Receivers">
          <thead><tr><th scope="col">Receiver, kind</th><th scope="col" class="number">Of the last tries got out</th><th scope="col" class="number">Tries that got out</th><th scope="col" class="number">that failed</th><th scope="col" class="number">Last that got out</th></tr></thead>
          <tbody>{found.value.map((one) => <Row key={one.integration} one={one} nowMs={nowMs} />)}</tbody>
        </table>
      </details>
    </>
  )
}

function Row({ one, nowMs }: { one: ApiIntegration; nowMs: ReadonlySignal<number> }): JSX.Element {
  const { integration, success_ratio: ratio, delivered, failed, last_delivered_at: lastAt } = one
  return (
    <tr>
      <td>{integration}</td>
      <td class="number" data-head="of the last tries:">{ratio === null ? 'none yet' : `${Math.floor(ratio * 100)} %`}</td>
      <td class="number" data-head="got out">{formatCount(delivered)}</td>
      <td class="number" data-head="failed">{formatCount(failed)}</td>
      <td class="number" data-head="last">{lastAt === null ? 'never' : `${formatSpan(Math.max(0, nowMs.value - Date.parse(lastAt)))} ago`}</td>
    </tr>
  )
}
