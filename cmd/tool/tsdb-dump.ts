// Samples as lines: `{labels} value Unix-ms`, as promtool tsdb dump prints them.
import { histogramText } from '../../lang/func/histogram-text.ts'
import { formatGeneral, quote } from '../../lib/std/go-format.ts'
import { isLegacyLabelName } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import type { Querier, SeriesBatch } from '../../storage/interface.ts'

/** A sample is shown in pieces of about this many characters. */
const CHUNK_CHARS = 1 << 16

/** Staleness markers are shown as NaN, as promtool has them. */
export function dumpSamples(querier: Querier, matchers: readonly Matcher[], { mint, maxt }: { mint: number; maxt: number }, out: (text: string) => void): void {
  const selection = querier.select(matchers, mint, maxt, { startMs: mint, endMs: maxt, stepMs: 0, rangeMs: 0, func: '' })
  let text = ''
  for (let batch = selection.next(); batch !== null; batch = selection.next()) {
    for (let s = 0; s < batch.seriesCount; s++) {
      const labels = labelsText(querier, selection.refs[batch.index[s]!]!)
      for (let i = 0; i < batch.n; i++) {
        const value = valueText(batch, s, i)
        if (value === null) continue
        text += `${labels} ${value} ${batch.t[i]}\n`
        if (text.length < CHUNK_CHARS) continue
        out(text)
        text = ''
      }
    }
  }
  if (text !== '') out(text)
}

let symbols = new Uint32Array(256)

function labelsText(querier: Querier, ref: number): string {
  let n = querier.labelsOf(ref, symbols)
  if (n > symbols.length) {
    symbols = new Uint32Array(n)
    n = querier.labelsOf(ref, symbols)
  }
  const parts: string[] = []
  for (let i = 0; i < n; i += 2) {
    const name = querier.textOf(symbols[i]!)
    parts.push(`${isLegacyLabelName(name) ? name : quote(name)}=${quote(querier.textOf(symbols[i + 1]!))}`)
  }
  return `{${parts.join(', ')}}`
}

/** null where the series has no sample at that time. */
function valueText(batch: SeriesBatch, s: number, i: number): string | null {
  const bit = (bits: Uint32Array): boolean => ((bits[s * ((batch.n + 31) >>> 5) + (i >>> 5)]! >>> (i & 31)) & 1) === 1
  if (batch.hasGaps[s] === 1) {
    if (!bit(batch.present)) return null
    if (bit(batch.stale)) return 'NaN'
  }
  const value = batch.v[s * batch.n + i]!
  return batch.histograms !== null && bit(batch.histogramBits) ? histogramText(batch.histograms[value]!) : formatGeneral(value)
}
