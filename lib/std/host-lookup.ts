// Addresses of the hosts that connections go to: what the hosts file says, else DNS, neither of which takes a thread. The
// system's own lookup keeps one of libuv's until it knows, and there are two of these for it: behind some names whose servers
// do not answer no other name was found, not even localhost. It is asked last, for what nsswitch.conf has beyond the two.
import { lookup, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { isDoneWithin, systemClock, type Clock } from './clock.ts'
import { DnsClient, SYSTEM_DNS, type DnsPlace } from './dns.ts'
import { readTextIfThere } from './fs.ts'
import { LruMap } from './lru-map.ts'

export interface HostPlace extends DnsPlace {
  hosts: string
  nsswitch: string
}

const SYSTEM_PLACE: HostPlace = { ...SYSTEM_DNS, hosts: '/etc/hosts', nsswitch: '/etc/nsswitch.conf' }
/** How long what the files said counts. */
const FILES_MS = 5000
/** A name that was found before is waited for so long, and then taken as it was (RFC 8767). */
const PATIENCE_MS = 1000
const KEPT_MS = 86_400_000
const KEPT_MAX = 65_536
/** Sources of nsswitch.conf that are asked here. */
const OWN_SOURCES: ReadonlySet<string> = new Set(['files', 'dns'])

/** No address; `code` as getaddrinfo has it: ENOTFOUND where there is no such host, EAI_AGAIN where nobody says. */
class HostError extends Error {
  readonly code: 'ENOTFOUND' | 'EAI_AGAIN'

  constructor(code: 'ENOTFOUND' | 'EAI_AGAIN', message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause })
    this.code = code
  }
}

/** What the files said at one time. */
interface Sources {
  readMs: number
  hosts: ReadonlyMap<string, readonly LookupAddress[]>
  dns: DnsClient
  hasOthers: boolean
}

interface Kept {
  addresses: readonly LookupAddress[]
  atMs: number
}

export class HostLookup {
  readonly #place: HostPlace
  readonly #clock: Clock
  #sources: Sources | null = null
  /** What was found last. */
  readonly #kept = new LruMap<Kept>(KEPT_MAX)
  readonly #asked = new Map<string, Promise<readonly LookupAddress[]>>()

  constructor(place: HostPlace = SYSTEM_PLACE, clock: Clock = systemClock) {
    this.#place = place
    this.#clock = clock
  }

  /** At least one, IPv4 first. Where DNS is slow or silent, those of the last day. Rejects with HostError. */
  async addresses(name: string): Promise<readonly LookupAddress[]> {
    const sources = this.#current()
    const known = sources.hosts.get(bare(name))
    if (known !== undefined) return known
    const asked = this.#ask(name, sources)
    const kept = this.#kept.get(name)
    if (kept === undefined || this.#clock.monotonic() - kept.atMs > KEPT_MS) return asked
    try {
      if (await isDoneWithin(asked, PATIENCE_MS, this.#clock)) return await asked
    } catch (error) {
      if (!(error instanceof HostError) || error.code === 'ENOTFOUND') throw error
    }
    return kept.addresses
  }

  #current(): Sources {
    const nowMs = this.#clock.monotonic()
    if (this.#sources === null || nowMs - this.#sources.readMs > FILES_MS) {
      this.#sources = {
        readMs: nowMs, hosts: parseHosts(readTextIfThere(this.#place.hosts) ?? ''), dns: new DnsClient(this.#place),
        hasOthers: hasOtherSources(readTextIfThere(this.#place.nsswitch)),
      }
    }
    return this.#sources
  }

  /** Many connections to one name ask once. */
  #ask(name: string, sources: Sources): Promise<readonly LookupAddress[]> {
    const under = this.#asked.get(name)
    if (under !== undefined) return under
    const asked = find(name, sources).then((addresses) => {
      this.#kept.set(name, { addresses, atMs: this.#clock.monotonic() })
      return addresses
    }).finally(() => this.#asked.delete(name))
    // Who asked may have had enough of waiting.
    asked.catch(() => {})
    this.#asked.set(name, asked)
    return asked
  }
}

async function find(name: string, { dns, hasOthers }: Sources): Promise<readonly LookupAddress[]> {
  const [v4, v6] = await Promise.allSettled([dns.lookUp(name, 'A'), dns.lookUp(name, 'AAAA')])
  const found = [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : [])).map(({ target }) => ({ address: target, family: isIP(target) }))
  if (found.length > 0) return found
  const others = hasOthers ? await systemAddresses(name) : []
  if (others.length > 0) return others
  const failure = [v4, v6].find((answer) => answer.status === 'rejected')
  if (failure === undefined) throw new HostError('ENOTFOUND', `no such host ${name}`)
  const error = failure.reason as Error
  throw new HostError('EAI_AGAIN', `no answer from DNS servers about ${name} (${(error.cause as Error | undefined)?.message ?? error.message})`, error)
}

/** None where it finds none, for whatever reason. */
function systemAddresses(name: string): Promise<LookupAddress[]> {
  return new Promise((resolve) => {
    lookup(name, { all: true }, (error, addresses) => resolve(error === null ? addresses : []))
  })
}

/** As names are compared: in lower case, without the dot at the end. */
function bare(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

/** By name, IPv4 first. localhost is there also where the file leaves it out (RFC 6761). */
function parseHosts(text: string): Map<string, LookupAddress[]> {
  const hosts = new Map<string, LookupAddress[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    const family = isIP(address)
    if (family === 0) continue
    for (const name of names) {
      const known = hosts.get(bare(name))
      if (known === undefined) hosts.set(bare(name), [{ address, family }])
      else known.push({ address, family })
    }
  }
  for (const addresses of hosts.values()) addresses.sort((a, b) => a.family - b.family)
  if (!hosts.has('localhost')) hosts.set('localhost', [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }])
  return hosts
}

/** Whether the system may know of hosts by more than files and DNS (nsswitch.conf(5)); without the file it may. */
function hasOtherSources(nsswitch: string | null): boolean {
  const line = nsswitch?.split('\n').find((each) => /^\s*hosts:/.test(each))
  if (line === undefined) return true
  const sources = line.replace(/#.*/, '').replace(/^\s*hosts:/, '').replace(/\[[^\]]*\]/g, ' ').trim().split(/\s+/)
  return sources.some((source) => !OWN_SOURCES.has(source))
}

const shared = new HostLookup()

/** For `net.connect` and its kin, in place of dns.lookup; the family does not matter to any of them. */
export const hostLookup: LookupFunction = (hostname, { all }, callback) => void tell(hostname, all === true, callback)

async function tell(hostname: string, all: boolean, callback: Parameters<LookupFunction>[2]): Promise<void> {
  let addresses: readonly LookupAddress[]
  try {
    addresses = await shared.addresses(hostname)
  } catch (error) {
    callback(error as HostError, '', 0)
    return
  }
  if (all) callback(null, [...addresses])
  else callback(null, addresses[0]!.address, addresses[0]!.family)
}
