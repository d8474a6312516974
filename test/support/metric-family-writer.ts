// A writer of the protobuf exposition format, made from the definition (client_model's metrics.proto) and from nothing of
// ours: what the program reads must be what others write.
export interface WrittenExemplar {
  labels?: Record<string, string>
  value: number
  /** Unix ms. */
  timeMs?: number
}

export interface WrittenSpan {
  offset: number
  length: number
}

export interface WrittenHistogram {
  count?: number
  countFloat?: number
  sum?: number
  buckets?: { bound: number; count?: number; countFloat?: number; exemplar?: WrittenExemplar }[]
  startMs?: number
  schema?: number
  zeroThreshold?: number
  zeroCount?: number
  zeroCountFloat?: number
  negative?: { spans: WrittenSpan[]; deltas?: number[]; counts?: number[] }
  positive?: { spans: WrittenSpan[]; deltas?: number[]; counts?: number[] }
  exemplars?: WrittenExemplar[]
  /** Numbers of buckets one by one, as proto2 writers do, instead of packed. */
  isUnpacked?: boolean
}

export interface WrittenMetric {
  labels?: readonly (readonly [string, string])[]
  timeMs?: number
  value?: number
  exemplar?: WrittenExemplar
  startMs?: number
  summary?: { count: number; sum: number; quantiles: [number, number][]; startMs?: number }
  histogram?: WrittenHistogram
}

export type WrittenType = 'counter' | 'gauge' | 'summary' | 'untyped' | 'histogram' | 'gaugehistogram'

export interface WrittenFamily {
  name: string
  type: WrittenType
  help?: string
  unit?: string
  metrics: readonly WrittenMetric[]
}

const TYPE_NUMBERS: Readonly<Record<WrittenType, number>> = { counter: 0, gauge: 1, summary: 2, untyped: 3, histogram: 4, gaugehistogram: 5 }
const VALUE_FIELDS: Readonly<Record<WrittenType, number>> = { counter: 3, gauge: 2, summary: 4, untyped: 5, histogram: 7, gaugehistogram: 7 }

/** Families, each behind its length. */
export function familiesBody(...families: readonly WrittenFamily[]): Buffer {
  return Buffer.concat(families.map((family) => lengthed(familyMessage(family))))
}

export function familyMessage({ name, type, help, unit, metrics }: WrittenFamily): Buffer {
  return Buffer.concat([
    text(1, name), help === undefined ? NONE : text(2, help), integer(3, TYPE_NUMBERS[type]),
    ...metrics.map((metric) => bytes(4, metricMessage(type, metric))), unit === undefined ? NONE : text(5, unit),
  ])
}

export function varint(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value))
  const out: number[] = []
  for (; rest >= 128n; rest >>= 7n) out.push(Number(rest & 127n) | 128)
  return Buffer.from([...out, Number(rest)])
}

export function lengthed(message: Uint8Array): Buffer {
  return Buffer.concat([varint(message.length), message])
}

/** A length-delimited field. */
export function bytes(field: number, content: Uint8Array): Buffer {
  return Buffer.concat([varint(field * 8 + 2), lengthed(content)])
}

const NONE = Buffer.alloc(0)

function text(field: number, content: string): Buffer {
  return bytes(field, Buffer.from(content))
}

function integer(field: number, value: number | bigint): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)])
}

function zigzag(value: number): bigint {
  return value < 0 ? BigInt(-value) * 2n - 1n : BigInt(value) * 2n
}

function fixed(value: number): Buffer {
  const out = Buffer.alloc(8)
  out.writeDoubleLE(value)
  return out
}

function double(field: number, value: number | undefined): Buffer {
  return value === undefined ? NONE : Buffer.concat([varint(field * 8 + 1), fixed(value)])
}

function optionalInteger(field: number, value: number | undefined): Buffer {
  return value === undefined ? NONE : integer(field, value)
}

function labelPair(name: string, value: string): Buffer {
  return Buffer.concat([text(1, name), text(2, value)])
}

function timestamp(field: number, timeMs: number | undefined): Buffer {
  if (timeMs === undefined) return NONE
  const seconds = Math.floor(timeMs / 1000)
  return bytes(field, Buffer.concat([integer(1, seconds), integer(2, (timeMs - seconds * 1000) * 1e6)]))
}

function exemplarField(field: number, exemplar: WrittenExemplar | undefined): Buffer {
  if (exemplar === undefined) return NONE
  const { labels = {}, value, timeMs } = exemplar
  return bytes(field, Buffer.concat([
    ...Object.entries(labels).map(([name, own]) => bytes(1, labelPair(name, own))), double(2, value), timestamp(3, timeMs),
  ]))
}

function metricMessage(type: WrittenType, { labels = [], timeMs, value, exemplar, startMs, summary, histogram }: WrittenMetric): Buffer {
  const content = summary !== undefined ? summaryMessage(summary) : histogram !== undefined ? histogramMessage(histogram) : Buffer.concat([
    double(1, value), exemplarField(2, exemplar), timestamp(3, startMs),
  ])
  return Buffer.concat([
    ...labels.map(([name, own]) => bytes(1, labelPair(name, own))), bytes(VALUE_FIELDS[type], content), optionalInteger(6, timeMs),
  ])
}

function summaryMessage({ count, sum, quantiles, startMs }: NonNullable<WrittenMetric['summary']>): Buffer {
  return Buffer.concat([
    integer(1, count), double(2, sum), ...quantiles.map(([quantile, value]) => bytes(3, Buffer.concat([double(1, quantile), double(2, value)]))),
    timestamp(4, startMs),
  ])
}

function histogramMessage(h: WrittenHistogram): Buffer {
  return Buffer.concat([
    optionalInteger(1, h.count), double(2, h.sum),
    ...(h.buckets ?? []).map(({ bound, count, countFloat, exemplar }) => bytes(3, Buffer.concat([
      optionalInteger(1, count), double(2, bound), exemplarField(3, exemplar), double(4, countFloat),
    ]))),
    double(4, h.countFloat), h.schema === undefined ? NONE : integer(5, zigzag(h.schema)), double(6, h.zeroThreshold),
    optionalInteger(7, h.zeroCount), double(8, h.zeroCountFloat),
    side(9, h.negative, h.isUnpacked === true), side(12, h.positive, h.isUnpacked === true), timestamp(15, h.startMs),
    ...(h.exemplars ?? []).map((exemplar) => exemplarField(16, exemplar)),
  ])
}

function side(field: number, given: WrittenHistogram['positive'], isUnpacked: boolean): Buffer {
  if (given === undefined) return NONE
  const { spans, deltas = [], counts = [] } = given
  const parts = spans.map(({ offset, length }) => bytes(field, Buffer.concat([integer(1, zigzag(offset)), integer(2, length)])))
  if (isUnpacked) {
    parts.push(...deltas.map((delta) => integer(field + 1, zigzag(delta))), ...counts.map((count) => double(field + 2, count)))
    return Buffer.concat(parts)
  }
  if (deltas.length > 0) parts.push(bytes(field + 1, Buffer.concat(deltas.map((delta) => varint(zigzag(delta))))))
  if (counts.length > 0) parts.push(bytes(field + 2, Buffer.concat(counts.map(fixed))))
  return Buffer.concat(parts)
}
