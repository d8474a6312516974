// A page of kept alerts that pass a search. The store hands out rows some at a time, so that neither its thread nor this one
// is held by a search through a year of them, and what people and pages wait for comes between.
import type { AlertPage } from '../web/parts.ts'

/** Rows that are asked for at a time: some 5 ms. */
const PIECE = 500
/** After so many rows the answer says where to go on: some half a second. */
const LOOKED_AT_MAX = 20_000

interface HistoryAsk<R> {
  /** null: all pass. */
  passes: ((row: R) => boolean) | null
  limit: number
  afterId: string | null
}

/** `rowsAfter` gives the rows behind an id, null: from the first on. */
export async function searchHistory<R extends { id: string }>(rowsAfter: (page: { afterId: string | null; limit: number }) => Promise<R[]>, { passes, limit, afterId }: HistoryAsk<R>): Promise<AlertPage<R>> {
  const found: R[] = []
  // One more tells whether there is another page.
  const asked = passes === null ? limit + 1 : PIECE
  let after = afterId
  for (let lookedAt = 0; lookedAt < LOOKED_AT_MAX; lookedAt += asked) {
    const rows = await rowsAfter({ afterId: after, limit: asked })
    for (const row of rows) {
      if (passes !== null && !passes(row)) continue
      if (found.length === limit) return { records: found, next: found.at(-1)!.id }
      found.push(row)
    }
    if (rows.length < asked) return { records: found, next: null }
    after = rows.at(-1)!.id
  }
  return { records: found, next: after }
}
