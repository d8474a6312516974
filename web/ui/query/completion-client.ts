// Where the editor's completion gets names from: this server's API, asked for the last hour only, answers kept for a
// minute. A failure gives no proposals: completion must never stand in the way of typing.
import type { MetricMetadata, PrometheusClient } from '@prometheus-io/codemirror-promql/dist/esm/client/prometheus'
import { labelMatchersToString } from '@prometheus-io/codemirror-promql/dist/esm/parser/matcher'
import { Matcher } from '@prometheus-io/codemirror-promql/dist/esm/types/matcher'
import { getData } from '../api/queries.ts'
import { isAbort, ApiError } from '../api/fetch-api.ts'

const LOOKBACK_MS = 3_600_000
const KEEP_MS = 60_000
/** Names asked for at once; more would neither be read nor fit the list. */
const NAMES_MAX = 10_000
const CACHE_MAX = 200

interface Kept {
  untilMs: number
  answer: Promise<unknown>
}

export class CompletionClient implements PrometheusClient {
  #kept = new Map<string, Kept>()
  #abort = new AbortController()

  labelNames(metricName?: string): Promise<string[]> {
    return this.#list('labels', metricName ? [['match[]', selector(metricName, [])]] : [])
  }

  labelValues(labelName: string, metricName?: string, matchers: Matcher[] = []): Promise<string[]> {
    const others = matchers.filter((matcher) => matcher.name !== labelName)
    const match = metricName || others.length > 0 ? [['match[]', selector(metricName ?? '', others)] as const] : []
    return this.#list(`label/${encodeURIComponent(labelName)}/values`, match)
  }

  /** All names where they are few enough, else those that hold what was typed. */
  async metricNames(typed = ''): Promise<string[]> {
    const all = await this.labelValues('__name__')
    if (all.length < NAMES_MAX || !/^[A-Za-z_:][\w:]*$/.test(typed)) return all
    return this.#list('label/__name__/values', [['match[]', `{__name__=~".*${typed}.*"}`]])
  }

  metricMetadata(): Promise<Record<string, MetricMetadata[]>> {
    return this.#ask('metadata', [['limit_per_metric', '1']], {})
  }

  async series(metricName: string, matchers: Matcher[] = []): Promise<Map<string, string>[]> {
    const params = [['match[]', selector(metricName, matchers)], ['limit', String(NAMES_MAX)]] as const
    const found = await this.#ask<Record<string, string>[]>('series', [...params, ...recent()], [])
    return found.map((labels) => new Map(Object.entries(labels)))
  }

  flags(): Promise<Record<string, string>> {
    return this.#ask('status/flags', [], {})
  }

  destroy(): void {
    this.#abort.abort(new DOMException('the editor is gone', 'AbortError'))
    this.#kept.clear()
  }

  #list(path: string, params: readonly (readonly [string, string])[]): Promise<string[]> {
    return this.#ask<string[]>(path, [...params, ['limit', String(NAMES_MAX)], ...recent()], [])
  }

  #ask<T>(path: string, params: readonly (readonly [string, string])[], nothing: T): Promise<T> {
    // `start` moves with the clock and is left out of the key.
    const key = JSON.stringify([path, params.filter(([name]) => name !== 'start')])
    const nowMs = performance.now()
    const kept = this.#kept.get(key)
    if (kept && kept.untilMs > nowMs) return kept.answer as Promise<T>
    const answer = getData<T>(path, params, this.#abort.signal).catch((error: unknown) => {
      this.#kept.delete(key)
      if (isAbort(error) || error instanceof ApiError) return nothing
      throw error
    })
    if (this.#kept.size >= CACHE_MAX) this.#kept.clear()
    this.#kept.set(key, { untilMs: nowMs + KEEP_MS, answer })
    return answer
  }
}

const recent = (): [string, string][] => [['start', String((Date.now() - LOOKBACK_MS) / 1000)]]

/** A selector of PromQL; the metric's name goes in as a matcher, so that names of any letters pass. */
function selector(metricName: string, matchers: readonly Matcher[]): string {
  const parts = metricName === '' ? [] : [`__name__=${JSON.stringify(metricName)}`]
  for (const { type, name, value } of matchers) {
    if (value === '') continue
    const label = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : JSON.stringify(name)
    // The value is source text, escapes included; only a quote from within '...' has to be escaped anew.
    const matcher = new Matcher(type, label, value.replace(/(?<!\\)"/g, '\\"'))
    parts.push(labelMatchersToString('', [matcher]).slice(1, -1))
  }
  return `{${parts.length > 0 ? parts.join(',') : '__name__!=""'}}`
}
