// The scrape targets as the page shows them: filtered, grouped by pool, flattened into rows of equal standing, so that
// ten thousand of them can be rendered by window.
import type { ApiTarget } from '../api/queries.ts'

export type Health = 'up' | 'down' | 'unknown'
export const HEALTHS: readonly Health[] = ['down', 'unknown', 'up']

export interface TargetFilter {
  /** Words that must all occur in the URL, pool, labels or error; case does not count. */
  readonly text: string
  /** States shown; empty means all. */
  readonly healths: ReadonlySet<Health>
}

export interface PoolRow {
  kind: 'pool'
  pool: string
  upCount: number
  count: number
  isOpen: boolean
}

export interface TargetRow {
  kind: 'target'
  target: ApiTarget
  health: Health
}

export type ListRow = PoolRow | TargetRow

/** The state, whatever is neither up nor down counting as unknown. */
function healthOf(target: ApiTarget): Health {
  return target.health === 'up' || target.health === 'down' ? target.health : 'unknown'
}

export function countHealths(targets: readonly ApiTarget[]): Record<Health, number> {
  const counts = { up: 0, down: 0, unknown: 0 }
  for (const target of targets) counts[healthOf(target)]++
  return counts
}

function passes(target: ApiTarget, words: readonly string[], healths: ReadonlySet<Health>): boolean {
  if (healths.size > 0 && !healths.has(healthOf(target))) return false
  if (words.length === 0) return true
  const labels = Object.entries(target.labels).map(([name, value]) => `${name}="${value}"`)
  const text = [target.scrapePool, target.scrapeUrl, target.lastError, ...labels].join('\n').toLowerCase()
  return words.every((word) => text.includes(word))
}

/** Rows in order: pools by name; in each the targets that are not up first, then by URL. Pools without a match are left out. */
export function listRows(targets: readonly ApiTarget[], filter: TargetFilter, closedPools: ReadonlySet<string>): ListRow[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter((word) => word !== '')
  const pools = new Map<string, { all: ApiTarget[]; shown: ApiTarget[] }>()
  for (const target of targets) {
    let pool = pools.get(target.scrapePool)
    if (!pool) pools.set(target.scrapePool, (pool = { all: [], shown: [] }))
    pool.all.push(target)
    if (passes(target, words, filter.healths)) pool.shown.push(target)
  }
  const rows: ListRow[] = []
  for (const [name, { all, shown }] of [...pools].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (shown.length === 0) continue
    const isOpen = !closedPools.has(name)
    rows.push({ kind: 'pool', pool: name, upCount: countHealths(all).up, count: all.length, isOpen })
    if (!isOpen) continue
    const order = (target: ApiTarget): number => HEALTHS.indexOf(healthOf(target))
    shown.sort((a, b) => order(a) - order(b) || (a.scrapeUrl < b.scrapeUrl ? -1 : 1))
    for (const target of shown) rows.push({ kind: 'target', target, health: healthOf(target) })
  }
  return rows
}

/** Ms since the last scrape; undefined before the first (Go's zero time, year 1). */
export function scrapeAgeMs(target: ApiTarget, nowMs: number): number | undefined {
  const at = Date.parse(target.lastScrape)
  return Number.isNaN(at) || at <= 0 ? undefined : Math.max(0, nowMs - at)
}

/** The filter of an address: `?search=...&health=down,unknown`. */
export function decodeFilter(search: string): TargetFilter {
  const params = new URLSearchParams(search)
  const wanted = (params.get('health') ?? '').split(',')
  return { text: params.get('search') ?? '', healths: new Set(HEALTHS.filter((health) => wanted.includes(health))) }
}

/** The query string (without `?`) of a filter; '' for the open one. */
export function encodeFilter(filter: TargetFilter): string {
  const params = new URLSearchParams()
  if (filter.text !== '') params.set('search', filter.text)
  const healths = HEALTHS.filter((health) => filter.healths.has(health))
  if (healths.length > 0) params.set('health', healths.join(','))
  return params.toString().replace(/%2C/g, ',')
}
