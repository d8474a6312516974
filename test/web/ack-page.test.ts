// The page behind the signed address in a message.
import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sent } from '../lib/notify/lifecycle-world.ts'
import { NOW, startServer } from '../support/web-server.ts'
import { CPU, fire, site } from './alert-site.ts'

describe('the page behind the address in a message', () => {
  const page = async (url: string, init?: RequestInit): Promise<{ status: number; text: string; csp: string }> => {
    const answer = await fetch(url, init)
    return { status: answer.status, text: await answer.text(), csp: answer.headers.get('content-security-policy') ?? '' }
  }
  const form = (fields: Record<string, string>): RequestInit => ({ method: 'POST', body: new URLSearchParams(fields) })

  it('acknowledges on POST alone', async () => {
    const s = await site()
    const id = await fire(s)
    const url = s.base + new URL(s.world.lifecycle.ackUrl(s.world.dispatch.alerts.keys().next().value!)).pathname
    const shown = await page(url)
    expect(shown.status).toBe(200)
    expect(shown.csp).toContain("form-action 'self'")
    expect(shown.text).toContain('Take this alert?')
    expect(shown.text).toContain('&lt;script&gt;&quot;&#39;&amp;')
    // The one script is the page's own, and browsers run no other.
    const scripts = [...shown.text.matchAll(/<script>([^]*?)<\/script>/g)].map(([, script]) => `'sha256-${createHash('sha256').update(script!).digest('base64')}'`)
    expect(scripts).toHaveLength(1)
    expect(shown.text.match(/<script/g)).toHaveLength(1)
    expect(shown.csp).toContain(`script-src ${scripts[0]};`)
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
    expect(await s.world.store.alert(id)).toMatchObject({ status: 'open' })
    const done = await page(url, form({ by: '<ana>', repage_after: '1h' }))
    expect(done.text.replace(/<\/?time[^>]*>/g, '')).toMatch(/<h1>Acknowledged<\/h1>\n<p>By &lt;ana&gt;, 2023-11-14 22:13:20 UTC\. It pages again at 2023-11-14 23:13:20 UTC/)
    expect(done.text).toContain('Take it over')
    expect(await s.world.store.alert(id)).toMatchObject({ status: 'acknowledged', acknowledgedBy: '<ana>' })
    await s.world.lifecycle.receive([sent(CPU, NOW, { endsAtMs: NOW })])
    expect((await page(url)).text).toContain('there is nothing to acknowledge')
    expect((await page(url, form({}))).status).toBe(409)
  })

  it('gives an alert to the first of two who press at once; the other is told and may take it over', async () => {
    const s = await site()
    const id = await fire(s)
    const url = s.base + new URL(s.world.lifecycle.ackUrl(s.world.dispatch.alerts.keys().next().value!)).pathname
    const both = await Promise.all([page(url, form({ by: 'ana' })), page(url, form({ by: 'bo' }))])
    const [first, second] = both.toSorted((a, b) => a.status - b.status)
    const has = (await s.world.store.alert(id))!.acknowledgedBy
    expect([first!.status, second!.status]).toEqual([200, 409])
    expect(first!.text).toContain(`By ${has},`)
    expect(second!.text).toContain(`${has === 'ana' ? 'Ana' : 'Bo'} has acknowledged the alert already; it can be taken over.`)
    expect(second!.text).toContain('name="take_over" value="1"')
    expect((await page(url, form({ by: has, repage_after: '1h' }))).status).toBe(200)
    expect((await page(url, form({ by: 'cy', take_over: '1' }))).text).toContain('By cy,')
    expect(await s.post(`/api/alerts/${id}/ack`, { by: 'ana' })).toMatchObject({ status: 409, body: { error: expect.stringContaining('cy has acknowledged') as string } })
    expect((await s.post(`/api/alerts/${id}/ack`, { by: 'ana', take_over: true })).body.data).toMatchObject({ acknowledged_by: 'ana' })
    expect(await s.post(`/api/alerts/${id}/ack`, { by: 'ana', take_over: 'yes' })).toMatchObject({ status: 400 })
    expect((await s.get(`/api/alerts/${id}`)).body.data.history.filter(({ kind }) => kind === 'acknowledged').map(({ detail }) => detail)).toEqual([...new Set([has, 'cy', 'ana'])])
  })

  it('shows what labels and annotations say as text, addresses as links, and leads on relatively', async () => {
    const s = await site()
    await fire(s, CPU, { annotations: new Map([['runbook', 'https://wiki.example/?a=1&b="'], ['summary', '<b>x</b>\r\nמיידי'], ['trick', 'javascript:alert(1)']]) })
    const { text } = await page(s.base + new URL(s.world.lifecycle.ackUrl(s.world.dispatch.alerts.keys().next().value!)).pathname)
    expect(text).toContain('<a href="https://wiki.example/?a=1&amp;b=&quot;" rel="noreferrer">')
    expect(text).toContain('<bdi>&lt;b&gt;x&lt;/b&gt;\r\nמיידי</bdi>')
    expect(text).toContain('<bdi>javascript:alert(1)</bdi>')
    expect(text).toContain('<form method="post" id="take">')
    expect(text.match(/href="(?!http)[^"]*"/g)).toEqual(['href="../alerts"'])
    expect(text).toContain('<time datetime="2023-11-14T22:13:20.000Z">2023-11-14 22:13:20 UTC</time>, 0s ago')
  })

  it('knows no other addresses, and none of old messages, of which it shows nothing', async () => {
    const s = await site()
    await fire(s)
    const url = s.base + new URL(s.world.lifecycle.ackUrl(s.world.dispatch.alerts.keys().next().value!)).pathname
    for (const bad of [`${s.base}/ack/x`, `${url}A`, `${url.slice(0, -1)}${url.endsWith('A') ? 'B' : 'A'}`]) {
      expect(await page(bad), bad).toMatchObject({ status: 404, text: expect.stringContaining('not one that this Monitor signed') as string })
      expect((await page(bad, form({ by: 'x' }))).status).toBe(404)
    }
    await s.world.clock.advance(8 * 86_400_000)
    const old = await page(url, form({ by: 'x' }))
    expect(old).toMatchObject({ status: 410, text: expect.stringContaining('too old to acknowledge') as string })
    expect(old.text).not.toContain(CPU.alertname)
  })

  it('is a page that says what to do, however the address was mangled; who asks for JSON has that', async () => {
    const s = await site()
    await fire(s)
    const { pathname } = new URL(s.world.lifecycle.ackUrl(s.world.dispatch.alerts.keys().next().value!))
    const browser = { headers: { accept: 'text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8' } }
    const mangled: [url: string, alerts: string][] = [
      ['/ack', './alerts'], ['/ack/', '../alerts'], [`${pathname.slice(0, 30)}%`, '../alerts'], [`${pathname}%E0`, '../alerts'], [`${pathname}%00x`, '../alerts'],
      [`/ack/${'a'.repeat(3000)}`, '../alerts'], [`${pathname}/edit.html`, '../../alerts'], [`${pathname.slice(0, 30)}/${pathname.slice(30)}/x?y=/z`, '../../../alerts'],
    ]
    for (const [url, alerts] of mangled) {
      const answer = await fetch(s.base + url, browser)
      const text = await answer.text()
      expect({ url, status: answer.status, type: answer.headers.get('content-type'), href: /href="([^"]*)"/.exec(text)?.[1] }).toEqual({ url, status: 404, type: 'text/html; charset=utf-8', href: alerts })
      expect(text).toMatch(/<h1>This address does not work<\/h1>\n<p>[^<]*a part of it is missing[^<]*Open all alerts below/)
      const json = await fetch(s.base + url, { headers: { accept: 'application/json' } })
      expect(json.status, url).toBe(404)
      expect(await json.json()).toMatchObject({ status: 'error', errorType: 'not_found', error: expect.stringContaining('a part of it is missing') as string })
    }
    // What a mail program takes along of the text behind it does no harm.
    for (const behind of ['%3E', ').', '%E2%80%9D']) expect((await page(s.base + pathname + behind)).text, behind).toContain('Take this alert?')
  })

  it('looks again by itself where Monitor is only starting', async () => {
    const server = await startServer(() => ({}), false)
    onTestFinished(() => server.stop())
    const answer = await fetch(`${server.base}/ack/x`)
    expect(answer.status).toBe(503)
    expect(await answer.text()).toMatch(/<meta http-equiv="refresh" content="5">[^]*The server is starting\. Nothing was acknowledged\./)
  })

  it('says what a bad form lacks', async () => {
    const s = await site()
    await fire(s)
    const url = s.base + new URL(s.world.lifecycle.ackUrl(s.world.dispatch.alerts.keys().next().value!)).pathname
    expect(await page(url, form({ repage_after: 'soon' }))).toMatchObject({ status: 400, text: expect.stringContaining('want a duration such as 4h') as string })
  })
})
