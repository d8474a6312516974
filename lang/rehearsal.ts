// Small queries over stored series, asked by a worker of itself while it has nothing else to do. V8 interprets what has
// run a few times only, which makes the first hundred queries of a thread three times as slow as later ones; after this
// they are not. Costs some 0.4 s of a thread's time in all, in slices, spread over its first minute: what is stored,
// and so what there is to practise, comes little by little.
import type { Clock, Timer } from '../lib/std/clock.ts'
import { printLabels, type Labels } from '../lib/model/labels.ts'
import type { Queryable } from '../storage/interface.ts'
import type { Engine } from './engine.ts'
import type { QueryJob } from './job.ts'

/** How long each round waits for the one before, or the start: the first questions may come soon, other stored data much later. */
const ROUND_WAITS_MS = [1000, 1000, 1000, 2000, 3000, 5000, 8000, 13_000] as const
/** Queries of each kind in a round. */
const RUNS = 20
/** Nobody waits longer for a worker that rehearses, but for the query that it is at. */
const SLICE_MS = 2
const PAUSE_MS = 10
/** Whoever has answered so many since the last round needs no practice. */
const ANSWERED_ENOUGH = 100
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Multiples of it, whole parts taken off, are spread evenly. */
const GOLDEN_SHARE = 0.618_033_988_749
const LIMITS = { timeoutMs: 1000, lookbackMs: HOUR_MS, limit: 0, stats: '' } as const
/** As `labelsOf` wants it. */
const LABEL_IDS_MAX = 128

export class Rehearsal {
  readonly #engine: Engine
  readonly #queryable: Queryable
  readonly #clock: Clock
  #round = 0
  #runsLeft = 0
  #runs = 0
  #answered = 0
  #timer: Timer

  /** Begins a second from now. */
  constructor(engine: Engine, queryable: Queryable, clock: Clock) {
    this.#engine = engine
    this.#queryable = queryable
    this.#clock = clock
    this.#timer = this.#startLater()
  }

  /** A real query was answered. */
  answered(): void {
    this.#answered++
  }

  stop(): void {
    this.#timer.cancel()
  }

  #startLater(): Timer {
    return this.#clock.after(ROUND_WAITS_MS[this.#round]!, () => {
      this.#runsLeft = this.#answered < ANSWERED_ENOUGH ? RUNS : 0
      this.#answered = 0
      this.#slice()
    }, true)
  }

  #slice(): void {
    const endMs = this.#clock.monotonic() + SLICE_MS
    for (; this.#runsLeft > 0 && this.#clock.monotonic() < endMs; this.#runsLeft--) {
      const labels = this.#labels()
      if (labels === null) this.#runsLeft = 1
      else this.#run(labels)
    }
    if (this.#runsLeft > 0) this.#timer = this.#clock.after(PAUSE_MS, () => this.#slice(), true)
    else if (++this.#round < ROUND_WAITS_MS.length) this.#timer = this.#startLater()
  }

  /** What dashboards ask most: one series, now, over the last hour and over the last day, and what series there are. */
  #run(labels: Labels): void {
    const nowMs = this.#clock.now()
    const selector = printLabels(labels)
    const last = { startMs: nowMs - HOUR_MS, endMs: nowMs }
    const jobs: QueryJob[] = [
      { ...LIMITS, kind: 'instant', query: selector, timeMs: nowMs },
      { ...LIMITS, ...last, kind: 'range', query: `rate(${selector}[1h])`, stepMs: 15_000 },
      { ...LIMITS, kind: 'range', query: `sum(max_over_time(${selector}[1h]))`, startMs: nowMs - DAY_MS, endMs: nowMs, stepMs: 300_000 },
      { ...LIMITS, ...last, kind: 'labelValues', name: labels[0]!, matches: [selector] },
      { ...LIMITS, ...last, kind: 'series', matches: [selector] },
    ]
    for (const job of jobs) this.#engine.run(job, this.#queryable)
  }

  /** Of another series each time, spread over all; null while there is none. */
  #labels(): Labels | null {
    const querier = this.#queryable.querier()
    try {
      const ref = querier.refAt?.((this.#runs++ * GOLDEN_SHARE) % 1) ?? 0
      if (ref === 0) return null
      const ids = new Uint32Array(LABEL_IDS_MAX)
      const count = querier.labelsOf(ref, ids)
      return Array.from(ids.subarray(0, count), (id) => querier.textOf(id))
    } finally {
      querier.close()
    }
  }
}
