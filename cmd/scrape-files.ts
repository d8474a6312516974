// The jobs of all files that scrape_config_files names.
import { ConfigError, type LoadedConfig } from '../lib/config/load.ts'
import type { ScrapeConfig } from '../lib/config/scrape-config.ts'
import { loadScrapeFile, type LoadedScrapeFile } from '../lib/config/scrape-config-file.ts'
import { DiskError, readRegularUtf8 } from '../lib/std/fs.ts'
import { glob, GlobError } from '../lib/std/glob.ts'

/** Files of jobs that must not be applied; the message has a line for each fault. */
export class ScrapeFilesError extends Error {
  readonly code = 'BAD_SCRAPE_FILES'
}

/** Throws ScrapeFilesError with the faults of all files. */
export function loadScrapeFiles({ config, scrapeFiles, scrapeDefaults }: LoadedConfig, mainFile: string, isStrict: boolean): LoadedScrapeFile {
  const taken = new Map(config.scrapeConfigs.map(({ jobName }) => [jobName, mainFile]))
  const scrapeConfigs: ScrapeConfig[] = []
  const warnings: string[] = []
  const faults: string[] = []
  for (const file of new Set(scrapeFiles.flatMap((pattern) => expand(pattern, faults)))) {
    try {
      const loaded = loadScrapeFile(readRegularUtf8(file), file, { scrapeDefaults, isStrict }, taken)
      scrapeConfigs.push(...loaded.scrapeConfigs)
      warnings.push(...loaded.warnings)
    } catch (error) {
      if (!(error instanceof ConfigError || error instanceof DiskError)) throw error
      faults.push(error.message)
    }
  }
  if (faults.length > 0) throw new ScrapeFilesError(faults.join('\n'))
  return { scrapeConfigs, warnings }
}

function expand(pattern: string, faults: string[]): string[] {
  try {
    return glob(pattern)
  } catch (error) {
    if (!(error instanceof GlobError)) throw error
    faults.push(`scrape_config_files: ${error.message}`)
    return []
  }
}
