// Exemplars for tests: put into a store by their texts, asked back through the engine.
import { Engine } from '../../lang/engine.ts'
import { EXEMPLAR_VERDICTS, ExemplarColumns } from '../../lib/model/exemplar.ts'
import type { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'

/** An exemplar; without a time it takes that of its sample, `sampleMs`. */
export interface GivenExemplar {
  labels: Record<string, string>
  value: number
  timeMs?: number
  sampleMs?: number
}

/** Appends the exemplars of a series; what became of each. */
export function pushExemplars(db: Database, ref: number, ...given: readonly GivenExemplar[]): string[] {
  const columns = columnsOf(given.map((one) => ({ ...one, ref })))
  db.exemplars!.append(columns)
  return Array.from(columns.verdicts.subarray(0, columns.count), (verdict) => EXEMPLAR_VERDICTS[verdict]!)
}

export function columnsOf(given: readonly (GivenExemplar & { ref: number })[]): ExemplarColumns {
  const columns = new ExemplarColumns()
  for (const { labels, value, timeMs, sampleMs = 0, ref } of given) {
    const offsets: number[] = []
    let bytes: Buffer = Buffer.alloc(0)
    for (const text of Object.entries(labels).flat()) {
      const from = bytes.length
      bytes = Buffer.concat([bytes, Buffer.from(text)])
      offsets.push(from, bytes.length)
    }
    columns.push({ bytes, offsets, isEscaped: false, value, hasTime: timeMs !== undefined, timeMs: timeMs ?? 0 }, ref, sampleMs)
  }
  return columns
}

/** The body of an answer to /query_exemplars, parsed; null for none. */
export function askExemplars(db: Database, query: string, startMs = -8.64e15, endMs = 8.64e15): unknown {
  const queryable = new StoreQueryable(db.handle(), 1)
  try {
    const { body } = new Engine().run({ kind: 'exemplars', query, startMs, endMs, limit: 0, timeoutMs: 5000 }, queryable)
    return body.length === 0 ? null : JSON.parse(Buffer.from(body).toString())
  } finally {
    queryable.close()
  }
}

/** The same in short: `name: value@time{labels} …` a series. */
export function exemplarTexts(db: Database, query: string, startMs?: number, endMs?: number): string[] {
  const { data } = askExemplars(db, query, startMs, endMs) as {
    data: { seriesLabels: Record<string, string>; exemplars: { labels: Record<string, string>; value: string; timestamp: number }[] }[]
  }
  return data.map(({ seriesLabels, exemplars }) => {
    const shown = exemplars.map(({ labels, value, timestamp }) => `${value}@${Math.round(timestamp * 1000)}${JSON.stringify(labels).replaceAll('"', '')}`)
    return `${Object.values(seriesLabels).join(',')}: ${shown.join(' ')}`
  })
}
