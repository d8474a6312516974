import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../../lib/std/clock.ts'
import { HostLookup } from '../../../lib/std/host-lookup.ts'
import { dnsServer, type DnsServer } from '../../support/dns-server.ts'
import { tempFolder } from '../../support/temp-folder.ts'

interface World {
  lookup: HostLookup
  dns: DnsServer
  clock: FakeClock
}

async function world({ hosts = '', nsswitch = 'hosts: files dns\n' }: { hosts?: string; nsswitch?: string } = {}): Promise<World> {
  const folder = tempFolder()
  fs.writeFileSync(`${folder}/hosts`, hosts)
  fs.writeFileSync(`${folder}/nsswitch.conf`, nsswitch)
  fs.writeFileSync(`${folder}/resolv.conf`, 'search eu.example\n')
  const [dns, clock] = [await dnsServer(), new FakeClock(0)]
  return { lookup: new HostLookup({ servers: [dns.address], resolvConf: `${folder}/resolv.conf`, hosts: `${folder}/hosts`, nsswitch: `${folder}/nsswitch.conf` }, clock), dns, clock }
}

const v4 = (...addresses: string[]): object[] => addresses.map((address) => ({ address, family: 4 }))

describe('addresses of a host', () => {
  it('are those of the hosts file, else of DNS with its search list', async () => {
    const { lookup, dns } = await world({ hosts: '# 10.9.9.9 db\n10.0.0.1 db DB.example # main\n::2 db\n10.0.0.2\tdb\nno-address x\n' })
    const both = [...v4('10.0.0.1', '10.0.0.2'), { address: '::2', family: 6 }]
    expect(await lookup.addresses('DB')).toEqual(both)
    expect(await lookup.addresses('db.example.')).toEqual(v4('10.0.0.1'))
    expect(await lookup.addresses('localhost')).toEqual([...v4('127.0.0.1'), { address: '::1', family: 6 }])
    expect(dns.asked).toEqual([])
    dns.table.set('A node.eu.example', ['10.0.0.3'])
    dns.table.set('AAAA node.eu.example', ['2001:db8:0:0:0:0:0:1'])
    expect(await lookup.addresses('node')).toEqual([...v4('10.0.0.3'), { address: '2001:db8::1', family: 6 }])
    dns.table.set('AAAA node.eu.example', 'SERVFAIL')
    expect(await lookup.addresses('node')).toEqual(v4('10.0.0.3'))
  })

  it('are found while servers do not answer for many others', async () => {
    const { lookup, dns } = await world()
    dns.table.set('A good', ['10.0.0.1'])
    const silent = Array.from({ length: 100 }, (_, i) => `silent-${i}`)
    for (const name of silent) dns.table.set(`A ${name}.eu.example`, 'silence')
    let answers = 0
    for (const name of silent) void lookup.addresses(name).then(() => answers++, () => answers++)
    expect(await lookup.addresses('good')).toEqual(v4('10.0.0.1'))
    expect(answers).toBe(0)
  })

  it('are asked for once by all who wait, and anew by the next', async () => {
    const { lookup, dns } = await world()
    dns.table.set('A good.eu.example', ['10.0.0.1'])
    await Promise.all([lookup.addresses('good'), lookup.addresses('good')])
    expect(dns.asked.toSorted()).toEqual(['A good.eu.example', 'AAAA good.eu.example'])
    dns.table.set('A good.eu.example', ['10.0.0.2'])
    expect(await lookup.addresses('good')).toEqual(v4('10.0.0.2'))
  })

  it('stay for a day where DNS fails or falls silent, but not where it says that there is none', async () => {
    const { lookup, dns, clock } = await world()
    dns.table.set('A good.eu.example', ['10.0.0.1'])
    await lookup.addresses('good')
    dns.table.set('A good.eu.example', 'SERVFAIL').set('A good', 'SERVFAIL')
    expect(await lookup.addresses('good')).toEqual(v4('10.0.0.1'))
    dns.table.set('A good.eu.example', 'silence')
    const waiting = lookup.addresses('good')
    await clock.advance(1000)
    expect(await waiting).toEqual(v4('10.0.0.1'))
    const { lookup: other, dns: otherDns, clock: otherClock } = await world()
    otherDns.table.set('A good.eu.example', ['10.0.0.1'])
    await other.addresses('good')
    otherDns.table.clear()
    await expect(other.addresses('good')).rejects.toMatchObject({ code: 'ENOTFOUND', message: 'no such host good' })
    otherDns.table.set('A good.eu.example', 'SERVFAIL').set('A good', 'SERVFAIL')
    expect(await other.addresses('good')).toEqual(v4('10.0.0.1'))
    await otherClock.advance(86_400_001)
    await expect(other.addresses('good')).rejects.toMatchObject({ code: 'EAI_AGAIN', message: 'no answer from DNS servers about good (queryA ESERVFAIL good)' })
  })

  it('are the system\'s where nsswitch.conf has more sources, or is not there', async () => {
    // Of this name the system's lookup alone makes an address.
    const f = async (nsswitch: string, isFound: boolean): Promise<void> => {
      const { lookup } = await world({ nsswitch })
      if (isFound) expect(await lookup.addresses('127.1')).toEqual(v4('127.0.0.1'))
      else await expect(lookup.addresses('127.1')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    }
    await f('passwd: files\nhosts: files dns # not mdns\n', false)
    await f('hosts: files [NOTFOUND=continue] dns\n', false)
    await f('hosts: files mdns4_minimal [NOTFOUND=return] dns\n', true)
    await f('passwd: files\n', true)
  })
})
