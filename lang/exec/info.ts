// info(v, {selector}): adds labels of info series (target_info and the like) to series with the same instance and job.
// Step by step, since info series replace one another over time (prometheus promql/info.go).
//
//   base ──drain─▶ rows ──┬─▶ instances, jobs ─▶ select info series at the time that the base is read at
//                         └─▶ per step: newest info of each (name, instance, job) ─▶ labels ─▶ rows per label set
import { METRIC_NAME, printLabels } from '../../lib/model/labels.ts'
import { compileMatcher, type Matcher } from '../../lib/model/matcher.ts'
import type { Call, Expr, VectorSelector } from '../parse/ast.ts'
import { atMs, durationMs } from '../plan/fold-durations.ts'
import { childrenOf, unwrapParens } from '../plan/tree.ts'
import type { ExprCompiler } from './call-context.ts'
import type { Budget } from './budget.ts'
import { bytesOf, DenseOperator, drain, type DenseRows } from './dense.ts'
import { InfoLabels } from './info-labels.ts'
import { instantSelector } from './instant-selector.ts'
import type { LabelTable } from './label-table.ts'
import { ABSENT, HISTOGRAM, type Operator, type RowBatch, type Steps } from './operator.ts'
import { ExecutionError } from './query-error.ts'

/** What ties an info series to others. */
const IDENTIFYING = ['instance', 'job'] as const
/** More values than these are not asked of the store by name. */
const VALUES_MAX = 200

/** The operator of a call of info. Its series are known when all is evaluated. */
export function infoCall(compiler: ExprCompiler, call: Call, steps: Steps): Operator {
  return compiler.merged(new InfoRows(compiler, call, steps), steps)
}

class InfoRows implements Operator {
  readonly #compiler: ExprCompiler
  readonly #call: Call
  readonly #steps: Steps
  readonly #base: Operator
  #rows: DenseOperator | null = null

  constructor(compiler: ExprCompiler, call: Call, steps: Steps) {
    this.#compiler = compiler
    this.#call = call
    this.#steps = steps
    this.#base = compiler.compile(call.args[0]!, steps)
  }

  series(): Uint32Array {
    return this.#evaluated().series()
  }

  next(): RowBatch | null {
    return this.#evaluated().next()
  }

  #evaluated(): DenseOperator {
    return this.#rows ??= new DenseOperator(this.#evaluate(), this.#compiler.scope.budget)
  }

  #evaluate(): DenseRows {
    const { labels, budget } = this.#compiler.scope
    const read = drain(this.#base, this.#steps, budget)
    const base = withoutEmptyRows(read, this.#steps.count)
    const asked = askedOf(this.#call)
    const isInfo = nameTest(labels, asked.names)
    const enriched = base.series.map((set) => (isInfo(set) ? 0 : 1))
    const found = this.#infos(base.series.filter((_, s) => enriched[s] === 1), asked)
    const grouped = groupInfos(found, labels)
    const join = new InfoLabels(labels, asked.data, grouped.sets)
    const rows = enrich({ base, enriched, infos: grouped, join }, this.#compiler, this.#steps)
    budget.releaseBytes(read.values.byteLength + read.kinds.byteLength + found.times.byteLength + found.kinds.byteLength)
    return rows
  }

  /** The info series that can belong to the given sets. */
  #infos(sets: Uint32Array, asked: Asked): Infos {
    const { labels, budget } = this.#compiler.scope
    const values = IDENTIFYING.map((name) => {
      const symbol = labels.intern(name)
      return { symbol, name, known: new Set(Array.from(sets, (set) => labels.get(set, symbol)).filter((value) => value !== 0)) }
    }).filter(({ known }) => known.size > 0)
    if (values.length === 0) return { series: new Uint32Array(0), times: new Float64Array(0), kinds: new Uint8Array(0) }
    const narrowed = values.filter(({ known }) => known.size <= VALUES_MAX)
      .map(({ name, known }): Matcher => ({ name, op: '=~', value: Array.from(known, (value) => quoteMeta(labels.textOf(value))).join('|') }))
    const { at, offset } = timeOf(this.#call.args[0]!) ?? { at: null, offset: 0 }
    const span = this.#call.span
    const selector: VectorSelector = {
      type: 'vectorSelector', name: '', matchers: [...asked.names, ...asked.data, ...narrowed],
      offset: { kind: 'fixed', ms: offset, span }, at: at === null ? null : { kind: 'time', ms: at },
      isAnchored: false, isSmoothed: false, span,
    }
    const rowsOf = (wanted: 'value' | 'time'): DenseRows =>
      drain(instantSelector(this.#compiler, selector, this.#steps, { func: 'info', wanted }), this.#steps, budget)
    const { series, values: unused, kinds } = rowsOf('value')
    const isKnown = series.map((set) => (values.every(({ symbol, known }) => known.has(labels.get(set, symbol))) ? 1 : 0))
    const width = this.#steps.count
    isKnown.forEach((is, s) => {
      if (is === 0) kinds.fill(ABSENT, s * width, (s + 1) * width)
    })
    // Counted already.
    const times = budget.readTimes(0, () => rowsOf('time'), null)
    budget.releaseBytes(unused.byteLength + times.kinds.byteLength)
    return { series, times: times.values, kinds }
  }
}

/** What the second argument asks for. */
interface Asked {
  /** Matchers of the info metric's name. */
  names: readonly Matcher[]
  /** Matchers of its other labels. */
  data: readonly Matcher[]
}

/** Without a matcher of names it is target_info; where names are only excluded, any `…_info`. */
function askedOf(call: Call): Asked {
  const second = call.args[1] === undefined ? null : unwrapParens(call.args[1])
  const matchers = second?.type === 'vectorSelector' ? second.matchers : []
  const names = matchers.filter(({ name }) => name === METRIC_NAME)
  const data = matchers.filter(({ name }) => name !== METRIC_NAME)
  if (names.length === 0) return { names: [{ name: METRIC_NAME, op: '=', value: 'target_info' }], data }
  const isPositive = names.some(({ op }) => op === '=' || op === '=~')
  return { names: isPositive ? names : [{ name: METRIC_NAME, op: '=~', value: '.+_info' }, ...names], data }
}

/** Whether a set's name is one of an info series: such series are left as they are. */
function nameTest(labels: LabelTable, names: readonly Matcher[]): (set: number) => boolean {
  const symbol = labels.intern(METRIC_NAME)
  const tests = names.map(compileMatcher)
  return (set) => {
    const name = labels.textOf(labels.get(set, symbol))
    return tests.every((test) => test(name))
  }
}

/** The text as a regular expression that matches it alone. */
function quoteMeta(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')
}

/**
 * When the first selector of an expression reads, seen from the evaluation time: info series are read at the same
 * time. An `@` of a subquery around it counts, its offset and its range do not.
 */
function timeOf(expr: Expr, aroundMs: number | null = null): { at: number | null; offset: number } | null {
  if (expr.type === 'vectorSelector' || expr.type === 'subquery') {
    const at = expr.at === null ? aroundMs : atMs(expr.at)
    if (expr.type === 'subquery') return timeOf(expr.expr, at)
    return { at, offset: expr.offset === null ? 0 : durationMs(expr.offset) }
  }
  for (const child of childrenOf(expr)) {
    const found = timeOf(child, aroundMs)
    if (found !== null) return found
  }
  return null
}

interface Infos {
  series: Uint32Array
  /** times[s × steps + i]: of the sample, Unix seconds. */
  times: Float64Array
  kinds: Uint8Array
}

interface GroupedInfos extends Infos {
  /** Per info series: group of those with the same name, instance and job, of which one is the newest at a step. */
  groupOf: Uint32Array
  /** Sets of the series. */
  sets: Uint32Array
  /** Groups by the set of instance and job. */
  groupsById: ReadonlyMap<number, readonly number[]>
  groupCount: number
  identifying: ReadonlySet<number>
}

function groupInfos(infos: Infos, labels: LabelTable): GroupedInfos {
  const identifying = new Set(IDENTIFYING.map((name) => labels.intern(name)))
  const name = labels.intern(METRIC_NAME)
  const groups = new Map<string, number>()
  const groupsById = new Map<number, number[]>()
  const groupOf = infos.series.map((set) => {
    const id = labels.keep(set, identifying)
    const key = `${labels.get(set, name)} ${id}`
    let group = groups.get(key)
    if (group === undefined) {
      group = groups.size
      groups.set(key, group)
      const known = groupsById.get(id)
      if (known === undefined) groupsById.set(id, [group])
      else known.push(group)
    }
    return group
  })
  return { ...infos, sets: infos.series, groupOf, groupsById, groupCount: groups.size, identifying }
}

interface Enriching {
  base: DenseRows
  /** 1 for series that are to get labels. */
  enriched: Uint32Array
  infos: GroupedInfos
  join: InfoLabels
}

const NO_GROUPS: readonly number[] = []

function enrich({ base, enriched, infos, join }: Enriching, { scope: { labels, budget } }: ExprCompiler, { count: width }: Steps): DenseRows {
  const groupsOf = Array.from(base.series, (set, s) =>
    enriched[s] === 1 ? infos.groupsById.get(labels.keep(set, infos.identifying)) ?? NO_GROUPS : NO_GROUPS)
  const out = new OutRows(width)
  const newest = new Int32Array(infos.groupCount)
  for (let i = 0; i < width; i++) {
    if ((i & 63) === 0) budget.check()
    if (!hasPoint(base, i, width)) continue
    findNewest(infos, newest, { step: i, width, labels })
    for (let s = 0; s < base.series.length; s++) {
      const from = s * width + i
      if (base.kinds[from] === ABSENT) continue
      const set = enriched[s] === 1 ? join.resultOf(base.series[s]!, s, groupsOf[s]!, newest) : base.series[s]!
      if (set < 0) continue
      const row = out.rowOf(s, set, () => budget.addBytes(width * 9))
      row.values[i] = base.values[from]!
      row.kinds[i] = base.kinds[from]!
    }
  }
  return out.dense(budget)
}

function hasPoint({ series, kinds }: DenseRows, step: number, width: number): boolean {
  for (let s = 0; s < series.length; s++) if (kinds[s * width + step] !== ABSENT) return true
  return false
}

/** newest[group] = the info series with the newest sample at a step, -1 for none. */
function findNewest(infos: GroupedInfos, newest: Int32Array, { step, width, labels }: { step: number; width: number; labels: LabelTable }): void {
  newest.fill(-1)
  for (let s = 0; s < infos.series.length; s++) {
    const at = s * width + step
    if (infos.kinds[at] === ABSENT) continue
    if (infos.kinds[at] === HISTOGRAM) throw new ExecutionError('info sample should be float')
    const group = infos.groupOf[s]!
    const rival = newest[group]!
    const time = infos.times[at]!
    const rivalTime = rival < 0 ? -Infinity : infos.times[rival * width + step]!
    if (time === rivalTime) {
      const [old, young] = [rival, s].map((place) => `${printLabels(labels.labels(infos.series[place]!))} @ ${Math.round(time * 1000)}`)
      throw new ExecutionError(`found duplicate series for info metric: existing ${old}, new ${young}`)
    }
    if (time > rivalTime) newest[group] = s
  }
}

/** Rows that come to be as their label sets are met. */
class OutRows {
  readonly #width: number
  readonly #rows: { set: number; values: Float64Array; kinds: Uint8Array }[] = []
  /** By base series, then set. */
  readonly #places = new Map<number, Map<number, number>>()

  constructor(width: number) {
    this.#width = width
  }

  /** The row of a base series under a set; `pay` is called before one is made. */
  rowOf(base: number, set: number, pay: () => void): { values: Float64Array; kinds: Uint8Array } {
    let places = this.#places.get(base)
    if (places === undefined) this.#places.set(base, places = new Map())
    const place = places.get(set)
    if (place !== undefined) return this.#rows[place]!
    pay()
    const row = { set, values: new Float64Array(this.#width), kinds: new Uint8Array(this.#width) }
    places.set(set, this.#rows.push(row) - 1)
    return row
  }

  /** All of them, in place of the rows that were paid for. */
  dense(budget: Budget): DenseRows {
    const rows = this.#rows
    const values = budget.floats(rows.length * this.#width)
    const kinds = budget.bytes(rows.length * this.#width)
    rows.forEach((row, r) => {
      values.set(row.values, r * this.#width)
      kinds.set(row.kinds, r * this.#width)
    })
    budget.releaseBytes(bytesOf({ series: new Uint32Array(0), values, kinds }))
    return { series: Uint32Array.from(rows, ({ set }) => set), values, kinds }
  }
}

function withoutEmptyRows(rows: DenseRows, width: number): DenseRows {
  const kept = Array.from(rows.series, (_, s) => s).filter((s) => rows.kinds.subarray(s * width, (s + 1) * width).some((kind) => kind !== ABSENT))
  if (kept.length === rows.series.length) return rows
  const values = new Float64Array(kept.length * width)
  const kinds = new Uint8Array(kept.length * width)
  kept.forEach((s, r) => {
    values.set(rows.values.subarray(s * width, (s + 1) * width), r * width)
    kinds.set(rows.kinds.subarray(s * width, (s + 1) * width), r * width)
  })
  return { series: Uint32Array.from(kept, (s) => rows.series[s]!), values, kinds }
}
