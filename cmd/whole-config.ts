// A configuration with all the files it names, checked: what the server starts with, and what `monitor check config` looks at.
import { engineFeatures } from '../lang/parse/features.ts'
import type { EngineFeatures } from '../lang/parse/ast.ts'
import { loadConfig } from '../lib/config/load.ts'
import type { Config } from '../lib/config/scrape-config.ts'
import { ruleChecks } from '../lib/rules/rule-checks.ts'
import { loadRuleGroups } from '../lib/rules/rule-files.ts'
import { loadAlertConfig } from './alert-config.ts'
import { START_TIME_STORAGE, featureWarnings } from './features.ts'
import { missingFiles, namedFileFaults } from './named-files.ts'
import { loadScrapeFiles } from './scrape-files.ts'
import { checkSelector } from './selector.ts'

export interface WholeConfig {
  config: Config
  /** Of the alertmanager.yml it names; '' where it names none. */
  alertText: string
  warnings: string[]
  /** Files that it names and that cannot be used; the server does without them. */
  fileFaults: string[]
}

/** `features`: those of the command line. Throws ConfigError, ScrapeFilesError, RuleFilesError, AlertConfigError, DiskError. */
export function loadWholeConfig(text: string, fileName: string, { isStrict, features }: { isStrict: boolean; features: readonly string[] }): WholeConfig {
  const all = (own: readonly string[]): EngineFeatures => engineFeatures([...features, ...own])
  const loaded = loadConfig(text, fileName, {
    strict: isStrict, ruleChecks: (own) => ruleChecks(all(own)), checkSelector,
    prefersProtobuf: (own) => [...features, ...own].includes(START_TIME_STORAGE),
  })
  const jobs = loadScrapeFiles(loaded, fileName, isStrict)
  const config = { ...loaded.config, scrapeConfigs: [...loaded.config.scrapeConfigs, ...jobs.scrapeConfigs] }
  const groups = loadRuleGroups(config.rules, all(config.features))
  const alerts = loadAlertConfig(config.alerting, isStrict)
  return {
    config: { ...config, rules: { ...config.rules, groups }, alerting: { ...config.alerting, pipeline: alerts.pipeline } }, alertText: alerts.text,
    warnings: [...loaded.warnings, ...jobs.warnings, ...alerts.warnings, ...featureWarnings(config.features, `${fileName}: features: `)],
    fileFaults: [...missingFiles('scrape_config_files', 'jobs', loaded.scrapeFiles), ...namedFileFaults(config)].map((fault) => `${fileName}: ${fault}`),
  }
}
