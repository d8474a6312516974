// Targets, result table, history, guesses: the lists of the pages.
import { describe, expect, it } from 'vitest'
import type { ApiTarget } from '../../../web/ui/api/queries.ts'
import { metricNamesIn, nearestNames } from '../../../web/ui/query/name-distance.ts'
import { addToHistory, historyOf } from '../../../web/ui/query/query-history.ts'
import { sortRows, tableRows } from '../../../web/ui/query/table-rows.ts'
import { decodeFilter, encodeFilter, listRows, scrapeAgeMs, type Health } from '../../../web/ui/targets/target-list.ts'
import { rowWindow } from '../../../web/ui/widgets/virtual-rows.ts'

const target = (scrapePool: string, host: string, health: string, lastError = ''): ApiTarget => ({
  scrapePool, health, lastError, scrapeUrl: `http://${host}/metrics`, labels: { instance: host, job: scrapePool },
  lastScrape: '2026-01-31T13:05:00.123456789Z', lastScrapeDuration: 0.031,
})
const open = { text: '', healths: new Set<Health>() }

describe('target list', () => {
  const targets = [target('node', 'b:1', 'up'), target('node', 'a:1', 'up'), target('node', 'c:1', 'down', 'connection refused'), target('app', 'x:1', 'unknown')]
  const shown = (...args: Parameters<typeof listRows>): string[] =>
    listRows(...args).map((row) => (row.kind === 'pool' ? `${row.pool} ${row.upCount}/${row.count}` : row.target.labels['instance']!))

  it('groups by pool, what is down first', () => {
    expect(shown(targets, open, new Set())).toEqual(['app 0/1', 'x:1', 'node 2/3', 'c:1', 'a:1', 'b:1'])
  })

  it('filters by state, by words of URL, label and error, and drops empty pools', () => {
    expect(shown(targets, { text: '', healths: new Set(['down', 'unknown']) }, new Set())).toEqual(['app 0/1', 'x:1', 'node 2/3', 'c:1'])
    expect(shown(targets, { text: 'REFUSED job="node"', healths: new Set() }, new Set())).toEqual(['node 2/3', 'c:1'])
    expect(shown(targets, { text: 'refused a:1', healths: new Set() }, new Set())).toEqual([])
  })

  it('shows only the head of a closed pool', () => expect(shown(targets, open, new Set(['node']))).toEqual(['app 0/1', 'x:1', 'node 2/3']))

  it('knows when a target was never scraped', () => {
    expect(scrapeAgeMs({ ...targets[0]!, lastScrape: '0001-01-01T00:00:00Z' }, Date.now())).toBeUndefined()
    expect(scrapeAgeMs(targets[0]!, Date.UTC(2026, 0, 31, 13, 5, 2, 123))).toBe(2000)
  })

  it('keeps its filter in the address', () => {
    const filter = { text: 'job="a" & ü', healths: new Set<Health>(['up', 'down']) }
    expect(decodeFilter(`?${encodeFilter(filter)}`)).toEqual({ text: filter.text, healths: new Set(['down', 'up']) })
    expect(encodeFilter(open)).toBe('')
    expect(decodeFilter('?health=down,purple')).toEqual({ text: '', healths: new Set(['down']) })
  })
})

describe('result table', () => {
  const vector = tableRows({ resultType: 'vector', result: [
    { metric: { job: 'n', host: 'web-10' }, value: [1, '2'] }, { metric: { job: 'n', host: 'web-9' }, value: [1, 'NaN'] }, { metric: { job: 'n', host: 'web-2' }, value: [1, '10'] },
  ] })
  const hosts = (by: string, isAscending: boolean): string[] => sortRows(vector.rows, { by, isAscending }).map((row) => new Map(row.labels).get('host')!)

  it('has a column per label that differs', () => expect([vector.columns, vector.common]).toEqual([['host'], [['job', 'n']]]))

  it('sorts values as numbers, NaN last both ways, and numbers inside labels as numbers', () => {
    expect(hosts('', false)).toEqual(['web-2', 'web-10', 'web-9'])
    expect(hosts('', true)).toEqual(['web-10', 'web-2', 'web-9'])
    expect(hosts('host', true)).toEqual(['web-2', 'web-9', 'web-10'])
    expect(sortRows(vector.rows, null)).toBe(vector.rows)
  })

  it('shows every kind of result', () => {
    expect(tableRows({ resultType: 'scalar', result: [1, '4.2'] }).rows).toEqual([{ labels: [], value: '4.2', number: 4.2 }])
    expect(tableRows({ resultType: 'string', result: [1, '7'] }).rows[0]).toMatchObject({ value: '7', number: NaN })
    expect(tableRows({ resultType: 'matrix', result: [{ metric: {}, values: [[1, '1'], [2.5, '3']] }] }).rows[0]).toMatchObject({ value: '1 @1\n3 @2.5', number: 3 })
    expect(tableRows({ resultType: 'vector', result: [{ metric: {}, histogram: [1, { count: '3', sum: '1.5' }] }] }).rows[0]).toMatchObject({ value: 'histogram: count 3, sum 1.5' })
  })

  it('puts many labels into one column', () => {
    const metric = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`l${i}`, 'x']))
    expect(tableRows({ resultType: 'vector', result: [{ metric, value: [1, '1'] }, { metric: {}, value: [1, '1'] }] }).columns).toBeNull()
  })
})

describe('row window', () => {
  it('renders up to 500 rows plainly', () => expect(rowWindow(500, 28, 9999, 800)).toEqual({ isVirtual: false, first: 0, last: 500, padTop: 0, padBottom: 0 }))

  it('renders what is in view and a margin; paddings make up the rest', () => {
    for (const offset of [-300, 0, 1000, 100_000, 279_200, 10 ** 7]) {
      const { first, last, padTop, padBottom } = rowWindow(10_000, 28, offset, 800)
      expect(padTop + (last - first) * 28 + padBottom).toBe(280_000)
      expect(last - first).toBeLessThanOrEqual(29 + 40)
      const inView = Math.max(0, Math.min(10_000 - 29, Math.floor(offset / 28)))
      expect(first <= inView && last >= Math.min(10_000, inView + 29)).toBe(true)
    }
  })
})

describe('history', () => {
  it('has the newest first, once', () => expect(addToHistory(['b', 'a'], ' a ')).toEqual(['a', 'b']))
  it('ignores blanks', () => expect(addToHistory(['a'], '  ')).toEqual(['a']))
  it('keeps fifty', () => expect(addToHistory(Array.from({ length: 50 }, (_, i) => `q${i}`), 'new')).toHaveLength(50))
  it('takes nothing that is no list of texts', () => expect([historyOf('x'), historyOf([1, 'a', null]), historyOf(undefined)]).toEqual([[], ['a'], []]))
})

describe('guesses', () => {
  it('find the metric names of an expression', () => {
    const f = (expr: string, want: string[]): void => expect(metricNamesIn(expr), expr).toEqual(want)
    f('sum by (job) (rate(http_total{code="x"}[5m])) / on(job) group_left up offset 5m', ['http_total', 'up'])
    f('foo and bar # baz', ['foo', 'bar'])
    f('{__name__="x"} + 1e3 + 0x1f + Inf', ['x'])
    f('rate({"http.requests", code="a"}[5m]) / {job="a", __name__="a \\"b\\""} + {job="x"}', ['http.requests', 'a "b"'])
    f('{"\\a"}', ['\\a'])
    f('label_replace(node:cpu, "a", "$1", "b", "(.*)")', ['node:cpu'])
  })

  it('offer near names, nearest first', () => {
    expect(nearestNames('http_request_total', ['http_requests_total', 'up', 'http_request_totals', 'go_goroutines'])).toEqual(['http_requests_total', 'http_request_totals'])
  })
})
