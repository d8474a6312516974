// Many alerts on their page: which of them an address asks for, acknowledging several, pages of those that have ended, and the
// reader's own time on the page behind the address in a message.
import { describe, expect, it } from 'vitest'
import { startAlertSite } from '../support/alert-site.ts'
import { hasBrowser, inBrowser, launchBrowser, openPage } from '../support/browser.ts'
import { waitFor } from '../support/monitor-process.ts'

const many = (count: number): string => Array.from({ length: count }, (_, i) => `      - { alert: Many${i}, expr: 'vector(1)', labels: { severity: warning, shop: '${i % 2}' } }\n`).join('')

describe.skipIf(!hasBrowser)('many alerts', () => {
  it(inBrowser('are limited as addresses of messages and of Alertmanager ask, and acknowledged together'), async () => {
    const { monitor } = await startAlertSite({ moreRules: many(6) })
    const current = async (query: string): Promise<number> => (await (await fetch(`${monitor.base}/api/alerts/current?limit=0&${query}`)).json() as { total: number }).total
    await waitFor('all to fire', async () => (await current('')) === 8, 30_000)
    const browser = await launchBrowser()
    const { page, problems } = await openPage(browser, `${monitor.base}/alerts?receiver=ops-sms`)
    await page.getByText('None of 8 passes the filter.').waitFor()
    await page.getByRole('button', { name: 'No longer only receiver ops-sms' }).click()
    await page.getByRole('table', { name: 'Alerts' }).getByText('DiskFull').waitFor()
    await page.goto(`${monitor.base}/alertmanager/#/alerts?receiver=team&filter=%7Bshop%3D%220%22%7D`)
    await page.getByText('receiver team').waitFor()
    const rows = page.getByRole('table', { name: 'Alerts' }).locator('tbody tr')
    await waitFor('the matchers to hold', async () => (await rows.count()) === 3)
    expect(new URL(page.url()).search).toBe('?receiver=team&filter=%7Bshop%3D%220%22%7D')
    await page.getByLabel('Choose Many2').check()
    await page.getByRole('button', { name: 'Acknowledge 1' }).click()
    await page.getByLabel('Your name').fill('ana')
    await page.locator('form').getByRole('button', { name: 'Acknowledge' }).click()
    await page.getByText('1 alert acknowledged').waitFor()
    await page.getByRole('button', { name: 'Acknowledge all 2 that pass' }).click()
    await page.locator('form').getByRole('button', { name: 'Acknowledge' }).click()
    await page.getByText('None of 5 passes the filter.').waitFor()
    expect(await current('status=acknowledged')).toBe(3)
    await page.goto(`${monitor.base}/alerts`)
    await page.getByLabel('Choose all shown').check()
    await page.getByRole('button', { name: 'Acknowledge 5' }).click()
    await page.locator('form').getByRole('button', { name: 'Acknowledge' }).click()
    await page.getByText('Nothing fires that nobody has taken.').waitFor()
    expect(problems).toEqual([])
  }, 120_000)

  it(inBrowser('that have ended are shown page by page'), async () => {
    const { monitor } = await startAlertSite()
    const ended = Array.from({ length: 450 }, (_, i) => ({ labels: { alertname: 'Old', n: String(i) } }))
    const send = async (endsAt: string): Promise<void> => {
      const { ok } = await fetch(`${monitor.base}/alertmanager/api/v2/alerts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(ended.map((alert) => ({ ...alert, endsAt }))) })
      expect(ok).toBe(true)
    }
    await send(new Date(Date.now() + 600_000).toISOString())
    await waitFor('all to be known', async () => (await (await fetch(`${monitor.base}/api/alerts/current?limit=0&search=old`)).json() as { total: number }).total === 450, 30_000)
    await send(new Date().toISOString())
    await waitFor('all to have ended', async () => (await (await fetch(`${monitor.base}/api/alerts/current?limit=0&search=old`)).json() as { total: number }).total === 0, 30_000)
    const { page, problems } = await openPage(await launchBrowser(), `${monitor.base}/alerts?view=resolved`)
    const rows = page.getByRole('table', { name: 'Alerts' }).locator('tbody tr')
    const seen = new Set<string>()
    const look = async (text: string, count: number): Promise<void> => {
      await page.getByText(text).waitFor()
      expect(await rows.count()).toBe(count)
      for (const label of await rows.locator('.labels').allTextContents()) seen.add(label)
    }
    await look('Page 1, 200 alerts.', 200)
    // While the next page is on its way, what is told is of the one shown, and the impatient turn but one.
    const answer = Promise.withResolvers<void>()
    await page.route(/\/api\/alerts\?.*after=/, async (route) => { await answer.promise; await route.continue() })
    await page.getByRole('button', { name: 'Older' }).click()
    await page.getByRole('button', { name: 'Older' }).click()
    expect(await page.getByText('Page 1, 200 alerts.').isVisible()).toBe(true)
    answer.resolve()
    await look('Page 2, 200 alerts.', 200)
    await page.getByRole('button', { name: 'Older' }).click()
    await look('Page 3, 50 alerts.', 50)
    expect(seen.size).toBe(450)
    expect(await page.getByRole('button', { name: 'Older' }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Newer' }).click()
    await page.getByText('Page 2, 200 alerts.').waitFor()
    expect(problems).toEqual([])
  }, 120_000)

  it(inBrowser('that have ended are found by a search and by what an address asks for, and are not looked for anew at each beat'), async () => {
    const { monitor } = await startAlertSite()
    const send = async (endsAt: string): Promise<void> => {
      const alerts = Array.from({ length: 6 }, (_, i) => ({ labels: { alertname: 'Old', shop: String(i % 2), n: `web${i}` }, annotations: { summary: i === 3 ? 'disk of db' : 'load' }, endsAt }))
      expect((await fetch(`${monitor.base}/alertmanager/api/v2/alerts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(alerts) })).ok).toBe(true)
    }
    const count = async (path: string): Promise<number> => (await (await fetch(`${monitor.base}${path}`)).json() as { data: unknown[] }).data.length
    await send(new Date(Date.now() + 600_000).toISOString())
    await waitFor('all to be known', async () => (await count('/api/alerts/current?search=old')) === 6, 30_000)
    await send(new Date().toISOString())
    await waitFor('all to have ended', async () => (await count('/api/alerts?status=resolved&search=old')) === 6, 30_000)
    const { page, problems } = await openPage(await launchBrowser(), `${monitor.base}/alerts?view=resolved&filter=shop%3D1`)
    await page.evaluate(() => localStorage.setItem('monitor.interval', '1000'))
    await page.reload()
    const rows = page.getByRole('table', { name: 'Alerts' }).locator('tbody tr.alert')
    const shown = (wanted: number): Promise<true> => waitFor(`${wanted} rows`, async () => (await rows.count()) === wanted)
    await shown(3)
    await page.getByLabel('Filter alerts').fill('disk db')
    await shown(1)
    expect(await rows.textContent()).toContain('n="web3"')
    await page.getByRole('button', { name: 'No longer only shop=1' }).click()
    await page.getByLabel('Filter alerts').fill('nowhere')
    await page.getByText('None passes the filter.').waitFor()
    await page.getByLabel('Filter alerts').fill('load')
    await shown(5)
    expect(new URL(page.url()).search).toBe('?view=resolved&search=load')
    // A search that takes the server long.
    const asked = { search: 0, beats: 0 }
    await page.route(/\/api\/alerts\?.*search=slow/, async (route) => {
      asked.search++
      await new Promise((resolve) => setTimeout(resolve, 3000))
      await route.continue()
    })
    await page.getByLabel('Filter alerts').fill('slow')
    await page.getByText('None passes the filter.').waitFor()
    await page.route(/\/api\/alerts\/current\?.*status=open/, async (route) => {
      asked.beats++
      await route.continue()
    })
    await waitFor('some beats', () => Promise.resolve(asked.beats >= 3), 60_000)
    expect(asked.search).toBe(1)
    await page.getByRole('button', { name: 'Refresh', exact: true }).click()
    await waitFor('the search who asks for it', () => Promise.resolve(asked.search === 2))
    expect(problems).toEqual([])
  }, 120_000)

  it(inBrowser('the page behind the address in a message shows the time where the reader is, and its button on any phone'), async () => {
    const { monitor, got } = await startAlertSite()
    const context = await (await launchBrowser()).newContext({ timezoneId: 'Asia/Kolkata', locale: 'en-GB', viewport: { width: 390, height: 360 } })
    const page = await context.newPage()
    await page.goto(`${monitor.base}${new URL(got[0]!.alerts[0]!.ackURL!).pathname}`)
    const text = (await page.locator('tr', { hasText: 'Since' }).textContent())!
    const [, utc, local] = /^Since([\d-]{10} [\d:]{8}) UTC \(([^)]*)\), /.exec(text)!
    const there = new Date(Date.parse(`${utc!.replace(' ', 'T')}Z`) + 5.5 * 3_600_000).toISOString()
    expect(local).toBe(`${there.slice(8, 10)}/${there.slice(5, 7)}/${there.slice(0, 4)}, ${there.slice(11, 16)} GMT+5:30`)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    const button = (await page.getByRole('button', { name: 'Acknowledge' }).boundingBox())!
    expect(button.y + button.height, 'the button is in sight').toBeLessThan(360)
    const plain = await (await launchBrowser()).newContext({ javaScriptEnabled: false })
    const bare = await plain.newPage()
    await bare.goto(page.url())
    expect(await bare.locator('tr', { hasText: 'Since' }).textContent()).toMatch(/ UTC, /)
    await bare.getByRole('button', { name: 'Acknowledge' }).click()
    await bare.getByRole('heading', { name: 'Acknowledged' }).waitFor()
  }, 120_000)
})
