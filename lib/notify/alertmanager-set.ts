// The Alertmanagers of one entry under `alerting.alertmanagers`: found, relabeled, each with a loop of its own that lives as
// long as it is found. After prometheus notifier/alertmanagerset.go.
import path from 'node:path'
import type { AlertmanagerConfig } from '../config/scrape-config.ts'
import type { SentAlert } from '../model/alert.ts'
import { labelsFromMap, labelsToMap, type Labels } from '../model/labels.ts'
import type { RelabelConfig } from '../model/relabel-config.ts'
import { relabel } from '../model/relabel.ts'
import type { TargetGroup } from '../model/target-group.ts'
import { HttpClient } from '../std/http.ts'
import { SendLoop, type SendLoopOptions } from './send-loop.ts'

export type SetOptions = Omit<SendLoopOptions, 'url' | 'client' | 'timeoutMs'>

const API_PATH = 'api/v2/alerts'
const ADDRESS = '__address__'
const SCHEME = '__scheme__'
const ALERTS_PATH = '__alerts_path__'

export class AlertmanagerSet {
  readonly config: AlertmanagerConfig
  readonly #options: SetOptions
  readonly #client: HttpClient
  readonly #loops = new Map<string, SendLoop>()
  #dropped: string[] = []

  constructor(config: AlertmanagerConfig, options: SetOptions) {
    this.config = config
    this.#options = options
    this.#client = new HttpClient(config.http, options.clock, config.timeoutMs)
  }

  /** All groups that discovery found. */
  update(groups: readonly TargetGroup[]): void {
    const found = new Set<string>()
    this.#dropped = []
    for (const { targets, labels } of groups) {
      for (const own of targets) {
        const { url, isKept } = this.#place(new Map([...labels, ...own]))
        if (url === null) this.#options.logger.error('Creating discovered Alertmanager failed', { address: own.get(ADDRESS) ?? '' })
        else if (isKept) found.add(url.href)
        else this.#dropped.push(url.href)
      }
    }
    for (const [url, loop] of this.#loops) {
      if (found.has(url)) continue
      this.#loops.delete(url)
      void loop.stop(0)
    }
    for (const url of found) {
      if (!this.#loops.has(url)) this.#loops.set(url, new SendLoop({ ...this.#options, url: new URL(url), client: this.#client, timeoutMs: this.config.timeoutMs }))
    }
  }

  send(alerts: readonly SentAlert[]): void {
    const kept = relabelAlerts(alerts, this.config.alertRelabelConfigs)
    if (kept.length > 0) for (const loop of this.#loops.values()) loop.add(kept)
  }

  /** URLs. */
  active(): string[] {
    return [...this.#loops.keys()]
  }

  dropped(): readonly string[] {
    return this.#dropped
  }

  /** Resolves when what waits is sent, or `drainMs` have passed. */
  async stop(drainMs: number): Promise<void> {
    await Promise.all(Array.from(this.#loops.values(), (loop) => loop.stop(drainMs)))
    this.#loops.clear()
    await this.#client.close()
  }

  /** `url` null: the target names no address. */
  #place(labels: Map<string, string>): { url: URL | null; isKept: boolean } {
    if (!labels.has(SCHEME)) labels.set(SCHEME, this.config.scheme)
    if (!labels.has(ALERTS_PATH)) labels.set(ALERTS_PATH, path.posix.join('/', this.config.pathPrefix, API_PATH))
    const before = urlOf(labels)
    const isKept = relabel(labels, this.config.relabelConfigs)
    return { url: isKept ? urlOf(labels) : before, isKept }
  }
}

function urlOf(labels: ReadonlyMap<string, string>): URL | null {
  const address = labels.get(ADDRESS) ?? ''
  return address === '' || address.includes('/') ? null : URL.parse(`${labels.get(SCHEME)}://${address}${labels.get(ALERTS_PATH)}`)
}

/** Alerts after relabeling, without those that it drops; `external` labels are added first where an alert lacks them. */
export function relabelAlerts<T extends { labels: Labels }>(alerts: readonly T[], configs: readonly RelabelConfig[], external: ReadonlyMap<string, string> = new Map()): T[] {
  if (configs.length === 0 && external.size === 0) return [...alerts]
  return alerts.flatMap((alert) => {
    const labels = new Map([...external, ...labelsToMap(alert.labels)])
    return relabel(labels, configs) ? [{ ...alert, labels: labelsFromMap(labels) }] : []
  })
}
