// A group of rules as a table: blocks of rows, of which only those near what is seen are drawn anew on each beat, so that a
// thousand rules cost no more than a screenful.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { JSX, RefObject } from 'preact'
import { countOf, formatCount } from '../query/number-format.ts'
import { labelSetOf } from '../query/label-set.ts'
import { formatDuration, formatSpan } from '../query/time-text.ts'
import { hrefWith } from '../shell/router.ts'
import { LabelText } from '../widgets/label-text.tsx'
import { stateOf, type ApiGroup, type ApiRule, type RuleState } from './rule-api.ts'

const BLOCK_RULES = 20
/** Beyond the edges of the view. */
const NEAR = '400px'

export const STATE_TEXT: Readonly<Record<RuleState, string>> = { failing: 'Failing', firing: 'Firing', pending: 'Pending', ok: 'OK', unknown: 'Not yet evaluated' }

/** `ruleCount`: of the group, though not all of them may be shown. */
export function GroupSection({ group, ruleCount, nowMs }: { group: ApiGroup; ruleCount: number; nowMs: number }): JSX.Element {
  const { name, file, interval, evaluationTime, lastEvaluation, rules } = group
  return (
    <section class="rule-group" aria-label={`Group ${name}`}>
      <header>
        <h2>{name}</h2>
        <span class="muted">{file}</span>
        <span class="spacer" />
        <span class={evaluationTime > interval ? 'rule-failing' : 'muted'}>{`${countOf(ruleCount, 'rule')} every ${formatDuration(interval * 1000)}, took ${formatSpan(evaluationTime * 1000)}, ${ageText(lastEvaluation, nowMs)}`}</span>
      </header>
      <table class="data rules" aria-label={`Rules of ${name}`}>
        <thead><tr><th scope="col" class="col-state">State</th><th scope="col">Rule</th><th scope="col" class="col-took number">Duration</th><th scope="col" class="col-age number">Evaluated</th></tr></thead>
        {blocksOf(rules).map((block, i) => <RuleBlock key={i} rules={block} nowMs={nowMs} />)}
      </table>
    </section>
  )
}

function blocksOf(rules: readonly ApiRule[]): (readonly ApiRule[])[] {
  return Array.from({ length: Math.ceil(rules.length / BLOCK_RULES) }, (_, i) => rules.slice(i * BLOCK_RULES, (i + 1) * BLOCK_RULES))
}

/** Rows that are out of sight stay as they were drawn, while they are of the same rules in the same states. */
function RuleBlock({ rules, nowMs }: { rules: readonly ApiRule[]; nowMs: number }): JSX.Element {
  const body = useRef<HTMLTableSectionElement>(null)
  const isNear = useNear(body)
  const drawn = useRef<{ rules: readonly ApiRule[]; rows: JSX.Element[] } | null>(null)
  if (drawn.current === null || isNear || !isAlike(drawn.current.rules, rules)) {
    drawn.current = { rules, rows: rules.map((rule, i) => <RuleRow key={`${rule.name}${i}`} rule={rule} nowMs={nowMs} />) }
  }
  return <tbody ref={body}>{drawn.current.rows}</tbody>
}

function isAlike(before: readonly ApiRule[], after: readonly ApiRule[]): boolean {
  return before.length === after.length && before.every((one, i) => {
    const other = after[i]!
    return one.name === other.name && one.query === other.query && stateOf(one) === stateOf(other) && one.lastError === other.lastError && one.alerts?.length === other.alerts?.length
  })
}

/** Whether an element is in sight or close to it. */
function useNear(element: RefObject<HTMLElement | null>): boolean {
  const [isNear, setNear] = useState(false)
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => setNear(entries.at(-1)!.isIntersecting), { root: element.current!.closest('main'), rootMargin: NEAR })
    observer.observe(element.current!)
    return () => observer.disconnect()
  }, [])
  return isNear
}

function RuleRow({ rule, nowMs }: { rule: ApiRule; nowMs: number }): JSX.Element {
  const state = stateOf(rule)
  const { name, query, lastError, evaluationTime, lastEvaluation, labels = {}, alerts, duration = 0, keepFiringFor = 0, learning = 0 } = rule
  const waits = [...(duration > 0 ? [`for ${formatDuration(duration * 1000)}`] : []), ...(keepFiringFor > 0 ? [`clean for ${formatDuration(keepFiringFor * 1000)} to end`] : [])]
  return (
    <tr class={`rule is-${state}`}>
      <td class="col-state"><span class="state"><StateGlyph state={state} />{STATE_TEXT[state]}</span></td>
      <td class="col-rule">
        <span class="rule-name">{name}</span>
        {waits.length > 0 && <span class="muted">{waits.join(', ')}</span>}
        {learning > 0 && <span class="muted">learning: {formatCount(learning)} series without a baseline yet</span>}
        {(alerts?.length ?? 0) > 0 && <a href={hrefWith('alerts', { search: `alertname="${name}"` })} data-route="">{countOf(alerts!.length, 'alert')}</a>}
        <a class="rule-query" href={hrefWith('query', { 'g0.expr': query, 'g0.tab': 'graph' })} data-route="">{query}</a>
        <LabelText labels={labelSetOf(labels)} empty="" />
        {lastError !== undefined && <p class="target-error">{lastError}</p>}
      </td>
      <td class="col-took number">{formatSpan(evaluationTime * 1000)}</td>
      <td class="col-age number">{ageText(lastEvaluation, nowMs)}</td>
    </tr>
  )
}

/** Go's zero time, year 1, stands for never. */
function ageText(time: string, nowMs: number): string {
  const at = Date.parse(time)
  return Number.isNaN(at) || at <= 0 ? 'never' : `${formatSpan(Math.max(0, nowMs - at))} ago`
}

/** A state as a shape of its own, not only a colour. */
export function StateGlyph({ state }: { state: RuleState }): JSX.Element {
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
