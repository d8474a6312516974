// The pages' questions to the server, typed: instant and range queries, series, label values, metadata, targets.
// Range queries go through one shared worker.
import { ApiError, fetchApi, type Answer } from './fetch-api.ts'
import type { ApiSeries, Matrix } from '../query/matrix.ts'
import type { RangeGrid } from '../query/url-state.ts'
import type { RangeJob, RangeReply, CancelJob } from './range-worker.ts'

/** An element of an instant vector; `histogram` for native ones. */
export interface ApiSample {
  metric: Record<string, string>
  value?: [unixSeconds: number, value: string]
  histogram?: [unixSeconds: number, histogram: { count: string; sum: string }]
}

/** Answer of an instant query, by its `resultType`. */
export type InstantData =
  | { resultType: 'vector'; result: ApiSample[] }
  | { resultType: 'matrix'; result: ApiSeries[] }
  | { resultType: 'scalar' | 'string'; result: [unixSeconds: number, value: string] }

/** A scrape target as `/api/v1/targets` lists it; times RFC 3339, durations in seconds. */
export interface ApiTarget {
  labels: Record<string, string>
  scrapePool: string
  scrapeUrl: string
  globalUrl?: string
  lastError: string
  lastScrape: string
  lastScrapeDuration: number
  health: string
  scrapeInterval?: string
}

const base = (): string => document.baseURI

/** Evaluates `expr` at one moment (Unix ms). */
export function queryInstant(expr: string, timeMs: number, signal: AbortSignal): Promise<Answer<InstantData>> {
  const params = [['query', expr], ['time', String(timeMs / 1000)]] as const
  return fetchApi(base(), { path: 'api/v1/query', method: 'POST', params }, signal)
}

/** GETs a list below `api/v1/`, such as `labels`, `label/<name>/values`, `series`, `metadata`. */
export async function getData<T>(path: string, params: readonly (readonly [string, string])[], signal: AbortSignal | null): Promise<T> {
  return (await fetchApi<T>(base(), { path: `api/v1/${path}`, method: 'GET', params }, signal)).data
}

/** The active targets of all pools. */
export async function fetchTargets(signal: AbortSignal): Promise<ApiTarget[]> {
  return (await getData<{ activeTargets: ApiTarget[] }>('targets', [['state', 'active']], signal)).activeTargets
}

interface Waiting {
  resolve: (answer: Answer<Matrix>) => void
  reject: (error: unknown) => void
}

/** Owner of the worker; started at the first range query, started anew should it die. */
class RangeQueries {
  #worker: Worker | null = null
  #waiting = new Map<number, Waiting>()
  #lastId = 0

  ask(expr: string, grid: RangeGrid, signal: AbortSignal): Promise<Answer<Matrix>> {
    signal.throwIfAborted()
    const id = ++this.#lastId
    const worker = (this.#worker ??= this.#start())
    const params = [
      ['query', expr], ['start', String(grid.startMs / 1000)], ['end', String(grid.endMs / 1000)], ['step', String(grid.stepMs / 1000)],
    ] as const
    const job: RangeJob = { kind: 'range', id, base: base(), grid, request: { path: 'api/v1/query_range', method: 'POST', params } }
    return new Promise<Answer<Matrix>>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      signal.addEventListener('abort', () => {
        if (!this.#waiting.delete(id)) return
        const cancel: CancelJob = { kind: 'cancel', id }
        worker.postMessage(cancel)
        reject(signal.reason as Error)
      }, { once: true })
      worker.postMessage(job)
    })
  }

  #start(): Worker {
    const worker = new Worker(new URL('./range-worker.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', (event: MessageEvent<RangeReply>) => this.#settle(event.data))
    worker.addEventListener('error', () => {
      worker.terminate()
      this.#worker = null
      const waiting = [...this.#waiting.values()]
      this.#waiting.clear()
      for (const { reject } of waiting) reject(new ApiError('protocol', 'the worker that reads results died'))
    })
    return worker
  }

  #settle(reply: RangeReply): void {
    const waiting = this.#waiting.get(reply.id)
    if (!waiting) return
    this.#waiting.delete(reply.id)
    if (reply.kind === 'matrix') waiting.resolve({ data: reply.matrix, notes: reply.notes })
    else if (reply.kind === 'error') waiting.reject(new ApiError(reply.code, reply.message))
    else waiting.reject(new DOMException('cancelled', 'AbortError'))
  }
}

const rangeQueries = new RangeQueries()

/** Evaluates `expr` on every point of the grid. Rejects with the signal's reason when it aborts. */
export function queryRange(expr: string, grid: RangeGrid, signal: AbortSignal): Promise<Answer<Matrix>> {
  return rangeQueries.ask(expr, grid, signal)
}
