// What stands where no data is: why, and the next step. For a query that finds nothing the server is asked whether
// its metric is known at all, and which names are near.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { JSX } from 'preact'
import { getData } from '../api/queries.ts'
import { ApiError, isAbort } from '../api/fetch-api.ts'
import { metricNamesIn, nearestNames } from './name-distance.ts'
import type { Panel } from './panel.ts'
import { formatDuration } from './time-text.ts'

const EXAMPLES = ['up', 'scrape_duration_seconds', 'sum by (job) (scrape_samples_scraped)', 'rate(process_cpu_seconds_total[5m])']

/** Names the server is asked for; where it has more, one that is not among them may be known all the same. */
const NAMES_MAX = 10_000

interface Finding {
  unknown: string
  near: readonly string[]
}

export function EmptyResult({ kind, panel }: { kind: 'blank' | 'empty'; panel: Panel }): JSX.Element {
  return kind === 'blank' ? <Blank panel={panel} /> : <Nothing panel={panel} />
}

function runExpr(panel: Panel, expr: string): void {
  panel.draft.value = expr
  panel.submit()
}

function Blank({ panel }: { panel: Panel }): JSX.Element {
  return (
    <div class="empty">
      <p>Type an expression and press <kbd>Enter</kbd>, or start with one of these.</p>
      <ul class="examples">
        {EXAMPLES.map((expr) => <li key={expr}><button type="button" class="button mono" onClick={() => runExpr(panel, expr)}>{expr}</button></li>)}
      </ul>
    </div>
  )
}

function Nothing({ panel }: { panel: Panel }): JSX.Element {
  const finding = useSignal<Finding | 'known' | 'unclear'>('unclear')
  const { expr, tab, rangeMs, endMs } = panel.options.peek()
  useEffect(() => {
    const abort = new AbortController()
    findUnknown(expr, abort.signal).then((found) => (finding.value = found), (error: unknown) => {
      // The hint is a courtesy: without an answer the plain sentence stays.
      if (!isAbort(error) && !(error instanceof ApiError)) throw error
    })
    return () => abort.abort(new DOMException('the panel moved on', 'AbortError'))
  }, [expr])
  const when = tab === 'graph' ? `in the ${formatDuration(rangeMs)} shown` : endMs === null ? 'at this moment' : 'at that moment'
  const found = typeof finding.value === 'object' ? finding.value : null
  return (
    <div class="empty" role="status" data-testid="empty-result">
      <p><strong>No series match {when}.</strong></p>
      {found && <p>No metric is called <code>{found.unknown}</code>.{found.near.length > 0 && ' Near by:'}</p>}
      {found && found.near.length > 0 && (
        <ul class="examples">
          {found.near.map((name) => (
            <li key={name}><button type="button" class="button mono" onClick={() => runExpr(panel, expr.replaceAll(found.unknown, name))}>{name}</button></li>
          ))}
        </ul>
      )}
      {finding.value === 'known' && <p class="muted">The metric is known: a label matcher, a comparison or the time leaves nothing over.</p>}
    </div>
  )
}

/** The first metric name of the expression that the server does not know, with names like it. */
async function findUnknown(expr: string, signal: AbortSignal): Promise<Finding | 'known' | 'unclear'> {
  const wanted = metricNamesIn(expr)
  if (wanted.length === 0) return 'unclear'
  const known = await getData<string[]>('label/__name__/values', [['limit', String(NAMES_MAX)]], signal)
  const names = new Set(known)
  const unknown = wanted.find((name) => !names.has(name))
  if (unknown === undefined) return 'known'
  if (known.length === NAMES_MAX) {
    const same = await getData<string[]>('label/__name__/values', [['match[]', `{__name__=${JSON.stringify(unknown)}}`], ['limit', '1']], signal)
    if (same.length > 0) return 'unclear'
  }
  return { unknown, near: nearestNames(unknown, known) }
}
