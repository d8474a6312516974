// What an evaluation answered, as values: the engine's JSON reply read back, so that the reply's own writing of
// numbers is under test too.

/** Labels as a sorted list of `name=value` in JSON, which is a key of equality and of nothing else. */
export interface AnswerSeries {
  labels: ReadonlyMap<string, string>
  /** [Unix ms, value] */
  points: readonly (readonly [number, number])[]
  hasHistograms: boolean
}

export type Answer =
  | { kind: 'error'; message: string }
  | { kind: 'scalar'; value: number; warnings: string[]; infos: string[] }
  | { kind: 'string'; value: string; warnings: string[]; infos: string[] }
  | { kind: 'vector' | 'matrix'; series: AnswerSeries[]; warnings: string[]; infos: string[] }

interface JsonSeries {
  metric: Record<string, string>
  value?: [number, string]
  values?: [number, string][]
  histogram?: unknown
  histograms?: unknown[]
}

interface JsonReply {
  status: 'success' | 'error'
  error?: string
  data?: { resultType: string; result: unknown }
  warnings?: string[]
  infos?: string[]
}

/** Reads Prometheus' JSON envelope of /api/v1/query and /api/v1/query_range. */
export function answerOf(body: string): Answer {
  const reply = JSON.parse(body) as JsonReply
  if (reply.status === 'error' || reply.data === undefined) return { kind: 'error', message: reply.error ?? body }
  const { resultType, result } = reply.data
  const annotations = { warnings: reply.warnings ?? [], infos: reply.infos ?? [] }
  if (resultType === 'scalar') return { kind: 'scalar', value: parseValue((result as [number, string])[1]), ...annotations }
  if (resultType === 'string') return { kind: 'string', value: (result as [number, string])[1], ...annotations }
  if (resultType !== 'vector' && resultType !== 'matrix') throw new Error(`unknown result type ${resultType}`)
  const series = (result as JsonSeries[]).map(({ metric, value, values, histogram, histograms }) => ({
    labels: new Map(Object.entries(metric)),
    points: (values ?? (value === undefined ? [] : [value])).map(([t, v]) => [Math.round(t * 1000), parseValue(v)] as const),
    hasHistograms: histogram !== undefined || histograms !== undefined,
  }))
  return { kind: resultType, series, ...annotations }
}

function parseValue(text: string): number {
  if (text === '+Inf') return Infinity
  if (text === '-Inf') return -Infinity
  if (text !== 'NaN' && !/^-?\d+(\.\d+)?(e[+-]\d+)?$/.test(text)) throw new Error(`not a float in Prometheus' writing: ${text}`)
  return Number(text)
}
