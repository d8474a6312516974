// The configuration in force: read at start, read again on request; a bad file never replaces a good one.
import { isDeepStrictEqual } from 'node:util'
import { PIPELINE_KEYS } from '../lib/config/alertmanager-file.ts'
import { defaultConfigText } from '../lib/config/load.ts'
import { redactAlertmanager, redactAlertmanagerSection, redactYaml } from '../lib/config/redact.ts'
import type { Config } from '../lib/config/scrape-config.ts'
import type { Clock } from '../lib/std/clock.ts'
import { readUtf8IfThere } from '../lib/std/fs.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Metrics } from '../lib/std/metrics.ts'
import type { ConfigControl } from '../web/parts.ts'
import type { Flags } from './flags.ts'
import { loadWholeConfig } from './whole-config.ts'

/** There is no configuration file where the flag says. */
export class ConfigFileError extends Error {
  readonly code = 'CONFIG_FILE'
}

/** The file of --web.config.file, or one that it names, cannot be used. */
export class WebConfigError extends Error {
  readonly code = 'WEB_CONFIG'
}

export class ConfigFile implements ConfigControl {
  /** Called with each good configuration after the first. */
  onChange: (config: Config) => void = () => {}
  /** Called after each attempt but the first. */
  onReload: (isSuccessful: boolean) => void = () => {}
  #flags: Flags
  readonly #clock: Clock
  readonly #logger: Logger
  #text = ''
  #externalLabels: ReadonlyMap<string, string> = new Map()
  /** Of alertmanager.yml; '' where monitor.yml says what becomes of alerts. */
  #alertText = ''
  /** What is read at start only, as it was then. */
  #atStart: ReadonlyMap<string, unknown> | null = null
  #last: { isSuccessful: boolean; timeMs: number }

  constructor(flags: Flags, clock: Clock, metrics: Metrics, logger: Logger) {
    this.#flags = flags
    this.#clock = clock
    this.#logger = logger
    this.#last = { isSuccessful: false, timeMs: 0 }
    metrics.gauge('prometheus_config_last_reload_successful', 'Whether the last configuration reload attempt was successful.', [], (gauge) => gauge.set(this.#last.isSuccessful ? 1 : 0))
    metrics.gauge('prometheus_config_last_reload_success_timestamp_seconds', 'Timestamp of the last successful configuration reload.', [], (gauge) => gauge.set(this.#last.timeMs / 1000))
  }

  /** Reads and checks the file and the rule files it names. Throws ConfigError, ScrapeFilesError, RuleFilesError, AlertConfigError, DiskError. */
  load(): Config {
    const { configFile, isStrict } = this.#flags
    const fileName = configFile === '' ? 'built-in configuration' : configFile
    const text = configFile === '' ? defaultConfigText(ownAddress(this.#flags), `${this.#flags.routePrefix}/metrics`, this.#flags.scheme) : readUtf8IfThere(configFile)
    if (text === null) throw new ConfigFileError(`cannot read the configuration ${configFile}: there is no such file; give another --config.file`)
    const { config, alertText, warnings, fileFaults } = loadWholeConfig(text, fileName, { isStrict, features: this.#flags.features })
    for (const warning of [...warnings, ...fileFaults]) this.#logger.warn(warning)
    const atStart = this.#atStart ??= settingsAtStart(config)
    for (const [name, value] of settingsAtStart(config)) {
      if (!isDeepStrictEqual(value, atStart.get(name))) this.#logger.warn(`${fileName}: ${name} has changed; that takes effect at the next start`)
    }
    this.#text = text
    this.#externalLabels = config.global.externalLabels
    this.#alertText = alertText
    this.#last = { isSuccessful: true, timeMs: this.#clock.now() }
    return config
  }

  /** The configuration once it is known where Monitor listens, which the built-in one scrapes. */
  servedBy(flags: Flags, before: Config): Config {
    const isBefore = flags.listenPort === this.#flags.listenPort
    this.#flags = flags
    return isBefore || flags.configFile !== '' ? before : this.load()
  }

  /** Rejects with the reason, for people; the old configuration then stays in force. */
  async reload(): Promise<void> {
    try {
      this.onChange(this.load())
      this.onReload(true)
      this.#logger.info('configuration applied', { file: this.#flags.configFile })
    } catch (error) {
      this.#last = { ...this.#last, isSuccessful: false }
      this.onReload(false)
      this.#logger.error('configuration refused; the old one stays in force', { file: this.#flags.configFile, err: error instanceof Error ? error : String(error) })
      throw error
    }
  }

  yaml(): string {
    return redactYaml(this.#text)
  }

  /** What becomes of alerts, as an alertmanager.yml that Alertmanager's tools read. */
  alertYaml(): string {
    return this.#alertText === '' ? redactAlertmanagerSection(this.#text, 'alerting', PIPELINE_KEYS) : redactAlertmanager(this.#alertText)
  }

  externalLabels(): ReadonlyMap<string, string> {
    return this.#externalLabels
  }

  lastReload(): { isSuccessful: boolean; timeMs: number } {
    return this.#last
  }
}

function settingsAtStart({ global, features, storage, archive }: Config): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>([['global.evaluation_interval, as the step of subqueries,', global.evaluationIntervalMs], ['features', features], ['storage.exemplars.max_exemplars', storage.exemplarsMax], ['storage.archive', archive]])
}

/** Where Monitor is, seen from itself. */
export function ownAddress({ listenHost, listenPort }: Flags): string {
  const host = listenHost === '0.0.0.0' || listenHost === '::' ? '127.0.0.1' : listenHost
  return `${host.includes(':') ? `[${host}]` : host}:${listenPort}`
}
