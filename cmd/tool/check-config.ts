// `monitor check config`, `check alertmanager` and `check web-config`: whether monitor.yml with all it names, an alertmanager.yml
// alone, or the file of --web.config.file would be taken by the server, with the faults of all.
import path from 'node:path'
import { ConfigError } from '../../lib/config/load.ts'
import { RuleFilesError } from '../../lib/rules/rule-files.ts'
import { loadWebConfig } from '../../lib/config/web-config.ts'
import { DiskError, readRegularUtf8, readUtf8IfThere } from '../../lib/std/fs.ts'
import { AlertConfigError, loadAlertConfig } from '../alert-config.ts'
import { WebConfigError } from '../config-file.ts'
import { targetFileFaults } from '../named-files.ts'
import { ScrapeFilesError } from '../scrape-files.ts'
import { readWebFile } from '../web-file.ts'
import { loadWholeConfig } from '../whole-config.ts'
import { UsageError, type Arguments } from './command-line.ts'
import { featureNames } from './tool-features.ts'
import { ToolFailure, type ToolIo } from './tool-io.ts'

export type ConfigKind = 'config' | 'alertmanager' | 'web-config'

/** Files that a configuration names cannot be used; the message has a line for each. */
class NamedFilesError extends Error {
  readonly code = 'NAMED_FILES'
}

/** Throws UsageError, ToolFailure. */
export function checkConfigs(kind: ConfigKind, files: readonly string[], args: Arguments, io: ToolIo): void {
  if (files.length === 0) throw new UsageError(`check ${kind} wants files to check`)
  const options = { isStrict: !args.has('ignore-unbuilt'), looksAtFiles: !args.has('syntax-only'), features: featureNames(args, io) }
  let hasFaults = false
  for (const file of files) {
    io.out(`Checking ${file}\n`)
    try {
      io.out(checkOne(kind, file, options, io))
    } catch (error) {
      if (!isForPeople(error)) throw error
      io.err(`  FAILED:\n${error.message}\n`)
      hasFaults = true
    }
    io.out('\n')
  }
  if (hasFaults) throw new ToolFailure('')
}

type CheckOptions = Parameters<typeof loadWholeConfig>[2] & { looksAtFiles: boolean }

function checkOne(kind: ConfigKind, file: string, options: CheckOptions, io: ToolIo): string {
  switch (kind) {
    case 'config': return checkWhole(file, options, io)
    case 'alertmanager': return checkAlerts(file, options.isStrict, io)
    case 'web-config': return checkWeb(file, options.looksAtFiles, io)
  }
}

function isForPeople(error: unknown): error is Error {
  return error instanceof ConfigError || error instanceof RuleFilesError || error instanceof ScrapeFilesError || error instanceof AlertConfigError || error instanceof WebConfigError || error instanceof DiskError || error instanceof NamedFilesError
}

function checkWhole(file: string, options: CheckOptions, io: ToolIo): string {
  const text = readUtf8IfThere(file)
  if (text === null) throw new DiskError(`cannot read ${file}`, new Error('there is no such file'))
  const { config, warnings, fileFaults } = loadWholeConfig(text, file, options)
  const { scrapeConfigs, rules, alerting: { pipeline } } = config
  for (const warning of warnings) io.err(`  WARNING: ${warning}\n`)
  const faults = options.looksAtFiles ? [...fileFaults, ...targetFileFaults(config)] : []
  if (faults.length > 0) throw new NamedFilesError(faults.join('\n'))
  const ruleCount = rules.groups.reduce((count, group) => count + group.rules.length, 0)
  const receivers = pipeline === null ? 'no receivers' : counted(pipeline.receivers.length, 'receiver')
  return `  SUCCESS: ${counted(scrapeConfigs.length, 'scrape config')}, ${counted(ruleCount, 'rule')}, ${receivers} found\n`
}

function checkAlerts(file: string, isStrict: boolean, io: ToolIo): string {
  const { pipeline, warnings } = loadAlertConfig({ configFile: path.resolve(file), pipeline: null }, isStrict)
  for (const warning of warnings) io.err(`  WARNING: ${warning}\n`)
  const { receivers, inhibitRules, templateFiles } = pipeline!
  return `  SUCCESS: ${counted(receivers.length, 'receiver')}, ${counted(inhibitRules.length, 'inhibit rule')}, ${counted(templateFiles.length, 'template')} found\n`
}

function checkWeb(file: string, looksAtFiles: boolean, io: ToolIo): string {
  const { tls, users, warnings } = looksAtFiles ? readWebFile(file).config : loadWebConfig(readRegularUtf8(file), file)
  for (const warning of warnings) io.err(`  WARNING: ${warning}\n`)
  return `  SUCCESS: ${tls === null ? 'no TLS' : 'TLS'}, ${users.size === 0 ? 'no passwords' : counted(users.size, 'user')}\n`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
