// What an evaluation answered, as values: the engine's JSON reply read back, so that the reply's own writing of
// numbers is under test too.
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { labelsFromRecord, type Labels } from '../../lib/model/labels.ts'

export interface AnswerSeries {
  labels: Labels
  /** By time. */
  points: readonly AnswerPoint[]
}

export interface AnswerPoint {
  /** Unix ms. */
  t: number
  v: number | FloatHistogram
}

/** The whole histogram behind a point of the reply, which shows no more than its buckets. */
export type HistogramReader = (labels: Labels, timeMs: number) => FloatHistogram

export type Answer =
  | { kind: 'error'; message: string }
  | { kind: 'scalar'; value: number; warnings: string[]; infos: string[] }
  | { kind: 'string'; value: string; warnings: string[]; infos: string[] }
  | { kind: 'vector' | 'matrix'; series: AnswerSeries[]; warnings: string[]; infos: string[] }

interface JsonSeries {
  metric: Record<string, string>
  value?: [number, string]
  values?: [number, string][]
  histogram?: [number, unknown]
  histograms?: [number, unknown][]
}

interface JsonReply {
  status: 'success' | 'error'
  error?: string
  data?: { resultType: string; result: unknown }
  warnings?: string[]
  infos?: string[]
}

/** Reads Prometheus' JSON envelope of /api/v1/query and /api/v1/query_range. */
export function answerOf(body: string, histogramAt: HistogramReader): Answer {
  const reply = JSON.parse(body) as JsonReply
  if (reply.status === 'error' || reply.data === undefined) return { kind: 'error', message: reply.error ?? body }
  const { resultType, result } = reply.data
  const annotations = { warnings: reply.warnings ?? [], infos: reply.infos ?? [] }
  if (resultType === 'scalar') return { kind: 'scalar', value: parseValue((result as [number, string])[1]), ...annotations }
  if (resultType === 'string') return { kind: 'string', value: (result as [number, string])[1], ...annotations }
  if (resultType !== 'vector' && resultType !== 'matrix') throw new Error(`unknown result type ${resultType}`)
  const series = (result as JsonSeries[]).map((one) => seriesOf(one, histogramAt))
  return { kind: resultType, series, ...annotations }
}

function seriesOf({ metric, value, values, histogram, histograms }: JsonSeries, histogramAt: HistogramReader): AnswerSeries {
  const labels = labelsFromRecord(metric)
  const floats = values ?? (value === undefined ? [] : [value])
  const natives = histograms ?? (histogram === undefined ? [] : [histogram])
  const points: AnswerPoint[] = floats.map(([t, v]) => ({ t: Math.round(t * 1000), v: parseValue(v) }))
  for (const [t] of natives) points.push({ t: Math.round(t * 1000), v: histogramAt(labels, Math.round(t * 1000)) })
  return { labels, points: points.toSorted((a, b) => a.t - b.t) }
}

function parseValue(text: string): number {
  if (text === '+Inf') return Infinity
  if (text === '-Inf') return -Infinity
  if (text !== 'NaN' && !/^-?\d+(\.\d+)?(e[+-]\d+)?$/.test(text)) throw new Error(`not a float in Prometheus' writing: ${text}`)
  return Number(text)
}
