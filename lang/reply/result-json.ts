// A query's result as the `data` of Prometheus' envelope. Matrices are sorted by labels; instant vectors keep the
// order of the operator (sort, topk).
import type { Budget } from '../exec/budget.ts'
import type { DenseRows } from '../exec/dense.ts'
import type { QueryResult } from '../exec/evaluate.ts'
import type { HistogramTable } from '../exec/histogram-table.ts'
import type { LabelTable } from '../exec/label-table.ts'
import { ABSENT, FLOAT, HISTOGRAM, type Steps } from '../exec/operator.ts'
import type { RawSeries } from '../exec/raw-matrix.ts'
import type { ByteWriter } from './byte-writer.ts'
import { writeHistogram } from './histogram-json.ts'
import { labelJsonOf } from './label-json.ts'
import { labelOrder } from './label-order.ts'
import { formatPlain, formatSeconds } from './number-text.ts'
import { stampsOf } from './stamps.ts'

export interface ResultOptions {
  steps: Steps
  isRangeQuery: boolean
  labels: LabelTable
  histograms: HistogramTable
  /** Asked per series whether the query is over. */
  budget: Budget
  /** At most this many series; 0 for all. */
  limit: number
  /** A complete JSON value for `stats`; '' for none. */
  stats: string
  /** A complete JSON value for `explain`; '' for none. */
  explain: string
}

/** Writes `{"resultType":…,"result":…}`; returns whether `limit` cut it. */
export function writeResult(out: ByteWriter, result: QueryResult, options: ResultOptions): boolean {
  const isCut = writeTyped(out, result, options)
  if (options.stats !== '') out.text(`,"stats":${options.stats}`)
  if (options.explain !== '') out.text(`,"explain":${options.explain}`)
  out.ascii('}')
  return isCut
}

function writeTyped(out: ByteWriter, result: QueryResult, options: ResultOptions): boolean {
  const seconds = formatSeconds(options.steps.startMs)
  switch (result.kind) {
    case 'string':
      out.ascii(`{"resultType":"string","result":[${seconds},`)
      out.jsonString(result.value)
      out.ascii(']')
      return false
    case 'scalar':
      out.ascii(`{"resultType":"scalar","result":[${seconds},"${formatPlain(result.value)}"]`)
      return false
    case 'matrix':
      return writeRawMatrix(out, result.series, options)
    case 'rows':
      return options.isRangeQuery ? writeMatrix(out, result.rows, options) : writeVector(out, result.rows, options)
  }
}

/** Positions of series with a point. */
function nonEmpty(rows: DenseRows, width: number): Uint32Array {
  const found: number[] = []
  const { kinds } = rows
  for (let s = 0; s < rows.series.length; s++) {
    let i = s * width
    const end = i + width
    while (i < end && kinds[i] === ABSENT) i++
    if (i < end) found.push(s)
  }
  return Uint32Array.from(found)
}

function writeVector(out: ByteWriter, rows: DenseRows, options: ResultOptions): boolean {
  const { limit, labels, steps } = options
  const found = nonEmpty(rows, 1)
  const count = limit > 0 ? Math.min(limit, found.length) : found.length
  const labelJson = labelJsonOf(labels)
  const seconds = formatSeconds(steps.startMs)
  const stamp = `,"value":[${seconds},"`
  out.ascii('{"resultType":"vector","result":[')
  for (let k = 0; k < count; k++) {
    out.ascii(k === 0 ? '{"metric":' : ',{"metric":')
    const s = found[k]!
    labelJson.write(out, rows.series[s]!)
    if (rows.kinds[s] === HISTOGRAM) {
      out.ascii(`,"histogram":[${seconds},`)
      writeHistogram(out, options.histograms.get(rows.values[s]!))
      out.ascii(']}')
    } else {
      out.ascii(stamp)
      out.value(rows.values[s]!)
      out.ascii('"]}')
    }
  }
  out.ascii(']')
  return count < found.length
}

/** About what a point takes, comma included. */
const POINT_BYTES = 36

function writeMatrix(out: ByteWriter, rows: DenseRows, options: ResultOptions): boolean {
  const { limit, labels, steps } = options
  const width = steps.count
  const found = nonEmpty(rows, width)
  const order = labelOrder(found.map((s) => rows.series[s]!), labels)
  const count = limit > 0 ? Math.min(limit, found.length) : found.length
  const labelJson = labelJsonOf(labels)
  const stamps = stampsOf(steps)
  // Memory that nothing is written to costs nothing; growing by doubling would hold all twice.
  out.reserve(Math.min(found.length * width * POINT_BYTES, out.bytesLeft))
  const row = { values: rows.values, kinds: rows.kinds, at: 0 }
  out.ascii('{"resultType":"matrix","result":[')
  for (let k = 0; k < count; k++) {
    const s = found[order[k]!]!
    options.budget.check()
    out.ascii(k === 0 ? '{"metric":' : ',{"metric":')
    labelJson.write(out, rows.series[s]!)
    row.at = s * width
    const kinds = rows.kinds.subarray(row.at, row.at + width)
    if (kinds.includes(FLOAT)) {
      out.ascii(',"values":[')
      out.points(stamps, row)
      out.ascii(']')
    }
    // Fast path: the search for one byte is native.
    if (kinds.includes(HISTOGRAM)) writeHistogramRow(out, row, options)
    out.ascii('}')
  }
  out.ascii(']')
  return count < found.length
}

function writeHistogramRow(out: ByteWriter, row: { values: Float64Array; kinds: Uint8Array; at: number }, options: ResultOptions): void {
  const { steps, histograms, budget } = options
  let open = ',"histograms":['
  for (let i = 0; i < steps.count; i++) {
    if (row.kinds[row.at + i] !== HISTOGRAM) continue
    budget.check()
    out.ascii(`${open}[${formatSeconds(steps.startMs + i * steps.stepMs)},`)
    writeHistogram(out, histograms.get(row.values[row.at + i]!))
    out.ascii(']')
    open = ','
  }
  out.ascii(']')
}

function writeRawMatrix(out: ByteWriter, series: readonly RawSeries[], options: ResultOptions): boolean {
  const { limit, labels } = options
  const order = labelOrder(Uint32Array.from(series, ({ set }) => set), labels)
  const count = limit > 0 ? Math.min(limit, series.length) : series.length
  const labelJson = labelJsonOf(labels)
  out.ascii('{"resultType":"matrix","result":[')
  for (let k = 0; k < count; k++) {
    const one = series[order[k]!]!
    options.budget.check()
    out.ascii(k === 0 ? '{"metric":' : ',{"metric":')
    labelJson.write(out, one.set)
    writeRawFloats(out, one)
    writeRawHistograms(out, one, options.budget)
    out.ascii('}')
  }
  out.ascii(']')
  return count < series.length
}

function writeRawFloats(out: ByteWriter, { t, v, h }: RawSeries): void {
  let open = ',"values":['
  for (let i = 0; i < t.length; i++) {
    if (h !== null && h[i] !== null) continue
    out.ascii(`${open}[${formatSeconds(t[i]!)},"`)
    out.value(v[i]!)
    out.ascii('"]')
    open = ','
  }
  if (open === ',') out.ascii(']')
}

function writeRawHistograms(out: ByteWriter, { t, h }: RawSeries, budget: Budget): void {
  if (h === null) return
  let open = ',"histograms":['
  h.forEach((histogram, i) => {
    if (histogram === null) return
    budget.check()
    out.ascii(`${open}[${formatSeconds(t[i]!)},`)
    writeHistogram(out, histogram)
    out.ascii(']')
    open = ','
  })
  if (open === ',') out.ascii(']')
}
