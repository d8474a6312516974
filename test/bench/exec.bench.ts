// `node test/bench/exec.bench.ts`: the engine alone, in one thread, over series that lie ready in shared-column batches
// as the head hands them up: what storage decoding costs is not in it.
//
//   sum by(g)(rate(m[5m]))   10 k series × 1,440 samples (10 s) × 240 steps (60 s)
//   rate(m[5m])              1 k series × 240 steps, to JSON
import { Engine } from '../../lang/engine.ts'
import type { RangeJob } from '../../lang/job.ts'
import { compareText, type Labels } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import type { Querier, Queryable, Selection, SeriesBatch } from '../../storage/interface.ts'

const SAMPLES = 1440
const SAMPLE_MS = 10_000
const STEP_MS = 60_000
const SERIES_PER_BATCH = Math.floor((1 << 20) / SAMPLES)

/** Counters that share one column, with a reset now and then; values of all batches are one array, made once. */
class SyntheticStore implements Queryable {
  readonly #labels: Labels[]
  readonly #symbols: string[]
  readonly #symbolIds: Map<string, number>
  readonly #t = Float64Array.from({ length: SAMPLES }, (_, i) => i * SAMPLE_MS)
  readonly #v = new Float64Array(SERIES_PER_BATCH * SAMPLES)

  constructor(seriesCount: number) {
    this.#labels = Array.from({ length: seriesCount }, (_, s) => ['__name__', 'm', 'g', String(s % 10), 'instance', `host-${s}`, 'job', 'node'])
    this.#symbols = ['', ...new Set(this.#labels.flat())].toSorted(compareText)
    this.#symbolIds = new Map(this.#symbols.map((text, id) => [text, id]))
    for (let s = 0; s < SERIES_PER_BATCH; s++) {
      for (let i = 0, value = s; i < SAMPLES; i++) {
        value = (i + s) % 700 === 0 ? 0 : value + ((i * 7 + s * 13) % 97) + (s % 3 === 0 ? 0.25 : 0)
        this.#v[s * SAMPLES + i] = value
      }
    }
  }

  querier(): Querier {
    return {
      symbolOf: (text) => this.#symbolIds.get(text) ?? 0,
      textOf: (symbol) => this.#symbols[symbol]!,
      labelsOf: (ref, out) => {
        const labels = this.#labels[ref - 1]!
        for (let i = 0; i < labels.length; i++) out[i] = this.#symbolIds.get(labels[i]!)!
        return labels.length
      },
      select: (_matchers: readonly Matcher[]) => this.#select(),
      labelNames: () => [], labelValues: () => [], seriesRefs: () => new Uint32Array(0), cardinality: () => notHere(), close: () => {},
    }
  }

  #select(): Selection {
    const refs = Uint32Array.from(this.#labels, (_, s) => s + 1)
    let done = 0
    return {
      refs,
      next: (): SeriesBatch | null => {
        if (done === refs.length) return null
        const seriesCount = Math.min(SERIES_PER_BATCH, refs.length - done)
        const index = Uint32Array.from({ length: seriesCount }, (_, s) => done + s)
        done += seriesCount
        const none = new Uint32Array(0)
        const hasGaps = new Uint8Array(seriesCount)
        return { n: SAMPLES, t: this.#t, seriesCount, index, v: this.#v, hasGaps, present: none, stale: none, histograms: null, histogramBits: none, startTimes: null }
      },
    }
  }
}

function notHere(): never {
  throw new Error('the bench has no index')
}

function measure(name: string, seriesCount: number, query: string): void {
  const store = new SyntheticStore(seriesCount)
  const engine = new Engine()
  const endMs = (SAMPLES - 1) * SAMPLE_MS
  const job: RangeJob = {
    kind: 'range', query, startMs: endMs - 239 * STEP_MS, endMs, stepMs: STEP_MS, lookbackMs: 300_000, stats: '', timeoutMs: 60_000, limit: 0,
  }
  const tookMs: number[] = []
  let bytes = 0
  for (let run = 0; run < 9; run++) {
    const start = performance.now()
    const reply = engine.run(job, store)
    tookMs.push(performance.now() - start)
    if (reply.status !== 200) throw new Error(new TextDecoder().decode(reply.body))
    bytes = reply.body.length
  }
  const [first] = tookMs
  const sorted = tookMs.toSorted((a, b) => a - b)
  console.log(`${name}: median ${sorted[4]!.toFixed(1)} ms, best ${sorted[0]!.toFixed(1)}, first ${first!.toFixed(1)}, ${bytes} bytes`)
}

measure('sum by(g)(rate(m[5m])), 10 k series', 10_000, 'sum by(g)(rate(m[5m]))')
measure('rate(m[5m]), 1 k series', 1000, 'rate(m[5m])')
measure('m, 1 k series', 1000, 'm')
measure('max_over_time(m[1h]), 1 k series', 1000, 'max_over_time(m[1h])')
measure('m * on(instance) m, 1 k series', 1000, 'm * on(instance) m')
measure('topk(5, m), 1 k series', 1000, 'topk(5, m)')
measure('quantile by(g)(0.9, m), 1 k series', 1000, 'quantile by(g)(0.9, m)')
measure('sum(exp(m / 1e7)), 1 k series', 1000, 'sum(exp(m / 1e7))')
measure('sum(ln(m)), 1 k series', 1000, 'sum(ln(m))')
measure('sum(m ^ 1.5), 1 k series', 1000, 'sum(m ^ 1.5)')
