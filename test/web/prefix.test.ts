// The server below a path, and behind proxies that change path and host.
import { describe, expect, it } from 'vitest'
import type { ServerParts } from '../../web/parts.ts'
import { get, start } from './requests.ts'

const HTML = { headers: { Accept: 'text/html' } }
const under = (externalUrl: string, routePrefix: string) => (parts: ServerParts): Partial<ServerParts> => ({ options: { ...parts.options, externalUrl, routePrefix, isLifecycleEnabled: true } })

describe('a server below a path', () => {
  it('answers there alone, its pages with their base', async () => {
    const { base } = await start(under('https://ops.example/monitor/', '/monitor'))
    expect(await get(`${base}/monitor/-/healthy`)).toEqual([200, 'Monitor is Healthy.\n'])
    expect((await get(`${base}/monitor/api/v1/query?query=up`))[0]).toBe(200)
    expect((await get(`${base}/monitor/api/v1/nope`))[1]).toMatchObject({ errorType: 'not_found' })
    for (const path of ['/-/healthy', '/api/v1/query?query=up', '/monitored/query', '/query']) {
      expect(await get(base + path, HTML), path).toEqual([404, '404 page not found: this server answers below /monitor/ (--web.route-prefix)\n'])
    }
    expect((await get(`${base}/monitor/alerts?search=x`, HTML))[1]).toContain('<base href="/monitor/"><meta name="external-url" content="https://ops.example/monitor/">')
  })

  it('leads from its root to its pages, and from untidy paths to tidy ones', async () => {
    const { base } = await start(under('http://vm:9090/monitor', '/monitor'))
    const place = async (path: string): Promise<string | null> => (await fetch(base + path, { redirect: 'manual' })).headers.get('location')
    expect([await place('/'), await place('/monitor'), await place('/monitor/'), await place('/monitor?x=1')]).toEqual(Array(4).fill('/monitor/query'))
    expect(await place('/monitor//alerts?a=b')).toBe('/monitor/alerts?a=b')
  })

  it('tells browsers the outer path where a proxy takes it away', async () => {
    const { base } = await start(under('https://ops.example/a"b/', ''))
    const [status, page] = await get(`${base}/alerts`, HTML)
    expect([status, page]).toEqual([200, expect.stringContaining('<base href="/a%22b/">')])
    expect((await fetch(base, { redirect: 'manual' })).headers.get('location')).toBe('/a%22b/query')
  })
})

describe('a page behind a proxy that asks for another host', () => {
  it('may change things, pages of other sites may not', async () => {
    const { base } = await start(under('https://ops.example/monitor/', ''))
    const reload = async (headers: Record<string, string>): Promise<number> => (await get(`${base}/-/reload`, { method: 'POST', headers }))[0]
    expect(await reload({})).toBe(200)
    expect(await reload({ Origin: 'https://ops.example' })).toBe(200)
    expect(await reload({ Origin: 'https://elsewhere.example', 'Sec-Fetch-Site': 'same-origin' })).toBe(200)
    expect(await reload({ Origin: 'https://evil.example' })).toBe(403)
    expect(await reload({ Origin: 'http://ops.example' })).toBe(403)
    expect(await reload({ Origin: 'https://ops.example', 'Sec-Fetch-Site': 'cross-site' })).toBe(403)
    expect(await reload({ Origin: 'null' })).toBe(403)
    const { base: plain } = await start(under('http://vm:9090', ''))
    expect((await get(`${plain}/-/reload`, { method: 'POST', headers: { Origin: 'https://ops.example' } }))[0]).toBe(403)
  })
})
