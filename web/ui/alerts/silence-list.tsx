// Silences that are active or planned, with their end.
import { useSignal, type ReadonlySignal } from '@preact/signals'
import type { JSX } from 'preact'
import { ApiError } from '../api/fetch-api.ts'
import { formatSpan } from '../query/time-text.ts'
import { expireSilence, type ApiSilence } from './alert-api.ts'
import { matcherText } from './matcher-text.ts'

/** Words that must all occur in its matchers, comment or author; case does not count. */
export function passesSilence({ matchers, comment, createdBy }: ApiSilence, filter: string): boolean {
  const text = [...matchers.map(matcherText), comment, createdBy].join('\n').toLowerCase()
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word))
}

export function SilenceList({ silences, nowMs, onChange }: { silences: readonly ApiSilence[]; nowMs: ReadonlySignal<number>; onChange: () => void }): JSX.Element {
  const problem = useSignal('')
  const end = (id: string): void => {
    expireSilence(id).then(() => {
      problem.value = ''
      onChange()
      // The button goes with its row.
      document.querySelector<HTMLElement>('.filter-bar [aria-pressed=true]')?.focus()
    }, (error: unknown) => {
      if (!(error instanceof ApiError)) throw error
      problem.value = error.message
    })
  }
  return (
    <>
      {problem.value && <p class="notice notice-error" role="alert">{problem}</p>}
      <table class="data alerts silences" aria-label="Silences">
        <thead><tr><th scope="col">Alerts that have</th><th scope="col" class="col-why">Why</th><th scope="col" class="col-by">By</th><th scope="col" class="col-since number">Ends in</th><th scope="col" class="col-end"><span class="visually-hidden">Action</span></th></tr></thead>
        <tbody>
          {silences.map((silence) => (
            <tr key={silence.id} class="alert">
              <td><span class="labels">{silence.matchers.map((matcher) => <span class="label" key={matcherText(matcher)}>{matcherText(matcher)}</span>)}</span></td>
              <td><div class="silence-comment">{silence.comment}</div></td>
              <td>{silence.createdBy}</td>
              <td class="col-since number">{formatSpan(Math.max(0, Date.parse(silence.endsAt) - nowMs.value))}{silence.status.state === 'pending' && ', not begun'}</td>
              <td class="number"><button type="button" class="button" onClick={() => end(silence.id)}>End it now</button></td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}
