// alertmanager.yml, and the same keys under `alerting:` of monitor.yml, to a checked PipelineConfig. Source: alertmanager
// config/config.go.
import path from 'node:path'
import type { PipelineConfig } from './alertmanager-config.ts'
import { fileOf } from './http-client.ts'
import { ConfigError, describe, formatProblem, MapReader, Problems } from './reader.ts'
import { readReceivers } from './receiver-config.ts'
import { readReceiverGlobals } from './receivers/globals.ts'
import { readEscalations, readFallback, readInhibitRules, readRootRoute, type RouteDefaults } from './route-section.ts'
import { readTimeIntervals } from './time-interval-section.ts'
import { isNull, parseYaml } from './yaml-node.ts'

/** Alertmanager's own. */
const FILE_DEFAULTS: RouteDefaults = { groupWaitMs: 30_000, groupIntervalMs: 300_000, repeatIntervalMs: 14_400_000 }
/** Inside monitor.yml a page is to leave within a minute of the breach. */
const INLINE_DEFAULTS: RouteDefaults = { ...FILE_DEFAULTS, groupWaitMs: 5000 }

const RESOLVE_TIMEOUT_MS = 300_000
/** A larger file is no one's work. */
const TEXT_MAX = 16 << 20

/** Reads and checks alertmanager.yml; `fileName` names it in messages, relative paths start in its folder. Throws ConfigError. */
export function loadAlertmanagerFile(text: string, fileName: string, isStrict: boolean): { config: PipelineConfig; warnings: string[] } {
  if (text.length > TEXT_MAX) throw new ConfigError(fileName, [{ line: 1, column: 1, message: `is larger than ${TEXT_MAX >> 20} MiB` }])
  const faults: [number, string][] = []
  const yaml = parseYaml(text, (at, message) => faults.push([at, message]))
  const problems = new Problems(yaml.position, isStrict)
  for (const [at, message] of faults) problems.error(at, message)
  const { root } = yaml
  // Nothing is there to look at: that a route is missing would be its echo.
  if (root === null && faults.length > 0) throw new ConfigError(fileName, problems.errors())
  if (root && root.kind !== 'map' && !isNull(root)) problems.error(root.at, `want keys such as route, got ${describe(root)}`)
  const reader = new MapReader(problems, root?.kind === 'map' ? root : null, '')
  const config = readPipeline(reader, path.dirname(path.resolve(fileName)), FILE_DEFAULTS)
  reader.ignored(['tracing', 'event_recorder'], 'Monitor keeps the history of alerts itself (/api/alerts) and sends no traces')
  reader.finish()
  const errors = problems.errors()
  if (errors.length > 0) throw new ConfigError(fileName, errors)
  return { config, warnings: problems.warnings().map((warning) => formatProblem(fileName, warning)) }
}

/** Keys that say what becomes of alerts. */
export const PIPELINE_KEYS: readonly string[] = ['route', 'receivers', 'inhibit_rules', 'time_intervals', 'mute_time_intervals', 'templates', 'global', 'escalations', 'fallback']

/** The pipeline of `alerting:`: a file's, whose name is given, or that of its own keys; null where there is neither. */
export function readInlinePipeline(reader: MapReader, folder: string): { configFile: string; pipeline: PipelineConfig | null } {
  const configFile = fileOf(reader, 'config_file', folder)
  const own = PIPELINE_KEYS.filter((key) => reader.has(key))
  if (configFile !== '' && own.length > 0) reader.error(own[0]!, `must not be set beside config_file, which says the same; put it into ${configFile}`)
  return { configFile, pipeline: configFile === '' && own.length > 0 ? readPipeline(reader, folder, INLINE_DEFAULTS) : null }
}

/** Reads the keys out of the section they stand in; `finish` is the caller's. */
function readPipeline(reader: MapReader, folder: string, defaults: RouteDefaults): PipelineConfig {
  const globalReader = reader.map('global') ?? new MapReader(reader.problems, null, reader.pathOf('global'))
  const resolveTimeoutMs = globalReader.durationMs('resolve_timeout', RESOLVE_TIMEOUT_MS)
  const globals = readReceiverGlobals(globalReader, folder)
  const receivers = readReceivers(reader, globals, folder)
  globalReader.finish()
  const receiverNames = receivers.map(({ name }) => name)
  const timeIntervals = readTimeIntervals(reader)
  const escalations = readEscalations(reader, receiverNames)
  const names = { receivers: receiverNames, timeIntervals: [...timeIntervals.keys()], escalations: escalations.map(({ name }) => name) }
  return {
    resolveTimeoutMs, globals, receivers, timeIntervals, escalations, templateFiles: [],
    route: readRootRoute(reader, names, defaults),
    fallback: readFallback(reader, receiverNames),
    inhibitRules: readInhibitRules(reader),
    templates: (reader.texts('templates') ?? []).map(({ text }) => path.resolve(folder, text)),
  }
}
