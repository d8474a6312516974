// Answers of the HTTP API without what differs from run to run: times and the target's address.

type Metric = Record<string, string>

export interface PrometheusAnswer {
  error?: string
  warnings?: string[]
  infos?: string[]
  data: { result: { metric: Metric; value?: [number, string]; histogram?: [number, unknown]; values?: [number, string][] }[] }
}

interface ExemplarAnswer {
  seriesLabels: Metric
  exemplars: { labels: Metric; value: string; timestamp: number }[]
}

const withoutInstance = (metric: Metric): string => JSON.stringify(Object.entries(metric).filter(([name]) => name !== 'instance').toSorted(([a], [b]) => (a < b ? -1 : 1)))

/** Infos about NaN observations stand at another place in later versions. */
const withoutPlace = (text: string): string => (text.includes('NaN observations') ? text.replace(/ \(\d+:\d+\)$/, '') : text)

/** An instant vector: a line for each series, sorted, and for each warning and info. */
export function plainAnswer({ data, error, warnings = [], infos = [] }: PrometheusAnswer): string {
  if (error !== undefined) return error
  const rows = data.result.map(({ metric, value, histogram }) => `${withoutInstance(metric)} ${JSON.stringify(value?.[1] ?? histogram![1])}`)
  return [...rows.toSorted(), ...[...warnings, ...infos].map(withoutPlace).toSorted()].join('\n')
}

/** A line for each series' exemplars, times from `baseMs` on. */
export function plainExemplars(answer: unknown, baseMs: number): string[] {
  const { data } = answer as { data: ExemplarAnswer[] }
  return data.map(({ seriesLabels, exemplars }) => {
    const shown = exemplars.map(({ labels, value, timestamp }) => `${JSON.stringify(labels)} ${value} @${Math.round(timestamp * 1000 - baseMs)}`)
    return `${withoutInstance(seriesLabels)} ${shown.join(', ')}`
  }).toSorted()
}
