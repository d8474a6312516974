// dns_sd_configs: targets from DNS records, asked for at the refresh interval. A name of which servers cannot say whether it has
// records keeps its targets; one that has none, or does not exist, has none. Source: prometheus discovery/dns/dns.go.
import type { DnsSdConfig } from '../lib/config/scrape-config.ts'
import type { TargetGroup } from '../lib/model/target-group.ts'
import { sleep, type Clock } from '../lib/std/clock.ts'
import { DnsError, SYSTEM_DNS, lookUpRecords, type DnsPlace, type DnsRecord } from '../lib/std/dns.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Discoverer, Emit } from './discoverer.ts'

export interface DnsDiscovererOptions {
  config: DnsSdConfig
  clock: Clock
  logger: Logger
  /** Called for each name that is asked for, and how that went. */
  onLookup: (isGood: boolean) => void
  /** Whom to ask; the system's by default. */
  place?: DnsPlace
}

export class DnsDiscoverer implements Discoverer {
  readonly #options: DnsDiscovererOptions

  constructor(options: DnsDiscovererOptions) {
    this.#options = options
  }

  async run(emit: Emit, signal: AbortSignal): Promise<void> {
    const { config, clock } = this.#options
    try {
      while (!signal.aborted) {
        const groups = await Promise.all(config.names.map((name) => this.#groupOf(name)))
        // Lookups cannot be cut, only passed over.
        signal.throwIfAborted()
        emit(groups.filter((group) => group !== null))
        await sleep(clock, config.refreshIntervalMs, signal)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** null where it is not known. */
  async #groupOf(name: string): Promise<TargetGroup | null> {
    const { config, logger, onLookup, place = SYSTEM_DNS } = this.#options
    try {
      const records = await lookUpRecords(name, config.type, place)
      onLookup(true)
      return { source: name, labels: new Map(), targets: records.map((record) => labelsOf(name, record, config)) }
    } catch (error) {
      if (!(error instanceof DnsError)) throw error
      onLookup(false)
      logger.repeated('error', 'cannot look up targets; those that the name had last stay in force', { name, err: error, again_in_seconds: config.refreshIntervalMs / 1000 }, name)
      return null
    }
  }
}

function labelsOf(name: string, { target, port }: DnsRecord, { type, port: configured }: DnsSdConfig): Map<string, string> {
  const host = target.includes(':') ? `[${target}]` : target
  const labels = new Map([['__address__', `${host}:${type === 'SRV' ? port : configured}`], ['__meta_dns_name', name]])
  // Names are told as DNS has them, with their last dot.
  if (type === 'SRV' || type === 'MX' || type === 'NS') labels.set(`__meta_dns_${type.toLowerCase()}_record_target`, `${target}.`)
  if (type === 'SRV') labels.set('__meta_dns_srv_record_port', String(port))
  return labels
}
