// The page of alerts where things are not as at home: behind a proxy that takes a path away and asks for another host, in a
// browser whose clock is an hour off, over a server that is killed meanwhile, and with texts that want to be more than text.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startAlertSite } from '../support/alert-site.ts'
import { hasBrowser, inBrowser, launchBrowser, openPage } from '../support/browser.ts'
import { freePort, waitFor } from '../support/monitor-process.ts'

/** Serves what is below /ops/ from a server's root, as `location /ops/ { proxy_pass http://…/; }` of nginx does. */
async function startProxy(port: number, target: () => number): Promise<string> {
  const server = http.createServer((request, response) => {
    const url = request.url ?? '/'
    if (!url.startsWith('/ops/')) return void response.writeHead(404).end()
    const upstream = http.request({ port: target(), path: url.slice('/ops'.length), method: request.method ?? 'GET', headers: { ...request.headers, host: 'backend.internal' } }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    upstream.on('error', () => response.writeHead(502).end())
    request.pipe(upstream)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/ops/`
}

describe('the page of alerts', () => {
  it.skipIf(!hasBrowser)(inBrowser('works behind a proxy with a path, by a clock that is wrong, and over a restart'), async () => {
    const port = await freePort()
    let target = 0
    const base = await startProxy(port, () => target)
    const { monitor, got, again } = await startAlertSite({ flags: [`--web.external-url=${base}`, '--web.route-prefix=/'] })
    target = monitor.port
    const disk = got.find(({ alerts }) => alerts[0]!.labels['alertname'] === 'DiskFull')!.alerts[0]!
    expect(disk.ackURL).toMatch(new RegExp(`^${base}ack/`))
    const browser = await launchBrowser()
    const { page: ack, problems: ackProblems } = await openPage(browser, disk.ackURL!)
    await ack.getByLabel('Your name').fill('ana')
    await ack.getByRole('button', { name: 'Acknowledge' }).click()
    await ack.getByText('By ana,').waitFor()
    await ack.getByRole('link', { name: 'All alerts' }).click()
    await ack.waitForURL(`${base}alerts`)
    expect(ackProblems).toEqual([])

    const context = await browser.newContext()
    await context.addInitScript(() => {
      const real = Date.now.bind(Date)
      Date.now = () => real() + 3_600_000
      localStorage.setItem('monitor.interval', '1000')
    })
    const page = await context.newPage()
    await page.goto(base)
    await page.getByRole('link', { name: 'Alerts' }).click()
    await page.waitForURL(`${base}alerts`)
    const row = page.getByRole('row', { name: /CpuHigh/ })
    expect(await row.locator('.col-since').textContent()).toMatch(/^\d+(\.\d)? s$|^\d min$/)
    await page.getByRole('button', { name: 'CpuHigh' }).click()
    expect(await page.getByRole('link', { name: 'Graph' }).getAttribute('href')).toMatch(/^\/ops\/graph\?/)
    await page.getByRole('button', { name: 'Silence alerts like this' }).click()
    await page.getByLabel('Why').fill('deploy')
    await page.locator('form').getByRole('button', { name: 'Silence' }).click()
    const silences = await waitFor('the silence', async () => {
      const found = await (await fetch(`${monitor.base}/alertmanager/api/v2/silences`)).json() as { endsAt: string; status: { state: string } }[]
      return found.length > 0 && found
    })
    const endsInMs = Date.parse(silences[0]!.endsAt) - Date.now()
    expect([silences[0]!.status.state, Math.abs(endsInMs - 2 * 3_600_000) < 60_000]).toEqual(['active', true])

    await monitor.kill9()
    await page.getByText('The list below is from before.').waitFor()
    target = (await again()).port
    await page.getByText('The list below is from before.').waitFor({ state: 'hidden' })
    await page.getByRole('button', { name: /^Acknowledged\s*1/ }).click()
    await page.getByText('Acknowledged by ana;').waitFor()
  }, 150_000)

  it.skipIf(!hasBrowser)(inBrowser('shows texts as text, however they are written, and keeps its shape'), async () => {
    const moreRules = `      - { alert: '<img src=x onerror=alert(1)>', expr: 'vector(1)', labels: { severity: '"><script>alert(2)</script>', path: '${'v'.repeat(2000)}' }, annotations: { summary: '<b>x</b> ${'word '.repeat(2000)}', link: 'javascript:alert(3)' } }
      - { alert: Rtl, expr: 'vector(1)', labels: { instance: "\\u202Etxt.exe שלום" }, annotations: { summary: "השרת נפל\\r\\nשוב" } }
`
    const { monitor } = await startAlertSite({ moreRules })
    const base = `${monitor.base}/alertmanager/api/v2/silences`
    const silence = (comment: string): RequestInit => ({
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ matchers: [{ name: 'a', value: '<i>b</i>', isRegex: false }], startsAt: new Date().toISOString(), endsAt: new Date(Date.now() + 3_600_000).toISOString(), createdBy: '<u>c</u>', comment }),
    })
    expect((await fetch(base, silence('x'.repeat(1 << 20)))).status).toBe(400)
    expect((await fetch(base, silence(`<script>alert(4)</script>\r\n${'y'.repeat(60_000)}`))).status).toBe(200)
    const browser = await launchBrowser()
    for (const width of [1280, 390]) {
      const { page, problems } = await openPage(browser, `${monitor.base}/alerts`, { viewport: { width, height: 800 } })
      page.on('dialog', (dialog) => problems.push(dialog.message()))
      const wild = page.getByRole('button', { name: '<img src=x onerror=alert(1)>' })
      await waitFor('all four', async () => (await page.locator('.alert-name').count()) === 4, 30_000)
      const heights = await page.locator('tr.alert').evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect().height))
      expect(Math.max(...heights), `${width}`).toBeLessThan(width === 390 ? 330 : 190)
      await wild.click()
      await page.getByText('javascript:alert(3)').waitFor()
      expect(await page.locator('a[href^="javascript"]').count()).toBe(0)
      await page.getByRole('button', { name: /^Silences/ }).click()
      await page.getByText('a="<i>b</i>"').waitFor()
      for (const path of ['rules', 'alerts?view=silences']) {
        await page.goto(`${monitor.base}/${path}`)
        await page.locator('table.data:visible').first().waitFor()
        expect(await page.evaluate(() => [document.documentElement.scrollWidth - innerWidth, document.querySelector('main')!.scrollWidth - document.querySelector('main')!.clientWidth]), `${path} ${width}`).toEqual([0, 0])
      }
      expect(await page.locator('main img, main script, main b, main i, main u').count()).toBe(0)
      expect(problems).toEqual([])
    }
  }, 120_000)
})
