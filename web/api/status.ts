// What the server says of itself: /status/*.
import os from 'node:os'
import type { FastifyInstance } from 'fastify'
import type { ServerParts } from '../parts.ts'
import { ApiError, sendData, sendJson } from './envelope.ts'
import { addRoute } from './router.ts'

/** The Prometheus whose API this is; Grafana decides by it what it may ask. */
const PROMETHEUS_VERSION = '3.14.0'

export const REPLAY_PATH = '/api/v1/status/walreplay'

export function addStatusRoutes(app: FastifyInstance, parts: ServerParts): void {
  const { build, clock, config, flags, options } = parts
  const startedMs = clock.now()
  const rfc3339 = (timeMs: number): string => new Date(timeMs).toISOString()

  // No `features` in it: with them Grafana takes the server for a Mimir.
  const buildInfo = {
    version: PROMETHEUS_VERSION, revision: build.revision, branch: build.branch, buildUser: build.buildUser,
    buildDate: build.buildDate, goVersion: '',
    application: 'monitor', applicationVersion: build.version, nodeVersion: process.version,
  }
  addRoute(app, ['GET'], '/api/v1/status/buildinfo', (_request, reply) => sendData(reply, buildInfo))
  addRoute(app, ['GET'], '/version', (_request, reply) => sendJson(reply, buildInfo))
  const sortedFlags = Object.fromEntries([...flags].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  addRoute(app, ['GET'], '/api/v1/status/flags', (_request, reply) => sendData(reply, sortedFlags))
  addRoute(app, ['GET'], '/api/v1/status/config', (_request, reply) => sendData(reply, { yaml: config.yaml() }))
  addRoute(app, ['GET'], '/api/v1/status/storage', (_request, reply) => sendData(reply, parts.storage.status()))
  addRoute(app, ['GET'], REPLAY_PATH, (_request, reply) => sendData(reply, replayStatus(options.replay)))
  addRoute(app, ['GET'], '/api/v1/status/runtimeinfo', (_request, reply) => {
    const { isSuccessful, timeMs } = config.lastReload()
    return sendData(reply, {
      startTime: rfc3339(startedMs), CWD: process.cwd(), hostname: os.hostname(), serverTime: rfc3339(clock.now()),
      reloadConfigSuccess: isSuccessful, lastConfigTime: rfc3339(timeMs), goroutineCount: 0,
      corruptionCount: options.corruptionCount(), storageRetention: options.storageRetention,
      GOMAXPROCS: os.availableParallelism(), GOMEMLIMIT: 0, GOGC: '', GODEBUG: '',
    })
  })
}

/** Files are numbered from 0, as Prometheus numbers the segments of its log; `current` is the last that was read. */
function replayStatus({ filesTotal, filesRead }: { filesTotal: number; filesRead: number }): object {
  return { min: 0, max: Math.max(0, filesTotal - 1), current: Math.max(0, filesRead - 1) }
}

/** What Prometheus has here and Monitor has not, with what serves instead. */
const NOT_BUILT: ReadonlyMap<string, string> = new Map([
  ['/api/v1/read', 'remote read is not built; ask /api/v1/query and /api/v1/query_range'],
  ['/api/v1/otlp/v1/metrics', 'OTLP is not built; send remote write 1.0 to /api/v1/write'],
  ['/api/v1/status/tsdb/blocks', 'see /api/v1/status/storage, or monitor tsdb list'],
  ['/api/v1/status/self_metrics', 'see /metrics'],
  ['/api/v1/features', 'features are named by /api/v1/status/flags and /api/v1/status/config'],
])

/** Anything else below /api. */
export function noSuchEndpoint(path: string): ApiError {
  const instead = NOT_BUILT.get(path.split('?', 1)[0]!)
  if (instead !== undefined) return new ApiError('not_found', instead)
  return new ApiError('not_found', `no such endpoint: ${path.slice(0, 200)}`)
}
