import { describe, expect, it } from 'vitest'
import { searchHistory } from '../../cmd/history-search.ts'
import { hasWords } from '../../lib/notify/lifecycle/current-alerts.ts'

interface Row { id: string; labels: Record<string, string>; annotations: Record<string, string> }

function rows(count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({ id: String(i), labels: { alertname: i % 700 === 699 ? 'DiskFull' : 'CpuHigh', instance: `web${i}` }, annotations: { summary: `Größe ${i}` } }))
}

/** Finds the ids of all pages, and how many rows were asked for at most at a time. */
async function all(kept: readonly Row[], words: string[], limit: number): Promise<{ pages: string[][]; askedMax: number }> {
  const pages: string[][] = []
  let askedMax = 0
  let afterId: string | null = null
  do {
    const page: { records: Row[]; next: string | null } = await searchHistory((ask) => {
      askedMax = Math.max(askedMax, ask.limit)
      const from = ask.afterId === null ? 0 : Number(ask.afterId) + 1
      return Promise.resolve(kept.slice(from, from + ask.limit))
    }, { passes: words.length === 0 ? null : (row) => hasWords(row, words), limit, afterId })
    pages.push(page.records.map(({ id }) => id))
    afterId = page.next
  } while (afterId !== null)
  return { pages, askedMax }
}

describe('a search through kept alerts', () => {
  it('gives all where nothing is searched, and knows the last page', async () => {
    const f = async (count: number, want: string[][]): Promise<void> => expect((await all(rows(count), [], 2)).pages, String(count)).toEqual(want)
    await f(0, [[]])
    await f(2, [['0', '1']])
    await f(3, [['0', '1'], ['2']])
    await f(4, [['0', '1'], ['2', '3']])
  })

  it('looks through all there are, some at a time, and pages through what it finds', async () => {
    const kept = rows(5000)
    const want = kept.filter(({ labels }) => labels['alertname'] === 'DiskFull').map(({ id }) => id)
    expect(want).toHaveLength(7)
    const { pages, askedMax } = await all(kept, ['alertname="disk'], 3)
    expect(pages).toEqual([want.slice(0, 3), want.slice(3, 6), want.slice(6)])
    expect(askedMax).toBeLessThanOrEqual(500)
    expect((await all(kept, ['größe', 'web4999'], 3)).pages).toEqual([['4999']])
    expect((await all(kept, ['größe', 'nowhere'], 3)).pages).toEqual([[]])
  })

  it('answers after 20,000 rows with what it has, and where to go on', async () => {
    const kept = rows(30_000)
    const { pages } = await all(kept, ['web29999'], 3)
    expect(pages).toEqual([[], ['29999']])
  })
})
