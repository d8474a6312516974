// Asks on behalf of rules. Windows of single series are kept from tick to tick: expressions that are such windows compared with a
// number are answered from them alone, and the engine takes those that stand in others from here instead of the store. State is
// shared by all rules that look equally far back (query_offset and offset together): samples by selector, windows by selector,
// function and length.
//
//   expression ─windowForm─▶ samples of the selector ─advance─▶ windows of the function ─advance─▶ comparison ─▶ elements
//        └──── else ─▶ engine ─── windows in it ───▲                                          └──▶ values ─▶ engine
import type { Queryable, Querier } from '../../../storage/interface.ts'
import { PastResults, type PastSource } from '../../../lang/exec/past-results.ts'
import type { KeptWindows } from '../../../lang/exec/window-contract.ts'
import type { InstantElement } from '../../../lang/instant-elements.ts'
import type { EngineFeatures } from '../../../lang/parse/ast.ts'
import { ParseError } from '../../../lang/parse/parse-error.ts'
import type { Labels } from '../../model/labels.ts'
import type { AwaitedPast } from '../baseline/awaited-past.ts'
import { RuleQueryError, RuleWaitError, type QueryFunc, type WindowQueryFunc } from '../rule-query.ts'
import { labelsOfSeries, withoutName } from '../series-labels.ts'
import { SampleColumns, SLACK_MS } from './sample-columns.ts'
import { needsSums } from './window-folds.ts'
import { windowForm, windowsIn, windowSpec, type WindowForm, type WindowSpec } from './window-form.ts'
import { WindowState, type WindowValues } from './window-state.ts'

/** Of samples and windows together; what does not fit is evaluated by the engine. */
const BYTES_MAX = 256 << 20
/** State that nobody has asked for so long is let go. */
const IDLE_MS = 1_800_000
/** Expressions whose form is remembered. */
const FORMS_MAX = 20_000
/** Queries between two looks for idle state. */
const SWEEP_QUERIES = 1000

/** What the rules of a group have in common. */
export interface GroupAsks {
  /** How far back they look, which is how late samples may come. */
  offsetMs: number
  /** All would be read anew each time: nothing of their windows is kept but what is past. */
  isRare?: boolean
  /** Their baselines may be a step behind. */
  hasBaselines?: boolean
}

interface Kept {
  columns: SampleColumns
  states: Map<string, { state: WindowState; usedMs: number; bytes: number }>
  /** By ref, as they are asked for. */
  labels: Map<number, Labels>
  version: number
  usedMs: number
}

interface Found {
  kept: Kept
  state: WindowState
}

/** Whether windows give what the engine does with these features of the language. */
function canKeepWindows({ delayedNameRemoval, typeAndUnitLabels, startTimestamps }: Partial<EngineFeatures>): boolean {
  return delayedNameRemoval !== true && typeAndUnitLabels !== true && startTimestamps !== true
}

export class WindowQueries {
  readonly #engine: WindowQueryFunc
  readonly #queryable: Queryable
  readonly #lookbackMs: number
  readonly #bytesMax: number
  readonly #features: Partial<EngineFeatures>
  readonly #forms = new Map<string, WindowForm | null>()
  readonly #kept = new Map<string, Kept>()
  /** By key of what is kept: the longest window that rules will ask for. */
  readonly #spansMs = new Map<string, number>()
  readonly #past = new PastResults()
  readonly #baselines: AwaitedPast | null
  /** Of the window that was asked for last. */
  #answer: WindowValues = { values: new Float64Array(0), hasValue: new Uint8Array(0) }
  #bytes = 0
  #queries = 0
  #lateBefore = 0

  /** `baselines`: absent: they are evaluated with the rules that compare with them. */
  constructor(
    engine: WindowQueryFunc, queryable: Queryable,
    { lookbackMs, features, bytesMax = BYTES_MAX, baselines = null }: { lookbackMs: number; features: Partial<EngineFeatures>; bytesMax?: number; baselines?: AwaitedPast | null },
  ) {
    this.#baselines = baselines
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

  /** What a rule is going to ask: else samples would be read again for each window that is longer than those before. */
  expect(expr: string, offsetMs: number): void {
    for (const { selector, offsetMs: ownMs, windowMs } of windowsIn(expr, this.#features)) {
      const key = keyOf(selector, offsetMs + ownMs)
      this.#spansMs.set(key, Math.max(this.#spansMs.get(key) ?? 0, this.#windowMs(windowMs)))
    }
  }

  /** Asks for rules of one group. */
  queryFor({ offsetMs, isRare, hasBaselines }: GroupAsks): QueryFunc {
    const isKept = !isRare && canKeepWindows(this.#features)
    const query = (expr: string, timeMs: number, past: PastSource): InstantElement[] => {
      const form = isKept ? this.#formOf(expr) : null
      const elements = form === null ? null : this.#ask(form, offsetMs, timeMs)
      if (elements !== null) return elements
      const windows: KeptWindows = (asked, atMs, querier) => {
        const spec = isKept && atMs === timeMs && form === null ? windowSpec(asked) : null
        const found = spec === null ? null : this.#advanced(spec, offsetMs, { timeMs, querier })
        if (found === null) return null
        this.#fill(found)
        return { refs: found.kept.columns.refs, ...this.#answer }
      }
      return this.#engine(expr, timeMs, { windows, past })
    }
    const baselines = this.#baselines
    if (!hasBaselines || baselines === null) return (expr, timeMs) => query(expr, timeMs, this.#past)
    return (expr, timeMs) => {
      const elements = query(expr, timeMs, baselines)
      const { isWaiting, error } = baselines.takeLack()
      if (error !== '') throw new RuleQueryError(error)
      if (isWaiting) throw new RuleWaitError('its baseline is being evaluated; the rule begins when that is done')
      return elements
    }
  }

  /** null: the engine is to be asked. */
  #ask(form: WindowForm, offsetMs: number, timeMs: number): InstantElement[] | null {
    const querier = this.#queryable.querier()
    try {
      const found = this.#advanced(form, offsetMs, { timeMs, querier })
      return found && this.#elements(found, form, querier)
    } finally {
      querier.close()
    }
  }

  /** The windows as of `timeMs`; null: they are not kept. */
  #advanced(spec: WindowSpec, offsetMs: number, { timeMs, querier }: { timeMs: number; querier: Querier }): Found | null {
    if (++this.#queries % SWEEP_QUERIES === 0) this.#sweep(timeMs)
    const windowMs = this.#windowMs(spec.windowMs)
    const kept = this.#samplesFor(spec, offsetMs + spec.offsetMs, windowMs)
    const { columns } = kept
    const endMs = timeMs - spec.offsetMs
    // A tick after a later one of another group: of staleness markers only the newest is known.
    const fromMs = spec.func === '' ? columns.pulledMs : columns.pulledMs - SLACK_MS
    if (columns.refusal !== '' || endMs < fromMs) return null
    const before = columns.sizeBytes
    if (needsSums(spec)) columns.keepSums()
    columns.advance(querier, endMs)
    this.#bytes += columns.sizeBytes - before
    if (columns.refusal !== '') return null
    kept.usedMs = timeMs
    const state = this.#stateFor(kept, spec, windowMs, timeMs)
    if (state === null) return null
    state.advance(columns, endMs)
    return { kept, state }
  }

  #windowMs(windowMs: number): number {
    return windowMs === 0 ? this.#lookbackMs : windowMs
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

  #samplesFor({ matchers, selector }: WindowSpec, offsetMs: number, windowMs: number): Kept {
    const key = keyOf(selector, offsetMs)
    const known = this.#kept.get(key)
    if (known !== undefined && known.columns.spanMs >= windowMs) return known
    // A longer window than those so far: all is read again, once.
    if (known !== undefined) this.#forget(key, known)
    const columns = new SampleColumns(matchers, Math.max(windowMs, this.#spansMs.get(key) ?? 0), { offsetMs, bytesMax: this.#bytesMax - this.#bytes })
    const kept: Kept = { columns, states: new Map(), labels: new Map(), version: -1, usedMs: 0 }
    this.#kept.set(key, kept)
    return kept
  }

  #stateFor({ states, columns }: Kept, form: WindowSpec, windowMs: number, timeMs: number): WindowState | null {
    const key = `${form.func};${form.arg};${windowMs};${form.offsetMs}`
    const bytes = WindowState.bytesFor(form, columns.slotCap)
    const known = states.get(key)
    if (this.#bytes + bytes - (known?.bytes ?? 0) > this.#bytesMax) return null
    const entry = known ?? { state: new WindowState(form, windowMs), usedMs: timeMs, bytes: 0 }
    this.#bytes += bytes - entry.bytes
    entry.bytes = bytes
    entry.usedMs = timeMs
    states.set(key, entry)
    return entry.state
  }

  #fill({ kept: { columns }, state }: Found): void {
    const count = columns.refs.length
    if (this.#answer.values.length < count) this.#answer = { values: new Float64Array(count), hasValue: new Uint8Array(count) }
    state.fill(columns, this.#answer)
  }

  #elements(found: Found, form: WindowForm, querier: Querier): InstantElement[] {
    const { kept } = found
    const { columns } = kept
    this.#fill(found)
    const { values } = this.#answer
    const places = passing(this.#answer, columns.refs.length, form)
    if (places.length === 0) return []
    if (kept.version !== columns.version) {
      kept.labels.clear()
      kept.version = columns.version
    }
    const keepsName = form.func === '' || form.func === 'last_over_time'
    return places.map((place) => {
      const ref = columns.refs[place]!
      let labels = kept.labels.get(ref)
      if (labels === undefined) kept.labels.set(ref, labels = labelsOfSeries(querier, ref))
      return { labels: keepsName ? labels : withoutName(labels), value: values[place]!, histogram: null }
    })
  }

  #sweep(timeMs: number): void {
    for (const [key, kept] of this.#kept) {
      if (timeMs - kept.usedMs > IDLE_MS && kept.usedMs > 0) {
        this.#forget(key, kept)
        this.#spansMs.delete(key)
      }
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

/** Samples of one selector that are looked at alike. */
function keyOf(selector: string, offsetMs: number): string {
  return `${offsetMs};${selector}`
}

/** Places whose value the comparison keeps. */
function passing({ values, hasValue }: WindowValues, length: number, { comparison, threshold }: WindowForm): number[] {
  const places: number[] = []
  const add = (s: number): void => {
    if (hasValue[s] === 1) places.push(s)
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
  return places
}
