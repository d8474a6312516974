// One query panel's state and its life: options from the link, the result on show, the request under way. Views read
// the signals; only this class sends queries. A new run aborts the one before it; old data stays on show until the
// new arrives, unless it belongs to another expression that failed.
import { batch, signal, type Signal } from '@preact/signals'
import { isAbort, ApiError } from '../api/fetch-api.ts'
import { queryInstant, queryRange, type InstantData } from '../api/queries.ts'
import { readStored, store } from '../shell/settings.ts'
import type { Matrix } from './matrix.ts'
import { addToHistory, historyOf } from './query-history.ts'
import { gridOf, type PanelOptions } from './url-state.ts'

interface ResultBase {
  expr: string
  notes: string[]
  /** From asking to having it in hand, ms. */
  tookMs: number
  /** When it was asked for, Unix ms; right edge of a graph that follows the present. */
  askedMs: number
}

export type PanelResult =
  | (ResultBase & { kind: 'graph'; matrix: Matrix; windowMs: readonly [start: number, end: number] })
  | (ResultBase & { kind: 'table'; data: InstantData; timeMs: number })

export interface PanelError {
  expr: string
  code: string
  message: string
}

/** A refresh comes no oftener than this many times what the last one took, so that a slow query is not piled up. */
const REST_FACTOR = 4

let lastId = 0

/** Expressions run in this browser, newest first. */
export const queryHistory: Signal<string[]> = signal(historyOf(readStored('history')))

export class Panel {
  readonly id: number
  readonly options: Signal<PanelOptions>
  /** The expression as it stands in the editor; `options.expr` is the one last run. */
  readonly draft: Signal<string>
  readonly result: Signal<PanelResult | null> = signal(null)
  readonly error: Signal<PanelError | null> = signal(null)
  /** Start of the request under way (performance clock, ms), or null. */
  readonly runningSince: Signal<number | null> = signal(null)
  /** The reader stopped the last run; live beats leave it at that. */
  readonly isCancelled: Signal<boolean> = signal(false)
  #abort: AbortController | null = null
  #restUntil = 0

  constructor(options: PanelOptions) {
    this.id = ++lastId
    this.options = signal(options)
    this.draft = signal(options.expr)
  }

  /** Takes the draft as the expression and runs it. */
  submit(): void {
    const expr = this.draft.value.trim()
    queryHistory.value = addToHistory(queryHistory.value, expr)
    store('history', queryHistory.value)
    this.change({ expr })
  }

  /** Changes options and runs the query again. */
  change(change: Partial<PanelOptions>): void {
    this.options.value = { ...this.options.value, ...change }
    void this.run()
  }

  /** Sets options that need no new data. */
  restyle(change: Partial<Pick<PanelOptions, 'isZeroBased'>>): void {
    this.options.value = { ...this.options.value, ...change }
  }

  /** A beat of live mode: runs again if the panel follows the present, is at rest, and may answer otherwise than before. */
  refresh(): void {
    if (this.options.peek().endMs !== null || this.runningSince.peek() !== null || performance.now() < this.#restUntil) return
    if (this.isCancelled.peek() || this.error.peek()?.code === 'bad_data') return
    void this.run()
  }

  /** The reader's stop: ends the request under way; what is on show stays. */
  cancel(): void {
    this.stop()
    this.isCancelled.value = true
  }

  /** Ends the request under way, at the end of the panel's life or before the next run. */
  stop(): void {
    this.#abort?.abort(new DOMException('cancelled', 'AbortError'))
    this.#abort = null
    this.runningSince.value = null
  }

  async run(): Promise<void> {
    this.stop()
    this.isCancelled.value = false
    const options = this.options.value
    if (options.expr === '') {
      batch(() => {
        this.result.value = null
        this.error.value = null
      })
      return
    }
    const abort = new AbortController()
    this.#abort = abort
    const startedMs = performance.now()
    this.runningSince.value = startedMs
    try {
      const result = await ask(options, abort.signal)
      this.#settle(abort, startedMs, () => {
        this.result.value = { ...result, tookMs: performance.now() - startedMs }
        this.error.value = null
      })
    } catch (error) {
      if (isAbort(error)) return
      this.#settle(abort, startedMs, () => {
        const code = error instanceof ApiError ? error.code : 'internal'
        this.error.value = { expr: options.expr, code, message: error instanceof Error ? error.message : String(error) }
        if (this.result.value?.expr !== options.expr) this.result.value = null
      })
    }
  }

  #settle(abort: AbortController, startedMs: number, f: () => void): void {
    if (this.#abort !== abort) return
    this.#abort = null
    this.#restUntil = performance.now() + REST_FACTOR * (performance.now() - startedMs)
    batch(() => {
      this.runningSince.value = null
      f()
    })
  }
}

async function ask(options: PanelOptions, signal: AbortSignal): Promise<PanelResult> {
  const { expr, endMs, rangeMs } = options
  const askedMs = Date.now()
  if (options.tab === 'table') {
    const timeMs = endMs ?? askedMs
    const { data, notes } = await queryInstant(expr, timeMs, signal)
    return { kind: 'table', expr, notes, askedMs, tookMs: 0, data, timeMs }
  }
  const { data, notes } = await queryRange(expr, gridOf(options, askedMs), signal)
  const right = endMs ?? askedMs
  return { kind: 'graph', expr, notes, askedMs, tookMs: 0, matrix: data, windowMs: [right - rangeMs, right] }
}
