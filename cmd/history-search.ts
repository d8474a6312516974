// A page of kept alerts that have some words. The store hands out rows some at a time, so that neither its thread nor this one
// is held by a search through a year of them, and what people and pages wait for comes between.
import { hasWords } from '../lib/notify/lifecycle/current-alerts.ts'
import type { AlertPage } from '../web/parts.ts'

/** Rows that are asked for at a time: some 5 ms. */
const PIECE = 500
/** After so many rows the answer says where to go on: some half a second. */
const LOOKED_AT_MAX = 20_000

interface Kept {
  id: string
  labels: Readonly<Record<string, string>>
  annotations: Readonly<Record<string, string>>
}

/** `rowsAfter` gives the rows behind an id, null: from the first on. `words` as of `CurrentAsk`. */
export async function searchHistory<R extends Kept>(rowsAfter: (page: { afterId: string | null; limit: number }) => Promise<R[]>, { words, limit, afterId }: { words: readonly string[]; limit: number; afterId: string | null }): Promise<AlertPage<R>> {
  const found: R[] = []
  // One more tells whether there is another page.
  const asked = words.length === 0 ? limit + 1 : PIECE
  let after = afterId
  for (let lookedAt = 0; lookedAt < LOOKED_AT_MAX; lookedAt += asked) {
    const rows = await rowsAfter({ afterId: after, limit: asked })
    for (const row of rows) {
      if (words.length > 0 && !hasWords(row, words)) continue
      if (found.length === limit) return { records: found, next: found.at(-1)!.id }
      found.push(row)
    }
    if (rows.length < asked) return { records: found, next: null }
    after = rows.at(-1)!.id
  }
  return { records: found, next: after }
}
