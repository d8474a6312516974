// A silence from an alert's labels: any of them can be dropped, and how many alerts it hits now is shown as it is made.
import { useSignal, useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { ApiError, isAbort } from '../api/fetch-api.ts'
import { countOf } from '../query/number-format.ts'
import { parseDuration } from '../query/time-text.ts'
import { serverNowMs } from '../shell/server-clock.ts'
import { readerName, store } from '../shell/settings.ts'
import { addSilence, countMatches, type SilenceMatcher } from './alert-api.ts'

const DURATIONS = ['30m', '2h', '8h', '1d'] as const

export function SilenceForm({ labels, onDone }: { labels: Readonly<Record<string, string>>; onDone: () => void }): JSX.Element {
  const chosen = useSignal<ReadonlySet<string>>(new Set(Object.keys(labels)))
  const duration = useSignal('2h')
  const by = useSignal(readerName())
  const comment = useSignal('')
  const matchCount = useSignal<number | null>(null)
  const problem = useSignal('')
  const fail = (error: unknown): void => {
    if (isAbort(error)) return
    if (!(error instanceof ApiError)) throw error
    problem.value = error.message
  }
  const matchers = (): SilenceMatcher[] => Object.entries(labels).filter(([name]) => chosen.value.has(name)).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true }))
  useSignalEffect(() => {
    const abort = new AbortController()
    const asked = matchers()
    matchCount.value = null
    if (asked.length > 0) countMatches(asked, abort.signal).then((count) => (matchCount.value = count), fail)
    return () => abort.abort(new DOMException('changed', 'AbortError'))
  })
  const toggle = (name: string): void => {
    const next = new Set(chosen.peek())
    if (!next.delete(name)) next.add(name)
    chosen.value = next
  }
  const submit = (event: Event): void => {
    event.preventDefault()
    const ms = parseDuration(duration.peek())
    problem.value = chosen.peek().size === 0 ? 'Keep one label at least: else all alerts are silenced' : ms === undefined || ms <= 0 ? 'Give a duration such as 2h' : comment.peek().trim() === '' ? 'Say why, for those who wonder' : ''
    if (problem.peek() !== '' || ms === undefined) return
    store('name', by.peek())
    const nowMs = serverNowMs()
    addSilence({ matchers: matchers(), startsAt: new Date(nowMs).toISOString(), endsAt: new Date(nowMs + ms).toISOString(), createdBy: by.peek() || 'someone', comment: comment.peek() }).then(onDone, fail)
  }
  return (
    <form class="card-form silence-form" onSubmit={submit}>
      <fieldset>
        <legend>Alerts that have</legend>
        {Object.entries(labels).map(([name, value]) => (
          <label class="choice" key={name}><input type="checkbox" checked={chosen.value.has(name)} onChange={() => toggle(name)} /><span class="labels"><span class="label-name">{name}=</span>"{value}"</span></label>
        ))}
      </fieldset>
      <p class="match-count" role="status">{chosen.value.size === 0 ? 'Matches every alert' : matchCount.value === null ? 'Counting…' : `Matches ${countOf(matchCount.value, 'alert')} that ${matchCount.value === 1 ? 'fires' : 'fire'} now`}</p>
      <div class="presets">
        {DURATIONS.map((text) => <button type="button" key={text} class="button" aria-pressed={duration.value === text} onClick={() => (duration.value = text)}>{text}</button>)}
      </div>
      <label class="field"><span>For</span><input value={duration.value} onInput={(event) => (duration.value = event.currentTarget.value)} /></label>
      <label class="field"><span>Your name</span><input value={by.value} maxLength={200} autocomplete="name" onInput={(event) => (by.value = event.currentTarget.value)} /></label>
      <label class="field"><span>Why</span><input value={comment.value} onInput={(event) => (comment.value = event.currentTarget.value)} /></label>
      {problem.value && <p class="form-problem" role="alert">{problem}</p>}
      <div class="form-actions"><button type="submit" class="button primary">Silence</button></div>
    </form>
  )
}
