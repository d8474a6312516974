// Samples as lines, as promtool prints them: `{labels} value Unix-ms` (tsdb dump), or OpenMetrics text (tsdb dump-openmetrics).
import { histogramText } from '../../lang/func/histogram-text.ts'
import { formatGeneral, quote } from '../../lib/std/go-format.ts'
import { isLegacyLabelName } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { labelPairs, sampleAt, type Sample } from '../../storage/batch-sample.ts'
import type { Querier } from '../../storage/interface.ts'

/** A sample is shown in pieces of about this many characters. */
const CHUNK_CHARS = 1 << 16

/** What a sample's line is made of. */
interface LineFormat {
  series(pairs: readonly (readonly [name: string, value: string])[]): string
  /** '' for a sample that has no place in this format. */
  value(sample: Sample): string
  time(t: number): string
}

/** Staleness markers are shown as NaN, as promtool has them. */
export const DUMP: LineFormat = {
  series: (pairs) => `{${pairs.map(pairText).join(', ')}}`,
  value: (sample) => (sample === 'stale' ? 'NaN' : typeof sample === 'number' ? formatGeneral(sample) : histogramText(sample)),
  time: String,
}

/** Native histograms and staleness markers are left out. */
export const OPEN_METRICS: LineFormat = {
  series: (pairs) => {
    const name = pairs.find(([label]) => label === '__name__')?.[1] ?? ''
    const rest = pairs.filter(([label]) => label !== '__name__').map(pairText)
    return /^[a-zA-Z_:][\w:]*$/.test(name) ? `${name}{${rest.join(',')}}` : `{${[quote(name), ...rest].join(',')}}`
  },
  value: (sample) => (typeof sample === 'number' ? formatGeneral(sample) : ''),
  time: (t) => (t / 1000).toFixed(3),
}

function pairText([name, value]: readonly [string, string]): string {
  return `${isLegacyLabelName(name) ? name : quote(name)}=${quote(value)}`
}

/** Samples of series that match one of the sets, each once. */
export async function dumpSamples(querier: Querier, sets: readonly (readonly Matcher[])[], { mint, maxt, format }: { mint: number; maxt: number; format: LineFormat }, out: (text: string) => Promise<void> | undefined): Promise<void> {
  const shown = new Set<number>()
  let text = ''
  for (const [k, matchers] of sets.entries()) {
    const selection = querier.select(matchers, mint, maxt, { startMs: mint, endMs: maxt, stepMs: 0, rangeMs: 0, func: '' })
    for (let batch = selection.next(); batch !== null; batch = selection.next()) {
      for (let s = 0; s < batch.seriesCount; s++) {
        const ref = selection.refs[batch.index[s]!]!
        if (shown.has(ref)) continue
        if (k < sets.length - 1) shown.add(ref)
        const series = format.series(labelPairs(querier, ref))
        for (let i = 0; i < batch.n; i++) {
          const sample = sampleAt(batch, s, i)
          const value = sample === null ? '' : format.value(sample)
          if (value === '') continue
          text += `${series} ${value} ${format.time(batch.t[i]!)}\n`
          if (text.length < CHUNK_CHARS) continue
          await out(text)
          text = ''
        }
      }
    }
  }
  if (format === OPEN_METRICS) text += '# EOF\n'
  if (text !== '') await out(text)
}
