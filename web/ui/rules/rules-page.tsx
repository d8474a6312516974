// The rules page: groups with their timing, rules with health, state and the PromQL that is evaluated, also that which rules
// made by API were compiled to.
import { useComputed, useSignal, useSignalEffect, type ReadonlySignal, type Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import { ApiError, isAbort } from '../api/fetch-api.ts'
import { countOf, formatCount } from '../query/number-format.ts'
import { formatDuration, formatSpan } from '../query/time-text.ts'
import { onLiveBeat } from '../shell/live.ts'
import { hrefOf, place, replaceSearch } from '../shell/router.ts'
import { labelSetOf } from '../query/label-set.ts'
import { LabelText } from '../widgets/label-text.tsx'
import { countStates, fetchGroups, filterGroups, firstRules, stateOf, type ApiGroup, type ApiRule, type RuleState } from './rule-api.ts'

/** Rules shown at first, and how many more at a time. */
const SHOWN_STEP = 200
const STATES: readonly RuleState[] = ['failing', 'firing', 'pending', 'ok', 'unknown']
const STATE_TEXT: Readonly<Record<RuleState, string>> = { failing: 'Failing', firing: 'Firing', pending: 'Pending', ok: 'OK', unknown: 'Not yet evaluated' }

interface Loaded {
  groups: Signal<readonly ApiGroup[] | null>
  error: Signal<string>
  nowMs: Signal<number>
}

/** Loads on entering and on each live beat; a failure keeps the old list. */
function useGroups(): Loaded {
  const groups = useSignal<readonly ApiGroup[] | null>(null)
  const error = useSignal('')
  const nowMs = useSignal(Date.now())
  const abort = useRef(new AbortController())
  useEffect(() => {
    const load = (): void => {
      fetchGroups(abort.current.signal).then((found) => {
        groups.value = found
        error.value = ''
      }, (failure: unknown) => {
        if (isAbort(failure)) return
        if (!(failure instanceof ApiError)) throw failure
        error.value = failure.message
      }).finally(() => (nowMs.value = Date.now()))
    }
    load()
    const stop = onLiveBeat(load)
    return () => {
      stop()
      abort.current.abort(new DOMException('left the page', 'AbortError'))
    }
  }, [])
  return { groups, error, nowMs }
}

export function RulesPage(): JSX.Element {
  const { groups, error, nowMs } = useGroups()
  const asked = new URLSearchParams(place.peek().search)
  const filter = useSignal(asked.get('search') ?? '')
  const states = useSignal<ReadonlySet<RuleState>>(new Set(STATES.filter((state) => asked.get('state')?.split(',').includes(state))))
  const shown = useComputed(() => filterGroups(groups.value ?? [], filter.value, states.value))
  const limit = useSignal(SHOWN_STEP)
  const ruleCounts = useComputed(() => new Map((groups.value ?? []).map((group) => [groupKey(group), group.rules.length])))
  const passCount = shown.value.reduce((count, { rules }) => count + rules.length, 0)
  const counts = useComputed(() => countStates(groups.value ?? []))
  useSignalEffect(() => {
    const params = new URLSearchParams()
    if (filter.value !== '') params.set('search', filter.value)
    if (states.value.size > 0) params.set('state', [...states.value].join(','))
    replaceSearch(params.toString().replace(/%2C/g, ','))
  })
  return (
    <>
      <h1 class="visually-hidden">Rules</h1>
      <div class="filter-bar">
        <StateFilter states={states} counts={counts} />
        <input type="search" class="filter" aria-label="Filter rules" placeholder="Filter by name, expression, file or label" spellcheck={false} value={filter.value} onInput={(event) => (filter.value = event.currentTarget.value)} />
      </div>
      {error.value && <p class="notice notice-error" role="alert">{error}{groups.value !== null && '. The list below is from before.'}</p>}
      {groups.value === null && !error.value && <div class="skeleton table" />}
      {firstRules(shown.value, limit.value).map((group) => <GroupSection key={groupKey(group)} group={group} ruleCount={ruleCounts.value.get(groupKey(group)) ?? 0} nowMs={nowMs} />)}
      {passCount > limit.value && (
        <p class="muted more">
          {`${formatCount(limit.value)} of ${formatCount(passCount)} rules are shown. `}
          <button type="button" class="button" onClick={() => (limit.value += SHOWN_STEP)}>Show {formatCount(SHOWN_STEP)} more</button>
        </p>
      )}
      {groups.value !== null && shown.value.length === 0 && (
        <div class="empty" role="status">
          {groups.value.length > 0
            ? <p>No rule passes the filter.</p>
            : <p>No rules. Name files under <code>rule_files</code> in the configuration file, or make one with <code>POST /api/alerts/rules</code>.</p>}
        </div>
      )}
    </>
  )
}

function StateFilter({ states, counts }: { states: Signal<ReadonlySet<RuleState>>; counts: ReadonlySignal<Record<RuleState, number>> }): JSX.Element {
  const toggle = (state: RuleState): void => {
    const next = new Set(states.peek())
    if (!next.delete(state)) next.add(state)
    states.value = next
  }
  return (
    <div class="group" role="group" aria-label="State">
      {STATES.filter((state) => counts.value[state] > 0 || states.value.has(state)).map((state) => (
        <button type="button" key={state} class="button" aria-pressed={states.value.has(state)} onClick={() => toggle(state)}>
          <StateGlyph state={state} />{STATE_TEXT[state]}<span class="count">{formatCount(counts.value[state])}</span>
        </button>
      ))}
    </div>
  )
}

/** A state as a shape of its own, not only a colour. */
function StateGlyph({ state }: { state: RuleState }): JSX.Element {
  return (
    <svg class={`glyph rule-${state}`} viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
      {state === 'ok' && <circle cx="5" cy="5" r="4" />}
      {state === 'failing' && <path d="M1.500 1.500l7 7m0-7-7 7" fill="none" stroke="currentColor" stroke-width="2" />}
      {state === 'firing' && <rect x="1" y="1" width="8" height="8" />}
      {state === 'pending' && <path d="M5 1 9.500 9h-9z" />}
      {state === 'unknown' && <circle cx="5" cy="5" r="3.200" fill="none" stroke="currentColor" stroke-width="1.600" />}
    </svg>
  )
}

function groupKey({ file, name }: ApiGroup): string {
  return `${file};${name}`
}

/** `ruleCount`: of the group, though not all of them may be shown. */
function GroupSection({ group, ruleCount, nowMs }: { group: ApiGroup; ruleCount: number; nowMs: ReadonlySignal<number> }): JSX.Element {
  const { name, file, interval, evaluationTime, lastEvaluation, rules } = group
  return (
    <section class="rule-group" aria-label={`Group ${name}`}>
      <header>
        <h2>{name}</h2>
        <span class="muted">{file}</span>
        <span class="spacer" />
        <span class={evaluationTime > interval ? 'rule-failing' : 'muted'}>{`${countOf(ruleCount, 'rule')} every ${formatDuration(interval * 1000)}, took ${formatSpan(evaluationTime * 1000)}, ${ageText(lastEvaluation, nowMs.value)}`}</span>
      </header>
      <table class="data rules" aria-label={`Rules of ${name}`}>
        <thead><tr><th scope="col" class="col-state">State</th><th scope="col">Rule</th><th scope="col" class="col-took number">Duration</th><th scope="col" class="col-age number">Evaluated</th></tr></thead>
        <tbody>{rules.map((rule, i) => <RuleRow key={`${rule.name}${i}`} rule={rule} nowMs={nowMs} />)}</tbody>
      </table>
    </section>
  )
}

function RuleRow({ rule, nowMs }: { rule: ApiRule; nowMs: ReadonlySignal<number> }): JSX.Element {
  const state = stateOf(rule)
  const { name, query, lastError, evaluationTime, lastEvaluation, labels, alerts, duration = 0, keepFiringFor = 0, learning = 0 } = rule
  const waits = [...(duration > 0 ? [`for ${formatDuration(duration * 1000)}`] : []), ...(keepFiringFor > 0 ? [`clean for ${formatDuration(keepFiringFor * 1000)} to end`] : [])]
  return (
    <tr class={`rule is-${state}`}>
      <td class="col-state"><span class="state"><StateGlyph state={state} />{STATE_TEXT[state]}</span></td>
      <td class="col-rule">
        <span class="rule-name">{name}</span>
        {waits.length > 0 && <span class="muted">{waits.join(', ')}</span>}
        {learning > 0 && <span class="muted">learning: {formatCount(learning)} series without a baseline yet</span>}
        {(alerts?.length ?? 0) > 0 && <a href={`${hrefOf('alerts')}?search=${encodeURIComponent(`alertname="${name}"`)}`} data-route="">{countOf(alerts!.length, 'alert')}</a>}
        <a class="rule-query" href={`${hrefOf('query')}?g0.expr=${encodeURIComponent(query)}&g0.tab=graph`} data-route="">{query}</a>
        <LabelText labels={labelSetOf(labels)} empty="" />
        {lastError !== undefined && <p class="target-error">{lastError}</p>}
      </td>
      <td class="col-took number">{formatSpan(evaluationTime * 1000)}</td>
      <td class="col-age number">{ageText(lastEvaluation, nowMs.value)}</td>
    </tr>
  )
}

/** Go's zero time, year 1, stands for never. */
function ageText(time: string, nowMs: number): string {
  const at = Date.parse(time)
  return Number.isNaN(at) || at <= 0 ? 'never' : `${formatSpan(Math.max(0, nowMs - at))} ago`
}
