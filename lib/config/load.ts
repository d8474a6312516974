// From the text of monitor.yml (a superset of prometheus.yml) to a checked Config, or to all that is wrong with it,
// each fault with its place. No file is read here but the text given; relative paths start from the file's folder.
import path from 'node:path'
import { readAlerting } from './alerting-section.ts'
import { readArchive } from './archive-section.ts'
import { readGlobal, readStorage, type Environment, type SelectorCheck } from './global-section.ts'
import { ConfigError, describe, formatProblem, MapReader, Problems, type ConfigProblem } from './reader.ts'
import { PROTOCOLS, readScrapeConfigs, type ScrapeDefaults } from './scrape-section.ts'
import type { Config } from './scrape-config.ts'
import type { RuleChecks } from './rule-config.ts'
import { readRuleGroups } from './rule-file.ts'
import { isNull, parseYaml, type YamlNode } from './yaml-node.ts'

export { ConfigError, type ConfigProblem } from './reader.ts'
export type { Environment } from './global-section.ts'

export interface LoadOptions {
  /** False: valid Prometheus keys that are not built yet are warned of instead of refused. */
  strict: boolean
  /** For `${NAME}` in external_labels; the process's own by default. */
  env?: Environment
  /** For `rules:`; without them its expressions and templates are not looked at. */
  ruleChecks?: (features: readonly string[]) => RuleChecks
  /** Whether jobs that name no protocols ask for protobuf first, by the features that the file names. */
  prefersProtobuf?: (features: readonly string[]) => boolean
  /** For selectors; without it they are not looked at. */
  checkSelector?: SelectorCheck
}

const NO_CHECKS: RuleChecks = { expr: () => null, template: () => null }

export interface LoadedConfig {
  config: Config
  /** `file:line:column: message`, in order of place. */
  warnings: string[]
  /** Absolute patterns of scrape_config_files, and what their jobs start from (scrape-config-file.ts). */
  scrapeFiles: readonly string[]
  scrapeDefaults: ScrapeDefaults
}

/** Configurations beyond this are no one's work. */
const TEXT_MAX = 16 << 20
/** Prometheus takes a star in the last element only. */
const FILE_PATTERN = /^[^*]*(\*[^/]*)?$/
/** Keys that stand at the head of files of other kinds. */
const OTHER_FILES: readonly (readonly [key: string, advice: string])[] = [
  ['groups', 'this is how a file of rules begins: name that file under rule_files, or write the groups under rules'],
  ['route', 'this is how an alertmanager.yml begins: name that file as config_file below alerting, or write this key there'],
  ['receivers', 'who is told of alerts stands below alerting: name an alertmanager.yml there as config_file, or write this key there'],
]
const SCRAPE_ITSELF_MS = 10_000

/** Reads and checks a configuration; `fileName` names it in messages. Throws ConfigError. */
export function loadConfig(text: string, fileName: string, options: LoadOptions): LoadedConfig {
  if (text.length > TEXT_MAX) {
    throw new ConfigError(fileName, [{ line: 1, column: 1, message: `is larger than ${TEXT_MAX >> 20} MiB` }])
  }
  const faults: [number, string][] = []
  const yaml = parseYaml(text, (at, message) => faults.push([at, message]))
  const problems = new Problems(yaml.position, options.strict)
  for (const [at, message] of faults) problems.error(at, message)
  const read = readConfig(yaml.root, problems, path.resolve(fileName), options)
  const errors = problems.errors()
  if (errors.length > 0) throw new ConfigError(fileName, errors)
  return { ...read, warnings: problems.warnings().map((warning: ConfigProblem) => formatProblem(fileName, warning)) }
}

/** The rules that Monitor brings along. */
const OWN_RULES = path.resolve(import.meta.dirname, 'monitor-rules.yml')

/** What Monitor does without a configuration: it scrapes itself at `address` every 10 s, and looks as often at what it finds. */
export function defaultConfigText(address: string, metricsPath: string, scheme: 'http' | 'https' = 'http'): string {
  // Nobody stands between it and itself, and its certificate is for the name that others know it by.
  const tls = scheme === 'https' ? '\n    scheme: https\n    tls_config: { insecure_skip_verify: true }' : ''
  return `global:
  evaluation_interval: ${SCRAPE_ITSELF_MS / 1000}s
rule_files: [${JSON.stringify(OWN_RULES)}]
scrape_configs:
  - job_name: monitor
    scrape_interval: ${SCRAPE_ITSELF_MS / 1000}s
    metrics_path: ${JSON.stringify(metricsPath)}${tls}
    static_configs:
      - targets: [${JSON.stringify(address)}]
`
}

function readConfig(root: YamlNode | null, problems: Problems, file: string, options: LoadOptions): Omit<LoadedConfig, 'warnings'> {
  const { env = process.env, ruleChecks = () => NO_CHECKS, checkSelector = () => null, prefersProtobuf = () => false } = options
  const folder = path.dirname(file)
  if (root && root.kind !== 'map' && !isNull(root)) {
    problems.error(root.at, `want keys such as scrape_configs, got ${describe(root)}`)
  }
  const reader = new MapReader(problems, root?.kind === 'map' ? root : null, '')
  const empty = (key: string): MapReader => new MapReader(problems, null, key)
  const features = (reader.texts('features') ?? []).map(({ text }) => text.trim()).filter((name) => name !== '')
  const protocols = prefersProtobuf(features) ? PROTOCOLS : null
  const { global, defaults } = readGlobal(reader.map('global') ?? empty('global'), folder, env, protocols)
  const storageReader = reader.map('storage') ?? empty('storage')
  const archive = readArchive(storageReader.map('archive'), folder)
  const storage = readStorage(storageReader, checkSelector)
  const scrapeConfigs = readScrapeConfigs(reader, defaults, file, new Map())
  const alerting = readAlerting(reader.map('alerting') ?? empty('alerting'), folder)
  const rules = {
    files: readPatterns(reader, 'rule_files', 'rule files', folder),
    groups: readRuleGroups(reader, 'rules', { file, checks: ruleChecks(features), isLenient: false }),
  }
  for (const [key, advice] of OTHER_FILES) if (reader.has(key)) reader.error(key, advice)
  const scrapeFiles = readPatterns(reader, 'scrape_config_files', 'files of scrape configs', folder)
  reader.notBuilt('remote_write', 'remote_read')
  reader.notBuilt('otlp', 'tracing')
  reader.ignored(['runtime'], 'it is for the collector of Go programs')
  reader.finish()
  return { config: { global, scrapeConfigs, features, storage, archive, rules, alerting }, scrapeFiles, scrapeDefaults: defaults }
}

/** Patterns of files, made absolute. */
function readPatterns(reader: MapReader, key: string, what: string, folder: string): string[] {
  return (reader.texts(key) ?? []).map(({ text, at, path: where }) => {
    if (!FILE_PATTERN.test(text)) reader.problems.error(at, `${where}: ${JSON.stringify(text)} is no path of ${what}: * only in the last element`)
    return path.resolve(folder, text)
  })
}
