// A silence: of an alert's labels, of which any can be dropped, or of matchers that are typed, for what is yet to fire. How many alerts it
// hits now is shown as it is made.
import { useComputed, useSignal, useSignalEffect, type Signal } from '@preact/signals'
import type { JSX } from 'preact'
import { ApiError, isAbort } from '../api/fetch-api.ts'
import { countOf } from '../query/number-format.ts'
import { parseDuration } from '../query/time-text.ts'
import { serverNowMs } from '../shell/server-clock.ts'
import { readerName, store } from '../shell/settings.ts'
import { addSilence, countMatches, type SilenceMatcher } from './alert-api.ts'
import { MatcherTextError, parseMatchers } from './matcher-text.ts'

type Labels = Readonly<Record<string, string>>

const DURATIONS = ['30m', '2h', '8h', '1d'] as const

/** `labels`: null where matchers are typed. */
export function SilenceForm({ labels, onDone }: { labels: Labels | null; onDone: () => void }): JSX.Element {
  const chosen = useSignal<ReadonlySet<string>>(new Set(Object.keys(labels ?? {})))
  const typed = useSignal('')
  const duration = useSignal('2h')
  const by = useSignal(readerName())
  const comment = useSignal('')
  const matchCount = useSignal<number | null>(null)
  const problem = useSignal('')
  const isSending = useSignal(false)
  const fail = (error: unknown): void => {
    if (isAbort(error)) return
    if (!(error instanceof ApiError)) throw error
    problem.value = error.message
  }
  const matchers = useComputed(() => (labels === null ? readMatchers(typed.value) : matchersOf(labels, chosen.value)))
  useSignalEffect(() => {
    const abort = new AbortController()
    const asked = matchers.value
    matchCount.value = null
    if (labels === null) problem.value = ''
    if (typeof asked !== 'string' && asked.length > 0) countMatches(asked, abort.signal).then((count) => (matchCount.value = count), fail)
    return () => abort.abort(new DOMException('changed', 'AbortError'))
  })
  const submit = (event: Event): void => {
    event.preventDefault()
    const ms = parseDuration(duration.peek())
    const asked = matchers.peek()
    const lacking = labels === null ? 'Say which alerts, such as job="node"' : 'Keep one label at least: else all alerts are silenced'
    problem.value = typeof asked === 'string' ? asked : asked.length === 0 ? lacking : ms === undefined || ms <= 0 ? 'Give a duration such as 2h' : comment.peek().trim() === '' ? 'Say why, for those who wonder' : ''
    // A second press before the answer would make another one.
    if (problem.peek() !== '' || ms === undefined || typeof asked === 'string' || isSending.peek()) return
    isSending.value = true
    store('name', by.peek())
    const nowMs = serverNowMs()
    addSilence({ matchers: asked, startsAt: new Date(nowMs).toISOString(), endsAt: new Date(nowMs + ms).toISOString(), createdBy: by.peek() || 'someone', comment: comment.peek() }).then(onDone, fail).finally(() => (isSending.value = false))
  }
  return (
    <form class="card-form silence-form" onSubmit={submit}>
      {labels === null ? <TypedMatchers typed={typed} /> : <LabelChoice labels={labels} chosen={chosen} />}
      <p class="match-count" role="status">{countText(matchers.value, matchCount.value, problem.value)}</p>
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

function LabelChoice({ labels, chosen }: { labels: Labels; chosen: Signal<ReadonlySet<string>> }): JSX.Element {
  const toggle = (name: string): void => {
    const next = new Set(chosen.peek())
    if (!next.delete(name)) next.add(name)
    chosen.value = next
  }
  return (
    <fieldset>
      <legend>Alerts that have</legend>
      {Object.entries(labels).map(([name, value]) => (
        <label class="choice" key={name}><input type="checkbox" checked={chosen.value.has(name)} onChange={() => toggle(name)} /><span class="labels"><span class="label-name">{name}=</span>"{value}"</span></label>
      ))}
    </fieldset>
  )
}

function TypedMatchers({ typed }: { typed: Signal<string> }): JSX.Element {
  return <label class="field"><span>Alerts that have</span><textarea rows={3} data-autofocus placeholder={'job="node", instance=~"db.*"'} spellcheck={false} autocapitalize="off" value={typed.value} onInput={(event) => (typed.value = event.currentTarget.value)} /></label>
}

function matchersOf(labels: Labels, chosen: ReadonlySet<string>): SilenceMatcher[] {
  return Object.entries(labels).filter(([name]) => chosen.has(name)).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true }))
}

/** What cannot be read, in words. */
function readMatchers(text: string): SilenceMatcher[] | string {
  try {
    return parseMatchers(text)
  } catch (error) {
    if (!(error instanceof MatcherTextError)) throw error
    return error.message
  }
}

function countText(matchers: readonly SilenceMatcher[] | string, count: number | null, problem: string): string {
  if (typeof matchers === 'string') return matchers
  if (matchers.length === 0) return 'Matches every alert'
  if (count === null) return problem === '' ? 'Counting…' : 'Matches cannot be counted'
  return `Matches ${countOf(count, 'alert')} that ${count === 1 ? 'fires' : 'fire'} now`
}
