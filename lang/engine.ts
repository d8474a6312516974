// The engine: one job in, one finished HTTP answer out, synchronously. It runs in query workers (lang/worker.ts) and,
// in tests and tiny set-ups, in the main thread.
//
//   text ─parse─▶ tree ─plan─▶ tree ─compile─▶ operators ─drain─▶ rows ─reply─▶ bytes
import { systemClock, type Clock } from '../lib/std/clock.ts'
import type { Querier, Queryable } from '../storage/interface.ts'
import { answerMetadata } from './answer-metadata.ts'
import { Annotations } from './exec/annotations.ts'
import { Budget } from './exec/budget.ts'
import { evaluate, type QueryResult } from './exec/evaluate.ts'
import { elementsOf, type InstantElement } from './instant-elements.ts'
import type { DenseRows } from './exec/dense.ts'
import { packRows, unpackRows, type PackedRows } from './exec/packed-rows.ts'
import { Explainer } from './exec/explain.ts'
import type { Kept } from './exec/window-contract.ts'
import { HistogramTable } from './exec/histogram-table.ts'
import { LabelTable } from './exec/label-table.ts'
import type { Steps } from './exec/operator.ts'
import { StepSamples } from './exec/step-samples.ts'
import { QueryError } from './exec/query-error.ts'
import { stepsWithin } from './exec/subquery.ts'
import { TierUse } from './exec/tier-use.ts'
import type { InstantJob, QueryJob, QueryReply, RangeJob } from './job.ts'
import type { EngineFeatures } from './parse/ast.ts'
import { NO_ENGINE_FEATURES } from './parse/features.ts'
import { ParseError } from './parse/parse-error.ts'
import { ParsedQueries } from './parsed-queries.ts'
import { errorReply, partialWarnings, successReply, TRUNCATED } from './reply/envelope.ts'
import { writeResult } from './reply/result-json.ts'
import { writeStats } from './reply/stats-json.ts'

export interface EngineOptions {
  clock: Clock
  features: EngineFeatures
  /** Samples one query may load. */
  samplesMax: number
  /** Bytes that one query may hold in arrays, its answer included. */
  bytesMax: number
  /** Steps of one range query; the API refuses more before the engine does. */
  stepsMax: number
  /** Resolution of subqueries that name none. */
  subqueryStepMs: number
}

/** Prometheus' limits, and 256 MiB where nobody says how much memory there is. */
export const DEFAULT_ENGINE_OPTIONS: EngineOptions = {
  clock: systemClock,
  features: NO_ENGINE_FEATURES,
  samplesMax: 50_000_000,
  bytesMax: 256 << 20,
  stepsMax: 11_001,
  subqueryStepMs: 60_000,
}

/** Serves any number of stores, one job at a time; between jobs it keeps nothing but label sets and trees of queries, as caches. */
export class Engine {
  readonly #options: EngineOptions
  readonly #labels = new WeakMap<Queryable, LabelTable>()
  readonly #parsed: ParsedQueries

  /** What is not named keeps its default. */
  constructor(options: Partial<Omit<EngineOptions, 'features'>> & { features?: Partial<EngineFeatures> } = {}) {
    this.#options = { ...DEFAULT_ENGINE_OPTIONS, ...options, features: { ...NO_ENGINE_FEATURES, ...options.features } }
    this.#parsed = new ParsedQueries(this.#options.features)
  }

  /**
   * Never throws: what goes wrong is an answer too. `canceled`: shared memory whose element 0 is set when nobody
   * waits for the answer any more.
   */
  run(job: QueryJob, queryable: Queryable, canceled?: Int32Array): QueryReply {
    const { clock } = this.#options
    const startedMs = clock.monotonic()
    const deadlineMs = startedMs + job.timeoutMs
    let querier: Querier | null = null
    try {
      querier = queryable.querier()
      if (job.kind !== 'instant' && job.kind !== 'range') {
        const source = querier
        return answerMetadata(job, querier, this.#options.features, () => this.#labelsOf(queryable, source))
      }
      const byStep = job.stats === '' ? null : new StepSamples(this.#stepsOf(job))
      const budget = new Budget({ ...this.#options, deadlineMs, ...(canceled && { canceled }) }, byStep)
      return this.#query(job, queryable, { querier, budget, startedMs })
    } catch (error) {
      return failureReply(error)
    } finally {
      querier?.close()
    }
  }

  /**
   * The elements of an instant query as values, for rules: a scalar is one without labels. `kept`: what need not be read.
   * Throws ParseError, QueryError.
   */
  instant(job: InstantJob, queryable: Queryable, kept: Kept | null = null): InstantElement[] {
    return this.#instant(job, queryable, kept, elementsOf)
  }

  /** The rows of an instant query for another thread's engine over the same store; null where they are no floats alone. Throws ParseError, QueryError. */
  packed(job: InstantJob, queryable: Queryable): PackedRows | null {
    return this.#instant(job, queryable, null, (result, labels) => (result.kind === 'rows' ? packRows(result.rows, labels) : null))
  }

  /** Rows by ids of this engine's label table of that generation; null where what was packed means something else by now. */
  unpacked(packed: PackedRows, queryable: Queryable): { rows: DenseRows; generation: number } | null {
    const querier = queryable.querier()
    try {
      const labels = this.#labelsOf(queryable, querier)
      const rows = unpackRows(packed, labels)
      return rows && { rows, generation: labels.generation }
    } finally {
      querier.close()
    }
  }

  #instant<T>(job: InstantJob, queryable: Queryable, kept: Kept | null, use: (result: QueryResult, labels: LabelTable, histograms: HistogramTable) => T): T {
    const querier = queryable.querier()
    try {
      const { features, subqueryStepMs } = this.#options
      const budget = new Budget({ ...this.#options, deadlineMs: this.#options.clock.monotonic() + job.timeoutMs })
      const histograms = new HistogramTable(budget)
      const labels = this.#labelsOf(queryable, querier)
      const times = { startMs: job.timeMs, endMs: job.timeMs, stepMs: 0 }
      const result = evaluate(this.#parsed.parse(job.query), this.#stepsOf(job), times, {
        query: job.query, querier, labels, histograms, annotations: new Annotations(job.query), budget, features, explainer: null,
        lookbackMs: job.lookbackMs, isRangeQuery: false, subqueryStepMs, tier: job.tier ?? null,
        tierUse: querier.buckets === undefined ? null : new TierUse(), kept,
      })
      return use(result, labels, histograms)
    } finally {
      querier.close()
    }
  }

  #query(job: InstantJob | RangeJob, queryable: Queryable, run: { querier: Querier; budget: Budget; startedMs: number }): QueryReply {
    const { clock, features, subqueryStepMs } = this.#options
    const { budget, querier } = run
    const steps = this.#stepsOf(job)
    const isRangeQuery = job.kind === 'range'
    const labels = this.#labelsOf(queryable, querier)
    const annotations = new Annotations(job.query)
    const histograms = new HistogramTable(budget)
    const tierUse = querier.buckets === undefined ? null : new TierUse()
    const explainer = job.explain === true ? new Explainer(clock, budget, tierUse) : null
    const scope = {
      query: job.query, querier, labels, histograms, annotations, budget, features, explainer,
      lookbackMs: job.lookbackMs, isRangeQuery, subqueryStepMs, tier: job.tier ?? null, tierUse, kept: null,
    }
    const parsed = this.#parsed.parse(job.query)
    const preparedMs = clock.monotonic()
    const times = { startMs: steps.startMs, endMs: isRangeQuery ? job.endMs : steps.startMs, stepMs: steps.stepMs }
    const result = evaluate(parsed, steps, times, scope)
    const evaluatedMs = clock.monotonic()
    const isByStep = job.stats === 'all' && features.perStepStats
    const stats = job.stats === '' ? '' : writeStats({ startedMs: run.startedMs, preparedMs, evaluatedMs }, { budget, tierUse }, isByStep)
    const explain = explainer === null ? '' : JSON.stringify(explainer.tree(parsed))
    let isCut = false
    return successReply(budget.bytesLeft, (out) => {
      isCut = writeResult(out, result, { steps, isRangeQuery, labels, histograms, budget, limit: job.limit, stats, explain })
    }, () => {
      if (isCut) annotations.warnPlain(TRUNCATED)
      for (const sentence of job.warnings ?? []) annotations.warnPlain(sentence)
      return { warnings: [...partialWarnings(querier), ...annotations.warnings()], infos: annotations.infos() }
    })
  }

  /** The table that queries of one store share, one after the other. */
  #labelsOf(queryable: Queryable, querier: Querier): LabelTable {
    let labels = this.#labels.get(queryable)
    if (labels === undefined) {
      labels = new LabelTable(querier)
      this.#labels.set(queryable, labels)
    }
    labels.open(querier)
    return labels
  }

  #stepsOf(job: InstantJob | RangeJob): Steps {
    if (job.kind === 'instant') return { startMs: job.timeMs, stepMs: 0, count: 1 }
    if (!(job.stepMs > 0)) throw new QueryError('bad_data', 'zero or negative query resolution step widths are not accepted. Try a positive integer')
    if (job.endMs < job.startMs) throw new QueryError('bad_data', 'end timestamp must not be before start time')
    const steps = stepsWithin(job.startMs, job.endMs, job.stepMs)
    if (steps.count > this.#options.stepsMax) {
      throw new QueryError('bad_data', 'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)')
    }
    return steps
  }
}

/** The answer to what `run` caught: expected ends by their type, bugs as internal errors. */
function failureReply(error: unknown): QueryReply {
  if (error instanceof ParseError) return errorReply('bad_data', `invalid parameter "query": ${error.message}`)
  if (error instanceof QueryError) return errorReply(error.code, error.message)
  if (isRecursion(error)) return errorReply('execution', 'query is nested too deeply')
  if (isAllocation(error)) return errorReply('execution', `query needs more memory than there is: ${error.message}`)
  return errorReply('internal', error instanceof Error ? error.message : String(error))
}

/** The stack is full of one place. A call with more arguments than fit the stack says the same, and is a bug of ours. */
function isRecursion(error: unknown): boolean {
  if (!(error instanceof RangeError) || !error.message.includes('call stack')) return false
  const places = error.stack?.match(/\S+:\d+:\d+/g) ?? []
  return new Set(places).size < places.length
}

/** V8 refuses arrays, buffers, texts and maps of a size it cannot have. */
function isAllocation(error: unknown): error is RangeError {
  return error instanceof RangeError && /allocation failed|^Invalid (?:typed array|array buffer|array|string) length|maximum size exceeded$/.test(error.message)
}
