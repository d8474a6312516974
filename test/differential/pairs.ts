// A recorded answer beside ours, and what entries of version-differences.ts change in them.
import { formatLabels, labelsFromRecord, METRIC_NAME } from '../../lib/model/labels.ts'
import { numberOf, type JsonHistogram, type JsonSeries, type Reply } from './compare-replies.ts'

export interface Pair {
  readonly want: Reply
  readonly got: Reply
}

/** The reply with other warnings and infos; equal ones become one. */
export function withNotes(reply: Reply, change: (text: string) => string | null): Reply {
  const changed = (texts: readonly string[] = []): string[] => [...new Set(texts.map(change).filter((text) => text !== null))]
  return { ...reply, warnings: changed(reply.warnings), infos: changed(reply.infos) }
}

export function withError({ want, got }: Pair, change: (text: string) => string): Pair {
  return want.error === undefined ? { want, got } : { want: { ...want, error: change(want.error) }, got }
}

/** The series of a vector or matrix; empty for other answers. */
export function seriesIn({ status, data }: Reply): JsonSeries[] {
  if (status !== 'success' || (data!.resultType !== 'vector' && data!.resultType !== 'matrix')) return []
  return data!.result as JsonSeries[]
}

function withSeries(reply: Reply, series: readonly JsonSeries[]): Reply {
  return { ...reply, data: { ...reply.data!, result: series } }
}

function keyOf({ metric }: JsonSeries, t: number): string {
  return `${formatLabels(labelsFromRecord(metric))} ${t}`
}

type Value = string | JsonHistogram

function pointsOf(series: JsonSeries): [number, Value][] {
  const one = series.value ?? series.histogram
  if (one !== undefined) return [one]
  return [...(series.values ?? []), ...(series.histograms ?? [])]
}

/** The recorded answer with each point changed for which ours has one at the same place. */
export function withPoints({ want, got }: Pair, change: (want: Value, got: Value) => Value): Pair {
  const ours = new Map(seriesIn(got).flatMap((series) => pointsOf(series).map(([t, value]) => [keyOf(series, t), value] as const)))
  const changed = <T extends Value>(series: JsonSeries, [t, value]: [number, T]): [number, T] => {
    const other = ours.get(keyOf(series, t))
    return other === undefined || typeof other !== typeof value ? [t, value] : [t, change(value, other) as T]
  }
  const series = seriesIn(want).map((one): JsonSeries => ({
    metric: one.metric,
    ...(one.value && { value: changed(one, one.value) }), ...(one.values && { values: one.values.map((point) => changed(one, point)) }),
    ...(one.histogram && { histogram: changed(one, one.histogram) }), ...(one.histograms && { histograms: one.histograms.map((point) => changed(one, point)) }),
  }))
  return series.length === 0 ? { want, got } : { want: withSeries(want, series), got }
}

/** Our answer without the points that the recorded one lacks. */
export function withoutMore({ want, got }: Pair): Pair {
  if (seriesIn(got).length === 0) return { want, got }
  const known = new Set(seriesIn(want).flatMap((series) => pointsOf(series).map(([t]) => keyOf(series, t))))
  const series = seriesIn(got).flatMap((one): JsonSeries[] => {
    const isKnown = ([t]: [number, Value]): boolean => known.has(keyOf(one, t))
    if (!pointsOf(one).some(isKnown)) return []
    return [{ ...one, ...(one.values && { values: one.values.filter(isKnown) }), ...(one.histograms && { histograms: one.histograms.filter(isKnown) }) }]
  })
  return { want, got: withSeries(got, series.filter((one) => pointsOf(one).length > 0)) }
}

export function withoutNames(reply: Reply): Reply {
  const series = seriesIn(reply)
  return withSeries(reply, series.map((one) => ({ ...one, metric: Object.fromEntries(Object.entries(one.metric).filter(([name]) => name !== METRIC_NAME)) })))
}

export function hasNames(reply: Reply): boolean {
  return seriesIn(reply).some(({ metric }) => METRIC_NAME in metric)
}

/** Whether `got` is `want` drawn towards zero, by no more than half. */
export function isShrunk(want: string, got: string): boolean {
  const [a, b] = [numberOf(want), numberOf(got)]
  if (a === 0 || !Number.isFinite(a) || !Number.isFinite(b)) return Object.is(a, b)
  return b / a >= 0.5 && b / a <= 1
}
