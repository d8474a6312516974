// Which proxy, if any, a URL goes through: proxy_url with no_proxy, or the environment's HTTP_PROXY and its kin.
// Rules of Go's httpproxy package, which Prometheus uses: names match themselves and their subdomains, `.name` only
// subdomains, addresses and CIDR ranges match addresses, a port narrows, `*` matches all.
import { BlockList, isIP } from 'node:net'

export interface ProxyOptions {
  /** '' for none. */
  proxyUrl: string
  noProxy: string
  proxyFromEnvironment: boolean
}

/** The proxy's URL, or null to go straight. */
export function proxyFor(url: URL, options: ProxyOptions, environment: NodeJS.ProcessEnv): string | null {
  // Reading the environment is slow; most clients have no proxy.
  if (options.proxyUrl === '' && !options.proxyFromEnvironment) return null
  const variable = (name: string): string => environment[name.toLowerCase()] ?? environment[name] ?? ''
  const fromEnvironment = variable(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY')
  // `proxy:3128` is usual in the environment.
  const withScheme = fromEnvironment === '' || fromEnvironment.includes('://') ? fromEnvironment : `http://${fromEnvironment}`
  const proxy = options.proxyFromEnvironment ? withScheme : options.proxyUrl
  if (proxy === '') return null
  const noProxy = options.proxyFromEnvironment ? variable('NO_PROXY') : options.noProxy
  // A bare proxy_url holds for every host, loopback too.
  if (noProxy === '' && !options.proxyFromEnvironment) return proxy
  return isExempt(url, noProxy) ? null : proxy
}

function isExempt(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  if (host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))) return true
  return noProxy.split(',').map((entry) => entry.trim().toLowerCase()).some((entry) => entry !== '' && matches(entry, host, port))
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  const [range, bits] = entry.split('/') as [string, string | undefined]
  if (bits !== undefined) return isInRange(host, range, Number(bits))
  const withPort = /^\[?([^\]]*?)\]?:(\d+)$/.exec(entry)
  const name = withPort !== null && isIP(entry) === 0 ? withPort[1]! : entry
  if (withPort !== null && isIP(entry) === 0 && withPort[2] !== port) return false
  if (name.startsWith('*.')) return host.endsWith(name.slice(1))
  return name.startsWith('.') ? host.endsWith(name) : host === name || (isIP(host) === 0 && host.endsWith(`.${name}`))
}

function isInRange(host: string, range: string, bits: number): boolean {
  const family = isIP(host)
  if (family === 0 || isIP(range) !== family || !(bits >= 0 && bits <= (family === 4 ? 32 : 128))) return false
  const list = new BlockList()
  list.addSubnet(range, bits, family === 4 ? 'ipv4' : 'ipv6')
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6')
}
