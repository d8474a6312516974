// Answers that were recorded beside golden data folders, and the same question put to a store.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { Engine } from '../../lang/engine.ts'
import type { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'

export interface Answer {
  metric: Record<string, string>
  values?: [number, string][]
  histograms?: [number, unknown][]
}

/** Series of an answer of the API, ordered by their labels. */
function sorted(body: string): Answer[] {
  const { data } = JSON.parse(body) as { data: { result: Answer[] } }
  const key = ({ metric }: Answer): string => JSON.stringify(metric)
  return data.result.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** What `file`, packed, holds. */
export function recordedAnswer(file: string): Answer[] {
  return sorted(gunzipSync(readFileSync(file)).toString())
}

/** Every sample of a store in a window such as `1h` that ends at timeMs. */
export function answerOf(db: Database, window: string, timeMs: number): Answer[] {
  const queryable = new StoreQueryable(db.handle(), 1)
  const { body } = new Engine().run({
    kind: 'instant', query: `{__name__=~".+"}[${window}]`, timeMs, lookbackMs: 300_000, stats: '', timeoutMs: 60_000, limit: 0,
  }, queryable)
  queryable.close()
  return sorted(Buffer.from(body).toString())
}
