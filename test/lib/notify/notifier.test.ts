// Alerts on their way to Alertmanagers: real HTTP on loopback.
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AlertingConfig, AlertmanagerConfig } from '../../../lib/config/scrape-config.ts'
import type { SentAlert } from '../../../lib/model/alert.ts'
import { Notifier } from '../../../lib/notify/notifier.ts'
import { FakeClock, systemClock, type Clock } from '../../../lib/std/clock.ts'
import { Logger } from '../../../lib/std/log.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { waitFor } from '../../support/monitor-process.ts'
import { PLAIN_HTTP, relabelConfig } from '../../support/scrape-fixture.ts'

interface Received {
  path: string
  type: string
  alerts: { labels: Record<string, string>; annotations: Record<string, string>; startsAt: string; endsAt: string; generatorURL: string }[]
}

interface Stub {
  address: string
  received: Received[]
  /** What `/api/v2/status` says. */
  status: { uptime?: string }
  asked: number
  server: Server
}

/** An Alertmanager that notes what comes; `answer` may hold the reply back. */
async function stub(answer: (response: ServerResponse) => void = (response) => response.end()): Promise<Stub> {
  const one = { received: new Array<Received>(), status: {}, asked: 0 }
  const server = createServer((request, response) => {
    if (request.method === 'GET') return void (one.asked++, response.end(JSON.stringify(one.status)))
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      one.received.push({ path: request.url!, type: request.headers['content-type'] ?? '', alerts: JSON.parse(body) as Received['alerts'] })
      answer(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return Object.assign(one, { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, server })
}

const manager = (changes: Partial<AlertmanagerConfig> = {}): AlertmanagerConfig => ({
  scheme: 'http', pathPrefix: '', timeoutMs: 2000, http: PLAIN_HTTP, staticConfigs: [], fileSdConfigs: [], httpSdConfigs: [], dnsSdConfigs: [], relabelConfigs: [], alertRelabelConfigs: [], ...changes,
})
const alert = (name: string, labels: readonly string[] = []): SentAlert => ({
  labels: ['alertname', name, ...labels], annotations: new Map([['a', '<b> "c"']]), startsAtMs: 1_700_000_000_000, activeAtMs: 1_700_000_000_000, value: null, endsAtMs: 1_700_000_240_000, generatorUrl: 'http://m/graph?g0.expr=x&g0.tab=1',
})

function make(alerting: Partial<AlertingConfig>, more: { external?: Record<string, string>; capacity?: number; batch?: number; isDrained?: boolean; clock?: Clock } = {}): { notifier: Notifier; log: string[]; metric: (name: string) => Promise<string[]> } {
  const metrics = new Metrics()
  const log: string[] = []
  const notifier = new Notifier({
    limits: { capacity: more.capacity ?? 100, batch: more.batch ?? 10 }, isDrained: more.isDrained ?? true, version: 'test', clock: more.clock ?? systemClock, metrics,
    logger: new Logger({ level: 'info', format: 'logfmt', write: (line) => log.push(line) }),
  })
  notifier.applyConfig({ alertRelabelConfigs: [], alertmanagers: [manager()], ...alerting }, new Map(Object.entries(more.external ?? {})))
  onTestFinished(() => notifier.stop())
  return { notifier, log, metric: async (name) => (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(`prometheus_notifications_${name}`)) }
}

const group = (...addresses: string[]): { source: string; targets: Map<string, string>[]; labels: Map<string, string> } => ({ source: 's', targets: addresses.map((address) => new Map([['__address__', address]])), labels: new Map() })

describe('the notifier', () => {
  it('posts alerts as Prometheus does, with external labels and relabeling', async () => {
    const am = await stub()
    const { notifier, metric } = make({
      alertRelabelConfigs: [relabelConfig({ sourceLabels: ['alertname'], regex: 'Drop.*', action: 'drop' }), relabelConfig({ regex: 'replica', action: 'labeldrop' })],
      alertmanagers: [manager({ pathPrefix: '/am/', alertRelabelConfigs: [relabelConfig({ targetLabel: 'set', replacement: 'one' })] })],
    }, { external: { dc: 'eu', replica: 'r1', env: 'external' } })
    notifier.update(0, [group(am.address, am.address)])
    expect(notifier.active()).toEqual([`http://${am.address}/am/api/v2/alerts`])
    notifier.send(notifier.relabel([alert('A', ['env', 'own']), alert('DropMe')]))
    await waitFor('a request', () => Promise.resolve(am.received.length > 0))
    expect(am.received).toEqual([{
      path: '/am/api/v2/alerts', type: 'application/json',
      alerts: [{
        labels: { alertname: 'A', env: 'own', dc: 'eu', set: 'one' }, annotations: { a: '<b> "c"' }, startsAt: '2023-11-14T22:13:20.000Z', endsAt: '2023-11-14T22:17:20.000Z',
        generatorURL: 'http://m/graph?g0.expr=x&g0.tab=1',
      }],
    }])
    await waitFor('its count', async () => (await metric('sent_total')).some((line) => line.endsWith(' 1')))
    expect(await metric('alertmanagers_discovered')).toEqual(['prometheus_notifications_alertmanagers_discovered 1'])
  })

  it('sends batch after batch to each, and loses the oldest of a full queue', async () => {
    const held: ServerResponse[] = []
    const [slow, quick] = [await stub((response) => void held.push(response)), await stub()]
    const { notifier, log, metric } = make({}, { capacity: 5, batch: 2 })
    notifier.update(0, [group(slow.address, quick.address)])
    notifier.send(notifier.relabel([alert('0')]))
    await waitFor('the first request', () => Promise.resolve(held.length === 1))
    notifier.send(notifier.relabel(Array.from({ length: 7 }, (_, i) => alert(String(i + 1)))))
    await waitFor('all at the quick one', () => Promise.resolve(quick.received.flatMap(({ alerts }) => alerts).length === 6))
    expect(slow.received).toHaveLength(1)
    for (let i = 0; i < 4; i++) {
      await waitFor('a held request', () => Promise.resolve(held.length > i))
      held[i]!.end()
    }
    await waitFor('all at the slow one', () => Promise.resolve(slow.received.length === 4))
    expect(slow.received.map(({ alerts }) => alerts.map(({ labels }) => labels['alertname']))).toEqual([['0'], ['3', '4'], ['5', '6'], ['7']])
    expect(log.some((line) => line.includes('Alert notification queue full, dropping alerts') && line.includes('count=2'))).toBe(true)
    expect((await metric('dropped_total')).every((line) => line.endsWith(' 2'))).toBe(true)
  })

  it('counts and logs what is refused for good, and goes on', async () => {
    let status = 400
    const am = await stub((response) => void response.writeHead(status).end())
    const { notifier, log, metric } = make({})
    notifier.update(0, [group(am.address)])
    notifier.send(notifier.relabel([alert('A')]))
    await waitFor('the refusal', () => Promise.resolve(log.some((line) => line.includes('bad response status 400'))))
    status = 200
    notifier.send(notifier.relabel([alert('B')]))
    await waitFor('the second', async () => (await metric('sent_total')).some((line) => line.endsWith(' 1')))
    for (const name of ['errors_total', 'dropped_total']) expect(await metric(name)).toEqual([`prometheus_notifications_${name}{alertmanager="http://${am.address}/api/v2/alerts"} 1`])
  })

  it('tries again what could not be sent, with the latest word of each alert, before what came since', async () => {
    let answer: number | null = 503
    const am = await stub((response) => void (answer !== null && response.writeHead(answer).end()))
    const clock = new FakeClock(1_700_000_100_000)
    const { notifier, log, metric } = make({}, { clock, batch: 2 })
    const told = (): string[][] => am.received.map(({ alerts }) => alerts.map(({ labels, endsAt }) => `${labels['alertname']} ${endsAt.slice(14, 16)}`))
    const request = async (): Promise<void> => {
      const before = am.received.length
      await waitFor('a request', () => (void clock.advance(500), Promise.resolve(am.received.length > before)))
    }
    notifier.update(0, [group(am.address)])
    notifier.send(notifier.relabel([alert('A'), alert('B')]))
    await waitFor('the refusal', () => Promise.resolve(log.length > 0))
    answer = null
    await request()
    // It hangs, and its time is up.
    notifier.send(notifier.relabel([{ ...alert('A'), endsAtMs: 1_700_000_000_000 + 3_600_000 }, alert('C')]))
    await clock.advance(2000)
    await waitFor('the timeout', () => Promise.resolve(log.length > 1))
    answer = 200
    await request()
    await waitFor('the rest', () => Promise.resolve(am.received.length === 4))
    expect(told()).toEqual([['A 17', 'B 17'], ['A 17', 'B 17'], ['A 13', 'B 17'], ['C 17']])
    expect(log.map((line) => /err="(.*?)"/.exec(line)?.[1])).toEqual(['bad response status 503 Service Unavailable', expect.stringContaining('deadline exceeded')])
    await waitFor('the count', async () => (await metric('sent_total')).some((line) => line.endsWith(' 3')))
    expect(await metric('dropped_total')).toEqual([`prometheus_notifications_dropped_total{alertmanager="http://${am.address}/api/v2/alerts"} 0`])
  })

  it('tells an Alertmanager that began anew what fires, and asks none that has no such status', async () => {
    const [am, other] = [await stub(), await stub()]
    am.status = { uptime: '2023-11-14T20:00:00.000Z' }
    const clock = new FakeClock(1_700_000_100_000)
    const { notifier, log } = make({ alertmanagers: [manager({ timeoutMs: 60_000 })] }, { clock })
    const asked = async (n: number): Promise<void> => void (await waitFor('a look', () => (void clock.advance(1000), Promise.resolve(am.asked >= n))))
    notifier.update(0, [group(am.address, other.address)])
    notifier.send(notifier.relabel([alert('Fires'), { ...alert('Ends'), endsAtMs: 1_700_000_050_000 }]))
    await waitFor('both to be asked', () => Promise.resolve(am.asked + other.asked === 2))
    await asked(2)
    expect([am.received.length, other.asked]).toEqual([1, 1])
    am.status = { uptime: '2023-11-14T22:15:01.000Z' }
    await waitFor('the alert', () => (void clock.advance(1000), Promise.resolve(am.received.length === 2)))
    expect(am.received[1]!.alerts.map(({ labels }) => labels['alertname'])).toEqual(['Fires'])
    expect(log.join()).toContain('began anew')
    // Of two behind one address that answer in turns neither has begun anew.
    am.status = { uptime: '2023-11-14T20:00:00.000Z' }
    await asked(am.asked + 1)
    am.status = { uptime: '2023-11-14T22:15:01.000Z' }
    await asked(am.asked + 2)
    expect([am.received.length, other.asked]).toEqual([2, 1])
    // Nothing fires any more: nobody is asked.
    notifier.send(notifier.relabel([{ ...alert('Fires'), endsAtMs: 1_700_000_050_000 }]))
    await waitFor('the end', () => Promise.resolve(am.received.length === 3))
    const before = am.asked
    for (let i = 0; i < 20; i++) await clock.advance(1000)
    await notifier.stop()
    expect(am.asked - before).toBeLessThanOrEqual(1)
  })

  it('does not tell an Alertmanager that began anew what fired after its end, which is under way', async () => {
    const held: ServerResponse[] = []
    const am = await stub((response) => void (am.received.length === 2 ? held.push(response) : response.end()))
    am.status = { uptime: '2023-11-14T20:00:00.000Z' }
    const clock = new FakeClock(1_700_000_100_000)
    const { notifier, log } = make({ alertmanagers: [manager({ timeoutMs: 60_000 })] }, { clock })
    notifier.update(0, [group(am.address)])
    notifier.send(notifier.relabel([alert('Fires')]))
    await waitFor('a look', () => Promise.resolve(am.asked === 1))
    notifier.send(notifier.relabel([{ ...alert('Fires'), endsAtMs: 1_700_000_050_000 }]))
    await waitFor('its end', () => Promise.resolve(held.length === 1))
    am.status = { uptime: '2023-11-14T22:15:01.000Z' }
    await waitFor('the start to be seen', () => (void clock.advance(1000), Promise.resolve(log.join().includes('began anew'))))
    held[0]!.end()
    notifier.send(notifier.relabel([alert('Next')]))
    await waitFor('the next one', () => Promise.resolve(am.received.length === 3))
    expect(am.received[2]!.alerts.map(({ labels }) => labels['alertname'])).toEqual(['Next'])
  })

  it('follows discovery and relabeling of whom to tell, and names who was dropped', () => {
    const { notifier, log } = make({ alertmanagers: [manager({ relabelConfigs: [relabelConfig({ sourceLabels: ['__address__'], regex: 'b:.*', action: 'drop' }), relabelConfig({ sourceLabels: ['__address__'], regex: 'c:1', targetLabel: '__scheme__', replacement: 'https' })] })] })
    notifier.update(0, [group('a:1', 'b:1', 'c:1', 'http://d')])
    expect([notifier.active(), notifier.dropped()]).toEqual([['http://a:1/api/v2/alerts', 'https://c:1/api/v2/alerts'], ['http://b:1/api/v2/alerts']])
    expect(log.join()).toContain('address=http://d')
    notifier.update(0, [group('c:1')])
    expect(notifier.active()).toEqual(['https://c:1/api/v2/alerts'])
    notifier.applyConfig({ alertRelabelConfigs: [], alertmanagers: [] }, new Map())
    expect(notifier.active()).toEqual([])
  })

  it('keeps the queues of entries that a reload leaves as they are', () => {
    const config = manager()
    const { notifier } = make({ alertmanagers: [config] })
    notifier.update(0, [group('a:1')])
    notifier.applyConfig({ alertRelabelConfigs: [], alertmanagers: [structuredClone(config), manager({ pathPrefix: 'x' })] }, new Map())
    expect(notifier.active()).toEqual(['http://a:1/api/v2/alerts'])
    // Where one before them is gone they stand elsewhere.
    notifier.applyConfig({ alertRelabelConfigs: [], alertmanagers: [manager({ pathPrefix: 'x' }), structuredClone(config)] }, new Map())
    expect(notifier.active()).toEqual(['http://a:1/api/v2/alerts'])
  })

  it('sends what waits before it stops', async () => {
    const am = await stub((response) => void setTimeout(() => response.end(), 50))
    const { notifier } = make({}, { batch: 1 })
    notifier.update(0, [group(am.address)])
    notifier.send(notifier.relabel([alert('A'), alert('B'), alert('C')]))
    await notifier.stop()
    expect(am.received.flatMap(({ alerts }) => alerts)).toHaveLength(3)
  })
})
