// What is scraped, and what it says of its metrics: /scrape_pools, /targets, /targets/metadata, /metadata.
import type { FastifyInstance } from 'fastify'
import { formatDuration } from '../../lib/model/duration.ts'
import { compareText } from '../../lib/model/labels.ts'
import type { MetricMetadata } from '../../lib/model/metadata.ts'
import type { ActiveTarget, ServerParts } from '../parts.ts'
import { badParameter, sendData } from './envelope.ts'
import { Params } from './params.ts'
import { addRoute } from './router.ts'

export function addTargetRoutes(app: FastifyInstance, parts: ServerParts): void {
  addRoute(app, ['GET'], '/api/v1/scrape_pools', (_request, reply) => sendData(reply, { scrapePools: [...parts.targets.droppedCounts().keys()].toSorted() }))
  addRoute(app, ['GET'], '/api/v1/targets', (request, reply) => {
    const params = new Params(request)
    return sendData(reply, targets(parts, params.text('state').toLowerCase(), params.text('scrapePool')))
  })
  addRoute(app, ['GET'], '/api/v1/targets/metadata', (request, reply) => {
    return sendData(reply, targetMetadata(parts, new Params(request)))
  })
  addRoute(app, ['GET'], '/api/v1/metadata', (request, reply) => {
    const params = new Params(request)
    const limit = params.count('limit')
    const limitPerMetric = params.count('limit_per_metric')
    return sendData(reply, metadata(parts, params.text('metric'), limit, limitPerMetric))
  })
}

/** As Prometheus has them, however jobs came and went. */
function byPool<T extends { scrapePool: string }>(targets: readonly T[]): T[] {
  return targets.toSorted((a, b) => compareText(a.scrapePool, b.scrapePool))
}

function targets(parts: ServerParts, state: string, pool: string): object {
  const isWanted = (each: { scrapePool: string }): boolean => pool === '' || each.scrapePool === pool
  const showsActive = state === '' || state === 'any' || state === 'active'
  const showsDropped = state === '' || state === 'any' || state === 'dropped'
  return {
    activeTargets: showsActive ? byPool(parts.targets.activeTargets()).filter(isWanted).map(activeTarget) : [],
    droppedTargets: showsDropped
      ? byPool(parts.targets.droppedTargets()).filter(isWanted)
          .map(({ discoveredLabels, scrapePool }) => ({ discoveredLabels: record(discoveredLabels), scrapePool }))
      : [],
    // As Prometheus: null, not {}, where dropped ones were not asked for.
    droppedTargetCounts: showsDropped ? record(parts.targets.droppedCounts()) : null,
  }
}

function activeTarget(target: ActiveTarget): object {
  return {
    discoveredLabels: record(target.discoveredLabels),
    labels: record(target.labels),
    scrapePool: target.scrapePool,
    scrapeUrl: target.scrapeUrl,
    globalUrl: target.globalUrl,
    lastError: target.lastError,
    // Go's zero time where there was no scrape yet.
    lastScrape: target.lastScrapeMs === 0 ? '0001-01-01T00:00:00Z' : new Date(target.lastScrapeMs).toISOString(),
    lastScrapeDuration: target.lastScrapeDurationSeconds,
    health: target.health,
    scrapeInterval: formatDuration(target.scrapeIntervalMs),
    scrapeTimeout: formatDuration(target.scrapeTimeoutMs),
  }
}

function targetMetadata(parts: ServerParts, params: Params): object[] {
  const limit = params.count('limit')
  const selector = params.text('match_target')
  const metric = params.text('metric')
  let isMatch: (labels: ReadonlyMap<string, string>) => boolean = () => true
  if (selector !== '') {
    try {
      isMatch = parts.selectors.compile(selector)
    } catch (error) {
      throw badParameter('match_target', error instanceof Error ? error.message : String(error))
    }
  }
  const out: object[] = []
  for (const entry of parts.metadata.metadata(metric)) {
    if (limit >= 0 && out.length >= limit) break
    if (entry.target === null || !isMatch(entry.target)) continue
    const { type, help, unit } = entry.metadata
    // The metric is named only where it was not asked for.
    out.push({ target: record(entry.target), ...(metric === '' && { metric: entry.metric }), type, help, unit })
  }
  return out
}

/** Each thing said of a metric once, whoever says it. */
function metadata(parts: ServerParts, metric: string, limit: number, limitPerMetric: number): object {
  const out = new Map<string, MetricMetadata[]>()
  for (const { metric: name, metadata: { type, unit, help } } of parts.metadata.metadata(metric)) {
    let list = out.get(name)
    if (list === undefined) {
      if (limit >= 0 && out.size >= limit) continue
      out.set(name, (list = []))
    }
    if (limitPerMetric > 0 && list.length >= limitPerMetric) continue
    const isKnown = list.some((each) => each.type === type && each.unit === unit && each.help === help)
    if (!isKnown) list.push({ type, unit, help })
  }
  return record(out)
}

/** An object for JSON, keys sorted as Go prints maps; one without prototype, for labels called `__proto__`. */
function record<V>(map: ReadonlyMap<string, V>): Record<string, V> {
  const out = Object.create(null) as Record<string, V>
  for (const key of [...map.keys()].toSorted()) out[key] = map.get(key)!
  return out
}
