// Asks on behalf of rules: expressions that are windows of single series compared with a number are answered from state that
// is kept from tick to tick, all others by the engine. State is shared by all rules that look equally far back (query_offset):
// samples by selector, windows by selector, function and length.
//
//   expression ─windowForm─▶ samples of the selector ─advance─▶ windows of the function ─advance─▶ comparison ─▶ elements
import type { Queryable, Querier } from '../../../storage/interface.ts'
import type { InstantElement } from '../../../lang/instant-elements.ts'
import type { EngineFeatures } from '../../../lang/parse/ast.ts'
import { ParseError } from '../../../lang/parse/parse-error.ts'
import type { Labels } from '../../model/labels.ts'
import type { QueryFunc } from '../rule-query.ts'
import { labelsOfSeries, withoutName } from '../series-labels.ts'
import { SampleColumns } from './sample-columns.ts'
import { windowForm, type WindowForm } from './window-form.ts'
import { WindowState, type WindowValues } from './window-state.ts'

/** Of samples and windows together; what does not fit is evaluated by the engine. */
const BYTES_MAX = 200_000_000
/** State that nobody has asked for so long is let go. */
const IDLE_MS = 1_800_000
/** Expressions whose form is remembered. */
const FORMS_MAX = 20_000
/** Queries between two looks for idle state. */
const SWEEP_QUERIES = 1000

interface Kept {
  columns: SampleColumns
  states: Map<string, { state: WindowState; usedMs: number; bytes: number }>
  /** By slot, as they are asked for. */
  labels: (Labels | undefined)[]
  version: number
  usedMs: number
}

/** Whether windows give what the engine does with these features of the language. */
function canKeepWindows({ delayedNameRemoval, typeAndUnitLabels, startTimestamps }: Partial<EngineFeatures>): boolean {
  return delayedNameRemoval !== true && typeAndUnitLabels !== true && startTimestamps !== true
}

export class WindowQueries {
  readonly #engine: QueryFunc
  readonly #queryable: Queryable
  readonly #lookbackMs: number
  readonly #bytesMax: number
  readonly #features: Partial<EngineFeatures>
  readonly #forms = new Map<string, WindowForm | null>()
  readonly #kept = new Map<string, Kept>()
  /** Of the window that was asked for last. */
  #answer: WindowValues = { values: new Float64Array(0), hasValue: new Uint8Array(0) }
  #bytes = 0
  #queries = 0
  #lateBefore = 0

  constructor(engine: QueryFunc, queryable: Queryable, { lookbackMs, features, bytesMax = BYTES_MAX }: { lookbackMs: number; features: Partial<EngineFeatures>; bytesMax?: number }) {
    this.#bytesMax = bytesMax
    this.#features = features
    this.#engine = engine
    this.#queryable = queryable
    this.#lookbackMs = lookbackMs
  }

  /** Samples that came when the tick they belong to was over, since the start. */
  lateSamples(): number {
    let count = this.#lateBefore
    for (const { columns } of this.#kept.values()) count += columns.lateCount
    return count
  }

  /** Bytes of samples and windows. */
  sizeBytes(): number {
    return this.#bytes
  }

  /** Asks for rules that look `offsetMs` back, which is how late samples may come. */
  withOffset(offsetMs: number): QueryFunc {
    if (!canKeepWindows(this.#features)) return this.#engine
    return (expr, timeMs) => this.#ask(offsetMs, expr, timeMs) ?? this.#engine(expr, timeMs)
  }

  /** null: the engine is to be asked. */
  #ask(offsetMs: number, expr: string, timeMs: number): InstantElement[] | null {
    const form = this.#formOf(expr)
    if (form === null) return null
    if (++this.#queries % SWEEP_QUERIES === 0) this.#sweep(timeMs)
    const windowMs = form.windowMs === 0 ? this.#lookbackMs : form.windowMs
    const kept = this.#samplesFor(`${offsetMs};${form.selector}`, form, windowMs)
    const { columns } = kept
    // A tick that is evaluated after a later one of another group.
    if (columns.refusal !== '' || timeMs < columns.pulledMs) return null
    const before = columns.sizeBytes
    columns.advance(this.#queryable, timeMs)
    this.#bytes += columns.sizeBytes - before
    if (columns.refusal !== '') return null
    kept.usedMs = timeMs
    const state = this.#stateFor(kept, form, windowMs, timeMs)
    if (state === null) return null
    state.advance(columns, timeMs)
    return this.#elements(kept, state, form)
  }

  #formOf(expr: string): WindowForm | null {
    const known = this.#forms.get(expr)
    if (known !== undefined) return known
    let form: WindowForm | null = null
    try {
      form = windowForm(expr, this.#features)
    } catch (error) {
      // The engine says what is wrong.
      if (!(error instanceof ParseError)) throw error
    }
    if (this.#forms.size >= FORMS_MAX) this.#forms.clear()
    this.#forms.set(expr, form)
    return form
  }

  #samplesFor(key: string, { matchers }: WindowForm, windowMs: number): Kept {
    const known = this.#kept.get(key)
    if (known !== undefined && known.columns.spanMs >= windowMs) return known
    // A longer window than those so far: all is read again, once.
    if (known !== undefined) this.#forget(key, known)
    const kept: Kept = { columns: new SampleColumns(matchers, windowMs, this.#bytesMax - this.#bytes), states: new Map(), labels: [], version: -1, usedMs: 0 }
    this.#kept.set(key, kept)
    return kept
  }

  #stateFor({ states, columns }: Kept, form: WindowForm, windowMs: number, timeMs: number): WindowState | null {
    const key = `${form.func};${form.quantile};${windowMs}`
    const bytes = WindowState.bytesFor(form, columns.refs.length)
    const known = states.get(key)
    if (this.#bytes + bytes - (known?.bytes ?? 0) > this.#bytesMax) return null
    const entry = known ?? { state: new WindowState(form, windowMs), usedMs: timeMs, bytes: 0 }
    this.#bytes += bytes - entry.bytes
    entry.bytes = bytes
    entry.usedMs = timeMs
    states.set(key, entry)
    return entry.state
  }

  #elements(kept: Kept, state: WindowState, form: WindowForm): InstantElement[] {
    const { columns } = kept
    const count = columns.refs.length
    if (this.#answer.values.length < count) this.#answer = { values: new Float64Array(count), hasValue: new Uint8Array(count) }
    const { values } = this.#answer
    state.fill(columns, this.#answer)
    const slots = passing(this.#answer, count, form)
    if (slots.length === 0) return []
    if (kept.version !== columns.version) {
      kept.labels = []
      kept.version = columns.version
    }
    const keepsName = form.func === '' || form.func === 'last_over_time'
    let querier: Querier | null = null
    try {
      return slots.map((slot) => {
        const labels = kept.labels[slot] ??= labelsOfSeries((querier ??= this.#queryable.querier()), columns.refs[slot]!)
        return { labels: keepsName ? labels : withoutName(labels), value: values[slot]!, histogram: null }
      })
    } finally {
      (querier as Querier | null)?.close()
    }
  }

  #sweep(timeMs: number): void {
    for (const [key, kept] of this.#kept) {
      if (timeMs - kept.usedMs > IDLE_MS && kept.usedMs > 0) this.#forget(key, kept)
      for (const [name, { usedMs, bytes }] of kept.states) {
        if (timeMs - usedMs <= IDLE_MS) continue
        kept.states.delete(name)
        this.#bytes -= bytes
      }
    }
  }

  #forget(key: string, { columns, states }: Kept): void {
    this.#lateBefore += columns.lateCount
    this.#bytes -= columns.sizeBytes
    for (const { bytes } of states.values()) this.#bytes -= bytes
    states.clear()
    this.#kept.delete(key)
  }
}

/** Slots whose value the comparison keeps. */
function passing({ values, hasValue }: WindowValues, length: number, { comparison, threshold }: WindowForm): number[] {
  const slots: number[] = []
  const add = (s: number): void => {
    if (hasValue[s] === 1) slots.push(s)
  }
  switch (comparison) {
    case '>': for (let s = 0; s < length; s++) if (values[s]! > threshold) add(s)
      break
    case '>=': for (let s = 0; s < length; s++) if (values[s]! >= threshold) add(s)
      break
    case '<': for (let s = 0; s < length; s++) if (values[s]! < threshold) add(s)
      break
    case '<=': for (let s = 0; s < length; s++) if (values[s]! <= threshold) add(s)
      break
    case '==': for (let s = 0; s < length; s++) if (values[s]! === threshold) add(s)
      break
    case '!=': for (let s = 0; s < length; s++) if (values[s]! !== threshold) add(s)
      break
  }
  return slots
}
