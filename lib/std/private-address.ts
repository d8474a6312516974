// Addresses that are no one's on the internet: loopback, private networks, link-local (where clouds keep credentials), and
// the rest of what IANA set aside (RFC 6890). Who may write a webhook's URL must not reach them through this server.
import type { LookupAddress } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { hostLookup } from './host-lookup.ts'
import { HttpError } from './http-error.ts'

const SUBNETS: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[] = [
  ['0.0.0.0', 8, 'ipv4'], ['10.0.0.0', 8, 'ipv4'], ['100.64.0.0', 10, 'ipv4'], ['127.0.0.0', 8, 'ipv4'], ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'], ['192.0.0.0', 24, 'ipv4'], ['192.168.0.0', 16, 'ipv4'], ['198.18.0.0', 15, 'ipv4'],
  ['224.0.0.0', 4, 'ipv4'], ['240.0.0.0', 4, 'ipv4'],
  ['::', 128, 'ipv6'], ['::1', 128, 'ipv6'], ['fc00::', 7, 'ipv6'], ['fe80::', 10, 'ipv6'], ['fec0::', 10, 'ipv6'], ['ff00::', 8, 'ipv6'],
]
const PRIVATE = new BlockList()
for (const [net, prefix, family] of SUBNETS) PRIVATE.addSubnet(net, prefix, family)
/** IPv6 that carries an IPv4 address: NAT64 and 6to4 lead to whatever is inside. */
const CARRIERS = new BlockList()
CARRIERS.addSubnet('64:ff9b::', 96, 'ipv6')
CARRIERS.addSubnet('2002::', 16, 'ipv6')

/** Whether a text is an IP address, brackets or none, of a network that is not public; a name is not. */
export function isPrivateAddress(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, '')
  const version = isIP(address)
  if (version === 0) return false
  if (version === 4) return PRIVATE.check(address, 'ipv4')
  // BlockList looks through `::ffff:a.b.c.d` itself.
  return PRIVATE.check(address, 'ipv6') || CARRIERS.check(address, 'ipv6')
}

/** hostLookup that fails where any address of the name is private: what is checked is what is connected to. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  hostLookup(hostname, { ...options, all: true }, (error, found) => {
    const addresses = found as LookupAddress[]
    const hidden = error === null ? addresses.find(({ address }) => isPrivateAddress(address)) : undefined
    if (error !== null) callback(error, '', 0)
    else if (hidden !== undefined) callback(new HttpError('CONNECT', `refused: ${hostname} is ${hidden.address}, a private address`), '', 0)
    else if (options.all === true) callback(null, addresses)
    else callback(null, addresses[0]!.address, addresses[0]!.family)
  })
}
