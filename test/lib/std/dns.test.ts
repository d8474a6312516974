import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DnsError, lookUpRecords, searchedNames, type DnsRecord, type DnsType } from '../../../lib/std/dns.ts'
import { dnsServer } from '../../support/dns-server.ts'
import { tempFolder } from '../../support/temp-folder.ts'

describe('DNS records', () => {
  it('are read, of each type', async () => {
    const { address, table } = await dnsServer()
    const f = async (type: DnsType, rows: readonly string[], want: DnsRecord[]): Promise<void> => {
      table.set(`${type} a.example`, rows)
      const found = await lookUpRecords('a.example', type, { servers: [address], resolvConf: '/nowhere' })
      expect(found.toSorted((a, b) => a.target.localeCompare(b.target))).toEqual(want)
    }
    await f('A', ['10.0.0.1', '10.0.0.2'], [{ target: '10.0.0.1', port: 0 }, { target: '10.0.0.2', port: 0 }])
    await f('AAAA', ['2001:db8:0:0:0:0:0:1'], [{ target: '2001:db8::1', port: 0 }])
    await f('SRV', ['10 5 9100 n1.example', '10 5 9200 n2.example', '0 0 0 .'], [{ target: 'n1.example', port: 9100 }, { target: 'n2.example', port: 9200 }])
    await f('MX', ['10 mail.example'], [{ target: 'mail.example', port: 0 }])
    await f('NS', ['ns.example'], [{ target: 'ns.example', port: 0 }])
  })

  it('are those of the first name that exists; whether none does may be unknown', async () => {
    const { address, table, asked } = await dnsServer()
    const resolvConf = `${tempFolder()}/resolv.conf`
    fs.writeFileSync(resolvConf, 'search eu.example us.example\n')
    const place = { servers: [address], resolvConf }
    const f = async (name: string, want: DnsRecord[] | RegExp, ...names: string[]): Promise<void> => {
      asked.length = 0
      if (want instanceof RegExp) await expect(lookUpRecords(name, 'A', place)).rejects.toThrow(want)
      else expect(await lookUpRecords(name, 'A', place)).toEqual(want)
      expect([...new Set(asked)]).toEqual(names.map((one) => `A ${one}`))
    }
    await f('node', [], 'node.eu.example', 'node.us.example', 'node')
    table.set('A node.us.example', ['10.0.0.1'])
    await f('node', [{ target: '10.0.0.1', port: 0 }], 'node.eu.example', 'node.us.example')
    await f('node.', [], 'node')
    await f('x.node', [], 'x.node', 'x.node.eu.example', 'x.node.us.example')
    // It exists, with records of another type.
    table.set('MX node.eu.example', ['10 mail.example'])
    await f('node', [], 'node.eu.example')
    table.set('A node.eu.example', 'SERVFAIL')
    await f('node', [{ target: '10.0.0.1', port: 0 }], 'node.eu.example', 'node.us.example')
    table.set('A node.us.example', 'SERVFAIL')
    await f('node', /^cannot look up A records of node: queryA ESERVFAIL node.us.example$/, 'node.eu.example', 'node.us.example', 'node')
    await expect(lookUpRecords('node', 'A', place)).rejects.toThrow(DnsError)
  })

  it('are asked for by the names that resolv.conf makes of one', () => {
    const f = (name: string, resolvConf: string, ...want: string[]): void => expect(searchedNames(name, resolvConf)).toEqual(want)
    f('a', '', 'a')
    f('a.b', 'search x y', 'a.b', 'a.b.x', 'a.b.y')
    f('a', 'search x y.', 'a.x', 'a.y', 'a')
    f('a.', 'search x', 'a')
    f('a', 'search .', 'a', 'a')
    f('a', 'domain x z\nnameserver 1.1.1.1', 'a.x', 'a')
    f('a', 'domain x\nsearch y', 'a.y', 'a')
    f('a.b.c.d.e', 'search x\noptions timeout:1 ndots:5', 'a.b.c.d.e.x', 'a.b.c.d.e')
    f('a.b.c.d.e.f', 'search x\noptions ndots:5', 'a.b.c.d.e.f', 'a.b.c.d.e.f.x')
    f('a', '# search q\n  search x ', 'a.x', 'a')
  })
})
