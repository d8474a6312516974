// A folder of the 1-hour tier for tests: rows by file, and what a reader of them must give.
import path from 'node:path'
import { writeManifest, dayOf, hourFileName, monthOf, EMPTY_MANIFEST, type HourFile, type HourSpan } from '../../storage/tier/hour-manifest.ts'
import { HourFileWriter, type SeriesRows } from '../../storage/tier/parquet-writer.ts'

export interface HourArchive {
  folder: string
  files: HourFile[]
  /** Rows by file, in its order. */
  rows: SeriesRows[][]
}

/** Writes a file per entry of `spans`, with the rows that `make` gives for it. */
export function writeArchive(folder: string, spans: readonly HourSpan[], make: (span: HourSpan) => SeriesRows[]): HourArchive {
  const rows = spans.map(make)
  const files = spans.flatMap((span, i): HourFile[] => {
    const name = hourFileName(span, i + 1)
    const writer = new HourFileWriter(path.join(folder, name))
    for (const series of rows[i]!) writer.add(series)
    const written = writer.finish([])
    return written === null ? [] : [{ name, ...written }]
  })
  writeManifest(folder, { ...EMPTY_MANIFEST, nextNumber: spans.length + 1, files })
  return { folder, files, rows }
}

export const spanOfDay = (text: string): HourSpan => dayOf(Date.parse(`${text}T00:00:00Z`))
export const spanOfMonth = (text: string): HourSpan => monthOf(Date.parse(`${text}-01T00:00:00Z`))
