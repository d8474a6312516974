// What `monitor tsdb list`, `create-blocks-from` and `analyze` print.
import type { StoredBlock } from '../../storage/block-folder.ts'
import type { Cardinality, CardinalityEntry } from '../../storage/interface.ts'
import type { SampleStats } from './tsdb-analyze.ts'
import type { HourFile } from '../../storage/tier/hour-manifest.ts'

/** Columns of texts, padded. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)))
  return rows.map((row) => `${row.map((cell, c) => cell.padEnd(widths[c]!)).join('  ').trimEnd()}\n`).join('')
}

const time = (t: number): string => new Date(t).toISOString()

/** For people: `1.5 MiB`. */
export function binarySize(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10))
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`
}

type SizeText = (bytes: number) => string

export function blockTable(blocks: readonly Pick<StoredBlock, 'folder' | 'meta'>[], size: SizeText = String): string {
  const head = ['BLOCK', 'MIN TIME', 'MAX TIME', 'LEVEL', 'SERIES', 'SAMPLES', 'BYTES', 'B/SAMPLE']
  return table([head, ...blocks.map(({ folder, meta }) => [
    folder, time(meta.minT), time(meta.maxT), String(meta.level), String(meta.series), String(meta.samples), size(meta.bytes),
    (meta.bytes / meta.samples).toFixed(3),
  ])])
}

/** Rows of the tiers, where there are any. */
export function tierTables(minutes: readonly Pick<StoredBlock, 'folder' | 'meta'>[], hours: { files: readonly HourFile[]; isHere: (name: string) => boolean }, size: SizeText = String): string {
  const ofMinutes = minutes.map(({ folder, meta }) => [
    folder, time(meta.minT), time(meta.maxT), String(meta.series), String(meta.samples), size(meta.bytes), (meta.bytes / meta.samples).toFixed(2), 'here',
  ])
  const ofHours = hours.files.map(({ name, minT, maxT, series, rows, bytes }) => [
    name, time(minT), time(maxT), String(series), String(rows), size(bytes), (bytes / rows).toFixed(2), hours.isHere(name) ? 'here' : 'archive',
  ])
  const part = (title: string, rows: readonly (readonly string[])[]): string =>
    (rows.length === 0 ? '' : `\n${table([[title, 'MIN TIME', 'MAX TIME', 'SERIES', 'ROWS', 'BYTES', 'B/ROW', 'PLACE'], ...rows])}`)
  return part('1-MINUTE TIER', ofMinutes) + part('1-HOUR TIER', ofHours)
}

function part(title: string, entries: readonly CardinalityEntry[]): string {
  return `\n${title}\n${entries.map(({ name, value }) => `${String(value).padStart(10)}  ${name}\n`).join('')}`
}

export function sampleText(found: SampleStats): string {
  if (found.samples === 0) return '\nsamples: 0\n'
  return `\nsamples: ${found.samples} (${found.histograms} native histograms, ${found.staleMarkers} staleness markers)\nfrom ${time(found.minT)} to ${time(found.maxT)}\n` +
    part('Metrics by samples:', found.samplesByMetric) +
    part('Pairs by churn (series that were not there, each by its share of the time):', found.churnByPair) + part('Labels by churn:', found.churnByLabel)
}

export function cardinalityText(found: Cardinality): string {
  return `series: ${found.series}\nlabel pairs: ${found.pairs}\n` +
    part('Metrics by series:', found.seriesByMetric) + part('Labels by values:', found.valuesByLabel) +
    part('Labels by bytes of names and values:', found.bytesByLabel) + part('Pairs by series:', found.seriesByPair)
}
