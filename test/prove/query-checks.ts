// What must hold of any query text: the engine answers it with a result or with an error of the asker's, in time, as
// JSON; what parses prints to a text that parses to the same print.
import { Engine } from '../../lang/engine.ts'
import type { QueryReply } from '../../lang/job.ts'
import { engineFeatures, ENGINE_FEATURE_NAMES } from '../../lang/parse/features.ts'
import { EMPTY_HISTOGRAM, denseBuckets } from '../../lib/model/histogram.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { MemoryStorage } from '../support/memory-storage.ts'

export interface QueryLoss {
  query: string
  why: string
}

/** Longest a query may take of its thread, all its jobs together; a busy machine takes nothing of that. */
const QUERY_MS_MAX = 2000
/** What a job is given; a query that uses it up is answered 503. */
const JOB_MS = 500
const FINE: ReadonlySet<string> = new Set(['bad_data', 'execution', 'timeout'])
const START_MS = 1_700_000_000_000
const STEP_MS = 15_000
const SAMPLES = 80

const NAMES: readonly string[] = ['foo', 'bar', 'a', 'b', 'c', 'd', 'up', 'some_metric', 'http_requests_total', 'node_filesystem_avail_bytes', 'target_info', 'foo.bar', 'sum']

/** Counters, gauges, classic and native histograms, infinities, gaps and stale markers. */
function smallStorage(): MemoryStorage {
  const storage = new MemoryStorage()
  for (const [n, name] of NAMES.entries()) {
    for (const job of ['x', 'y']) {
      const labels = labelsFromRecord({ __name__: name, job, instance: `i${n % 3}`, ...(n % 2 === 0 ? { a: '1', data: 'd' } : { b: 'é' }) })
      for (let i = 0; i < SAMPLES; i++) {
        const t = START_MS + i * STEP_MS
        if (i % 17 === 16) storage.addStale(labels, t)
        else if (i % 13 !== 12) storage.add(labels, t, n === 3 ? [NaN, Infinity, -Infinity, -0, 5e-324, 1e308][i % 6]! : (i % 30) * (n + 1) - (n === 5 ? 40 : 0), t - 60_000)
      }
    }
  }
  for (const le of ['0.1', '1', '+Inf', 'wrong']) {
    const labels = labelsFromRecord({ __name__: 'http_request_duration_seconds_bucket', job: 'api', le })
    for (let i = 0; i < SAMPLES; i++) storage.add(labels, START_MS + i * STEP_MS, i * (le === '0.1' ? 1 : 2))
  }
  for (const schema of [-4, 0, 8]) {
    const labels = labelsFromRecord({ __name__: 'h', schema: String(schema) })
    for (let i = 0; i < SAMPLES; i++) {
      const positive = denseBuckets(-2, [i, 0, 2 * i, 1])
      storage.addHistogram(labels, START_MS + i * STEP_MS, { ...EMPTY_HISTOGRAM, schema, count: 3 * i + 1, sum: i * 1.5, positive })
    }
  }
  return storage
}

export class QueryChecks {
  readonly #storage = smallStorage()
  readonly #engine = new Engine({
    features: engineFeatures(ENGINE_FEATURE_NAMES.keys()), samplesMax: 2_000_000, bytesMax: 64 << 20,
  })
  /** Replies by status of the evaluation. */
  readonly statuses: Map<number, number> = new Map()
  slowestMs = 0

  /** null where all is well. `index` chooses between an instant and a range query. */
  check(query: string, index: number): QueryLoss | null {
    const before = process.threadCpuUsage()
    const why = this.#evaluate(query, index) ?? this.#print(query)
    const spent = process.threadCpuUsage(before)
    const tookMs = (spent.user + spent.system) / 1000
    this.slowestMs = Math.max(this.slowestMs, tookMs)
    if (why !== null) return { query, why }
    return tookMs > QUERY_MS_MAX ? { query, why: `took ${Math.round(tookMs)} ms` } : null
  }

  #evaluate(query: string, index: number): string | null {
    const common = { query, timeoutMs: JOB_MS, lookbackMs: 300_000, limit: 0, stats: 'all' as const }
    const endMs = START_MS + SAMPLES * STEP_MS
    const reply = this.#engine.run(index % 2 === 0
      ? { kind: 'instant', timeMs: endMs - 60_000, ...common }
      : { kind: 'range', startMs: START_MS + 7_500, endMs, stepMs: 60_000, ...common }, this.#storage)
    this.statuses.set(reply.status, (this.statuses.get(reply.status) ?? 0) + 1)
    return faultOf(reply)
  }

  #print(query: string): string | null {
    const printed = this.#syntax('format', query)
    if (printed.text === null) return printed.fault
    const again = this.#syntax('format', printed.text)
    // Ranges under a millisecond are ranges of nothing, as in Prometheus, and print as that.
    if (again.text === null && printed.text.includes('[0s') && again.error.includes('duration must be greater than 0')) return null
    // Long chains are indented step by step, as in Prometheus.
    if (again.text === null && again.error.includes('query is longer than')) return null
    if (again.text === null) return `its print ${printed.text} is refused: ${again.fault ?? again.error}`
    // And so are offsets, which print the first time, as in Prometheus.
    if (again.text !== printed.text.replaceAll(/ offset -?0s/g, '')) return `its print ${printed.text} prints as ${again.text}`
    return faultOf(this.#run('parse', query))
  }

  #syntax(kind: 'format' | 'parse', query: string): { text: string | null; fault: string | null; error: string } {
    const reply = this.#run(kind, query)
    const { data = null, error = '' } = JSON.parse(new TextDecoder().decode(reply.body)) as { data?: string; error?: string }
    return { text: data, fault: faultOf(reply), error }
  }

  #run(kind: 'format' | 'parse', query: string): QueryReply {
    return this.#engine.run({ kind, query, timeoutMs: JOB_MS, limit: 0 }, this.#storage)
  }
}

/** What is wrong with a reply, null where nothing is. */
function faultOf({ status, body }: QueryReply): string | null {
  let envelope: { status?: string; errorType?: string; error?: string }
  try {
    envelope = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as typeof envelope
  } catch (error) {
    return `answer ${status} is no JSON: ${String(error)}`
  }
  if (status === 200 && envelope.status === 'success') return null
  if (envelope.status === 'error' && FINE.has(envelope.errorType!) && envelope.error !== '') return null
  return `answer ${status} ${envelope.errorType}: ${envelope.error}`
}
