// What becomes of alerts, as monitor.yml or the alertmanager.yml that it names says, with the files of templates read.
import path from 'node:path'
import { loadAlertmanagerFile } from '../lib/config/alertmanager-file.ts'
import type { PipelineConfig } from '../lib/config/alertmanager-config.ts'
import type { AlertingConfig } from '../lib/config/scrape-config.ts'
import { NotificationTemplates, TemplateSyntaxError, type TemplateFile } from '../lib/notify/template/notification-templates.ts'
import { systemClock } from '../lib/std/clock.ts'
import { readRegularUtf8, readUtf8IfThere } from '../lib/std/fs.ts'
import { glob, GlobError } from '../lib/std/glob.ts'
import { missingFiles } from './named-files.ts'

/** A file that the configuration names for its alerts cannot be used; the message says which and why. */
export class AlertConfigError extends Error {
  readonly code = 'ALERT_CONFIG'
}

export interface AlertConfig {
  pipeline: PipelineConfig | null
  /** Of the file, '' where monitor.yml itself says all. */
  text: string
  warnings: string[]
}

/** Throws ConfigError, AlertConfigError, DiskError. */
export function loadAlertConfig({ configFile, pipeline: inline }: Pick<AlertingConfig, 'configFile' | 'pipeline'>, isStrict: boolean): AlertConfig {
  if (configFile === '') {
    const pipeline = inline && withTemplates(inline)
    return { pipeline, text: '', warnings: pipeline === null ? [] : warningsOf(pipeline) }
  }
  const text = readUtf8IfThere(configFile)
  if (text === null) throw new AlertConfigError(`cannot read alerting.config_file ${configFile}: there is no such file`)
  const { config, warnings } = loadAlertmanagerFile(text, configFile, isStrict)
  const pipeline = withTemplates(config)
  return { pipeline, text, warnings: [...warnings, ...warningsOf(pipeline)] }
}

/** Alertmanager finds both out when it sends, or not at all. */
function warningsOf(pipeline: PipelineConfig): string[] {
  return [...missingFiles('templates', 'templates', pipeline.templates), ...fieldFaults(pipeline)]
}

function withTemplates(config: PipelineConfig): PipelineConfig {
  const files = config.templates.flatMap(expand)
  const templateFiles = files.map((file): TemplateFile => ({ name: path.basename(file), text: readRegularUtf8(file) }))
  for (const [i, file] of templateFiles.entries()) checkTemplates(file, files[i]!)
  return { ...config, templateFiles }
}

function expand(pattern: string): string[] {
  try {
    return glob(pattern)
  } catch (error) {
    if (!(error instanceof GlobError)) throw error
    throw new AlertConfigError(`templates: ${error.message}`, { cause: error })
  }
}

function checkTemplates(file: TemplateFile, place: string): void {
  try {
    void new NotificationTemplates([file], systemClock)
  } catch (error) {
    if (!(error instanceof TemplateSyntaxError)) throw error
    throw new AlertConfigError(`${place}: ${error.message}`, { cause: error })
  }
}

/** Settings of receivers whose template is none. */
function fieldFaults({ receivers, templateFiles }: PipelineConfig): string[] {
  const templates = new NotificationTemplates(templateFiles, systemClock)
  const faultsIn = (value: unknown, place: string): string[] => {
    if (typeof value === 'string') {
      const fault = value.includes('{{') ? templates.check(value) : null
      return fault === null ? [] : [`${place}: no message can be made: ${fault}`]
    }
    if (typeof value !== 'object' || value === null) return []
    const parts = value instanceof Map ? [...(value as ReadonlyMap<string, unknown>)] : Object.entries(value as Readonly<Record<string, unknown>>)
    return parts.flatMap(([key, part]) => faultsIn(part, `${place} ${key}`))
  }
  return receivers.flatMap(({ name, integrations }) => integrations.flatMap((config) => faultsIn(config, `receiver ${JSON.stringify(name)}: ${config.kind}:`)))
}
