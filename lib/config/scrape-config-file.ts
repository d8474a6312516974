// A file that scrape_config_files names: a list of jobs under `scrape_configs`, with what the main file's `global` says. Paths
// start from its own folder. Source: prometheus config/config.go, GetScrapeConfigs.
import type { LoadedConfig } from './load.ts'
import { ConfigError, describe, formatProblem, MapReader, Problems } from './reader.ts'
import type { ScrapeConfig } from './scrape-config.ts'
import { readScrapeConfigs } from './scrape-section.ts'
import { isNull, parseYaml } from './yaml-node.ts'

export interface LoadedScrapeFile {
  scrapeConfigs: readonly ScrapeConfig[]
  /** `file:line:column: message`, in order of place. */
  warnings: string[]
}

/** Reads a file's jobs; `taken` holds the names of those before, and gets theirs. Throws ConfigError with all that is wrong. */
export function loadScrapeFile(text: string, fileName: string, { scrapeDefaults, isStrict }: Pick<LoadedConfig, 'scrapeDefaults'> & { isStrict: boolean }, taken: Map<string, string>): LoadedScrapeFile {
  const faults: [number, string][] = []
  const yaml = parseYaml(text, (at, message) => faults.push([at, message]))
  const problems = new Problems(yaml.position, isStrict)
  for (const [at, message] of faults) problems.error(at, message)
  const { root } = yaml
  if (root && root.kind !== 'map' && !isNull(root)) problems.error(root.at, `want the key scrape_configs, got ${describe(root)}`)
  const reader = new MapReader(problems, root?.kind === 'map' ? root : null, '')
  const scrapeConfigs = readScrapeConfigs(reader, scrapeDefaults, fileName, taken)
  reader.finish()
  const errors = problems.errors()
  if (errors.length > 0) throw new ConfigError(fileName, errors)
  return { scrapeConfigs, warnings: problems.warnings().map((warning) => formatProblem(fileName, warning)) }
}
