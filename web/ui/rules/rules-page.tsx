// The rules page: groups with their timing, rules with health, state and the PromQL that is evaluated, also that which rules
// made by API were compiled to.
import { useComputed, useSignal, useSignalEffect, type ReadonlySignal, type Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import { ApiError, isAbort } from '../api/fetch-api.ts'
import { formatCount } from '../query/number-format.ts'
import { onLiveBeat } from '../shell/live.ts'
import { place, replaceSearch } from '../shell/router.ts'
import { serverNowMs } from '../shell/server-clock.ts'
import { countStates, fetchGroups, filterGroups, firstRules, type ApiGroup, type RuleState } from './rule-api.ts'
import { GroupSection, StateGlyph, STATE_TEXT } from './rule-group.tsx'

/** Rules shown at first, and how many more at a time. */
const SHOWN_STEP = 200
/** Of these so many are added a frame, so that the page stays at hand meanwhile. */
const FRAME_RULES = 20
const STATES: readonly RuleState[] = ['failing', 'firing', 'pending', 'ok', 'unknown']

interface Listed {
  groups: readonly ApiGroup[]
  /** Unix ms by the server's clock when they came. */
  atMs: number
}

/** Loads on entering and on each live beat; a failure keeps the old list. */
function useGroups(): { listed: Signal<Listed | null>; error: Signal<string> } {
  const listed = useSignal<Listed | null>(null)
  const error = useSignal('')
  const abort = useRef(new AbortController())
  useEffect(() => {
    const load = (): void => {
      fetchGroups(abort.current.signal).then((groups) => {
        listed.value = { groups, atMs: serverNowMs() }
        error.value = ''
      }, (failure: unknown) => {
        if (isAbort(failure)) return
        if (!(failure instanceof ApiError)) throw failure
        error.value = failure.message
      })
    }
    load()
    const stop = onLiveBeat(load)
    return () => {
      stop()
      abort.current.abort(new DOMException('left the page', 'AbortError'))
    }
  }, [])
  return { listed, error }
}

/** How many rules are drawn: some more each frame until it is `limit`, and few again when other rules are asked for. */
function useGrowing(limit: ReadonlySignal<number>, asked: readonly ReadonlySignal<unknown>[]): ReadonlySignal<number> {
  const drawn = useSignal(FRAME_RULES)
  useSignalEffect(() => {
    for (const one of asked) void one.value
    drawn.value = FRAME_RULES
  })
  useSignalEffect(() => {
    if (drawn.value >= limit.value) return undefined
    const frame = requestAnimationFrame(() => (drawn.value = Math.min(limit.peek(), drawn.peek() + FRAME_RULES)))
    return () => cancelAnimationFrame(frame)
  })
  return drawn
}

export function RulesPage(): JSX.Element {
  const { listed, error } = useGroups()
  const groups = useComputed(() => listed.value?.groups ?? null)
  const asked = new URLSearchParams(place.peek().search)
  const filter = useSignal(asked.get('search') ?? '')
  const states = useSignal<ReadonlySet<RuleState>>(new Set(STATES.filter((state) => asked.get('state')?.split(',').includes(state))))
  const shown = useComputed(() => filterGroups(groups.value ?? [], filter.value, states.value))
  const limit = useSignal(SHOWN_STEP)
  const drawn = useGrowing(limit, [filter, states])
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
      {firstRules(shown.value, Math.min(drawn.value, limit.value)).map((group) => <GroupSection key={groupKey(group)} group={group} ruleCount={ruleCounts.value.get(groupKey(group)) ?? 0} nowMs={listed.value!.atMs} />)}
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

function groupKey({ file, name }: ApiGroup): string {
  return `${file};${name}`
}
