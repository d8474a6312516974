// dns_sd_configs against a real server.
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DnsDiscoverer } from '../../discovery/dns.ts'
import { loadConfig } from '../../lib/config/load.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Logger, silentLogger } from '../../lib/std/log.ts'
import { dnsServer, type DnsServer } from '../support/dns-server.ts'

interface Watched extends DnsServer {
  clock: FakeClock
  log: string[]
  lookups: boolean[]
  /** What comes of the next refresh: each name's targets, with all their labels. */
  next: () => Promise<Record<string, Record<string, string>[]>>
}

async function watch(settings: string): Promise<Watched> {
  const server = await dnsServer()
  const clock = new FakeClock()
  const log: string[] = []
  const lookups: boolean[] = []
  const { config } = loadConfig(`scrape_configs: [{job_name: a, dns_sd_configs: [{${settings}}]}]`, 'monitor.yml', { strict: true, env: {} })
  let given = Promise.withResolvers<Record<string, Record<string, string>[]>>()
  const discoverer = new DnsDiscoverer({
    config: config.scrapeConfigs[0]!.dnsSdConfigs[0]!, clock, logger: new Logger({ level: 'info', format: 'logfmt', clock, write: (line) => log.push(line) }),
    onLookup: (isGood) => lookups.push(isGood), place: { servers: [server.address], resolvConf: '/nowhere' },
  })
  const stop = new AbortController()
  const begin = (): Promise<void> => discoverer.run((groups) => {
    given.resolve(Object.fromEntries(groups.map(({ source, targets }) => [source, targets.map((labels) => Object.fromEntries(labels)).toSorted((a, b) => a['__address__']!.localeCompare(b['__address__']!))])))
    given = Promise.withResolvers()
  }, stop.signal)
  let ended: Promise<void> | null = null
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  return {
    ...server, clock, log, lookups,
    next: async () => {
      const { promise } = given
      ended ??= begin()
      const groups = await promise
      // The timer of the refresh that follows is set in the same turn.
      await setImmediate()
      return groups
    },
  }
}

describe('dns_sd_configs', () => {
  it('gives the targets of SRV records, with what they say', async () => {
    const { table, next } = await watch('names: [_node._tcp.example, _gone._tcp.example]')
    table.set('SRV _node._tcp.example', ['10 5 9100 n1.example', '10 5 9200 n2.example'])
    const target = (name: string, port: string): Record<string, string> => {
      return { __address__: `${name}:${port}`, __meta_dns_name: '_node._tcp.example', __meta_dns_srv_record_target: `${name}.`, __meta_dns_srv_record_port: port }
    }
    expect(await next()).toEqual({ '_node._tcp.example': [target('n1.example', '9100'), target('n2.example', '9200')], '_gone._tcp.example': [] })
  })

  it('gives those of other records with the port that the configuration says', async () => {
    const f = async (type: string, row: string, want: Record<string, string>): Promise<void> => {
      const { table, next } = await watch(`names: [x.example], type: ${type}, port: 9100`)
      table.set(`${type.toUpperCase()} x.example` as 'A x.example', [row])
      expect(await next()).toEqual({ 'x.example': [{ __meta_dns_name: 'x.example', ...want }] })
    }
    await f('A', '10.0.0.1', { __address__: '10.0.0.1:9100' })
    await f('aaaa', '2001:db8:0:0:0:0:0:1', { __address__: '[2001:db8::1]:9100' })
    await f('MX', '10 mail.example', { __address__: 'mail.example:9100', __meta_dns_mx_record_target: 'mail.example.' })
    await f('NS', 'ns.example', { __address__: 'ns.example:9100', __meta_dns_ns_record_target: 'ns.example.' })
  })

  it('asks again at the refresh interval; a name that servers cannot tell keeps its targets', async () => {
    const { table, next, clock, log, lookups } = await watch('names: [a.example, b.example], type: A, port: 1, refresh_interval: 10s')
    table.set('A a.example', ['10.0.0.1'])
    table.set('A b.example', ['10.0.0.2'])
    const addresses = async (): Promise<Record<string, string[]>> => Object.fromEntries(Object.entries(await next()).map(([name, targets]) => [name, targets.map((labels) => labels['__address__']!)]))
    expect(await addresses()).toEqual({ 'a.example': ['10.0.0.1:1'], 'b.example': ['10.0.0.2:1'] })
    table.set('A a.example', ['10.0.0.3'])
    table.set('A b.example', 'SERVFAIL')
    await clock.advance(9_999)
    const second = addresses()
    await clock.advance(1)
    expect(await second).toEqual({ 'a.example': ['10.0.0.3:1'] })
    expect(lookups).toEqual([true, true, true, false])
    expect(log).toHaveLength(1)
    expect(log[0]).toContain('msg="cannot look up targets; those that the name had last stay in force" name=b.example err="cannot look up A records of b.example: queryA ESERVFAIL b.example" again_in_seconds=10')
    table.delete('A a.example')
    const third = addresses()
    await clock.advance(10_000)
    expect(await third).toEqual({ 'a.example': [] })
  })

  it('gives nothing once it is stopped, though servers answer', async () => {
    const { table, address, asked } = await dnsServer()
    table.set('A a.example', ['10.0.0.1'])
    const { config } = loadConfig('scrape_configs: [{job_name: a, dns_sd_configs: [{names: [a.example], type: A, port: 1}]}]', 'monitor.yml', { strict: true, env: {} })
    const lookups: boolean[] = []
    const discoverer = new DnsDiscoverer({
      config: config.scrapeConfigs[0]!.dnsSdConfigs[0]!, clock: new FakeClock(), logger: silentLogger, onLookup: (isGood) => lookups.push(isGood), place: { servers: [address], resolvConf: '/nowhere' },
    })
    const stop = new AbortController()
    const given: unknown[] = []
    const ended = discoverer.run((groups) => given.push(groups), stop.signal)
    while (asked.length === 0) await setImmediate()
    stop.abort()
    await ended
    expect([lookups, given]).toEqual([[true], []])
  })
})
