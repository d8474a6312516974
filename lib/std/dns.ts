// The only door to DNS records: the system's resolvers are asked, with its search list, as Prometheus asks them (discovery/dns/dns.go).
// Node asks servers itself, but knows no search list.
import { Resolver } from 'node:dns/promises'
import { readTextIfThere } from './fs.ts'

export type DnsType = 'A' | 'AAAA' | 'SRV' | 'MX' | 'NS'

/** What one record leads to: a name without its last dot, or an address. */
export interface DnsRecord {
  target: string
  /** Of SRV records, else 0. */
  port: number
}

/** The servers do not say whether there are such records. */
export class DnsError extends Error {
  readonly code = 'DNS'
}

export interface DnsPlace {
  /** `address:port`; none: those of resolvConf. */
  servers: readonly string[]
  resolvConf: string
}

export const SYSTEM_DNS: DnsPlace = { servers: [], resolvConf: '/etc/resolv.conf' }

const TIMEOUT_MS = 2000
const TRIES = 3
const NDOTS_MAX = 15
/** There is such a name, but no such record. */
const NO_RECORDS: ReadonlySet<string> = new Set(['ENODATA'])
const NO_NAME = 'ENOTFOUND'

/** As `DnsClient.lookUp`, of the servers that resolv.conf names now. */
export function lookUpRecords(name: string, type: DnsType, place: DnsPlace = SYSTEM_DNS): Promise<DnsRecord[]> {
  return new DnsClient(place).lookUp(name, type)
}

/** Asks the servers that resolv.conf names when it is made; networks change. */
export class DnsClient {
  readonly #resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
  readonly #resolvConf: string

  constructor({ servers, resolvConf }: DnsPlace = SYSTEM_DNS) {
    if (servers.length > 0) this.#resolver.setServers(servers)
    this.#resolvConf = readTextIfThere(resolvConf) ?? ''
  }

  /** Of the first of the names that the search list makes of `name` that exists; none where none does. Rejects with DnsError. */
  async lookUp(name: string, type: DnsType): Promise<DnsRecord[]> {
    let failure: Error | null = null
    for (const full of searchedNames(name, this.#resolvConf)) {
      try {
        return await recordsOf(this.#resolver, full, type)
      } catch (error) {
        if (!(error instanceof Error)) throw error
        const code = 'code' in error ? String(error.code) : ''
        if (NO_RECORDS.has(code)) return []
        if (code !== NO_NAME) failure = error
      }
    }
    if (failure === null) return []
    throw new DnsError(`cannot look up ${type} records of ${name}: ${failure.message}`, { cause: failure })
  }
}

async function recordsOf(resolver: Resolver, name: string, type: DnsType): Promise<DnsRecord[]> {
  const plain = (target: string): DnsRecord => ({ target, port: 0 })
  switch (type) {
    case 'A': return (await resolver.resolve4(name)).map(plain)
    case 'AAAA': return (await resolver.resolve6(name)).map(plain)
    case 'NS': return (await resolver.resolveNs(name)).map(plain)
    case 'MX': return (await resolver.resolveMx(name)).map(({ exchange }) => plain(exchange))
    // A target of "." says that the service is not there (RFC 2782).
    case 'SRV': return (await resolver.resolveSrv(name)).filter((record) => record.name !== '').map((record) => ({ target: record.name, port: record.port }))
  }
}

/** In the order in which resolv.conf has them asked: with at least `ndots` dots the name itself first, else last; alone where it ends with a dot. */
export function searchedNames(name: string, resolvConf: string): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  let search: string[] = []
  let ndots = 1
  for (const line of resolvConf.split('\n')) {
    const [key, ...values] = line.trim().split(/\s+/)
    if (key === 'domain') search = values.slice(0, 1)
    else if (key === 'search') search = values
    else if (key === 'options') ndots = Math.min(NDOTS_MAX, Number(values.find((each) => /^ndots:\d+$/.test(each))?.slice('ndots:'.length) ?? ndots))
  }
  const longer = search.map((domain) => `${name}.${domain.replace(/^\.+|\.+$/g, '')}`.replace(/\.$/, ''))
  return name.split('.').length > ndots ? [name, ...longer] : [...longer, name]
}
