// From the text of monitor.yml (a superset of prometheus.yml) to a checked Config, or to all that is wrong with it,
// each fault with its place. No file is read here but the text given; relative paths start from the file's folder.
import path from 'node:path'
import { readAlerting } from './alerting-section.ts'
import { readArchive } from './archive-section.ts'
import { readGlobal, readStorage, type Environment, type SelectorCheck } from './global-section.ts'
import { ConfigError, describe, formatProblem, MapReader, Problems, type ConfigProblem } from './reader.ts'
import { PROTOCOLS, readScrapeConfig } from './scrape-section.ts'
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
}

/** Configurations beyond this are no one's work. */
const TEXT_MAX = 16 << 20
/** Prometheus takes a star in the last element only. */
const RULE_PATH = /^[^*]*(\*[^/]*)?$/
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
  const config = readConfig(yaml.root, problems, path.resolve(fileName), options)
  const errors = problems.errors()
  if (errors.length > 0) throw new ConfigError(fileName, errors)
  return { config, warnings: problems.warnings().map((warning: ConfigProblem) => formatProblem(fileName, warning)) }
}

/** The rules that Monitor brings along. */
const OWN_RULES = path.resolve(import.meta.dirname, 'monitor-rules.yml')

/** What Monitor does without a configuration: it scrapes itself at `address` every 10 s, and looks as often at what it finds. */
export function defaultConfigText(address: string, metricsPath: string): string {
  return `global:
  evaluation_interval: ${SCRAPE_ITSELF_MS / 1000}s
rule_files: [${JSON.stringify(OWN_RULES)}]
scrape_configs:
  - job_name: monitor
    scrape_interval: ${SCRAPE_ITSELF_MS / 1000}s
    metrics_path: ${JSON.stringify(metricsPath)}
    static_configs:
      - targets: [${JSON.stringify(address)}]
`
}

function readConfig(root: YamlNode | null, problems: Problems, file: string, options: LoadOptions): Config {
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
  const jobs = reader.maps('scrape_configs')
  const scrapeConfigs = jobs.map((job) => readScrapeConfig(job, defaults, folder))
  const seen = new Set<string>()
  scrapeConfigs.forEach(({ jobName }, i) => {
    if (jobName !== '' && seen.has(jobName)) {
      jobs[i]!.error('job_name', `another scrape config is named ${JSON.stringify(jobName)}`)
    }
    seen.add(jobName)
  })
  const alerting = readAlerting(reader.map('alerting') ?? empty('alerting'), folder)
  const rules = {
    files: (reader.texts('rule_files') ?? []).map(({ text, at, path: where }) => {
      if (!RULE_PATH.test(text)) problems.error(at, `${where}: ${JSON.stringify(text)} is no path of rule files: * only in the last element`)
      return path.resolve(folder, text)
    }),
    groups: readRuleGroups(reader, 'rules', { file, checks: ruleChecks(features), isLenient: false }),
  }
  reader.notBuilt('scrape_config_files', 'remote_write', 'remote_read')
  reader.notBuilt('otlp', 'tracing', 'runtime')
  reader.finish()
  return { global, scrapeConfigs, features, storage, archive, rules, alerting }
}
