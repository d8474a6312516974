// The page of rules with many of them: all are there, and what is out of sight is not drawn anew on each beat.
import fs from 'node:fs'
import { expect, it } from 'vitest'
import { startAlertSite } from '../support/alert-site.ts'
import { hasBrowser, inBrowser, launchBrowser, openPage } from '../support/browser.ts'
import { waitFor } from '../support/monitor-process.ts'

const many = (count: number): string => Array.from({ length: count }, (_, i) => `      - { alert: Many${i}, expr: 'vector(${i}) > 1e9', labels: { shop: '${i % 2}' } }\n`).join('')

it.skipIf(!hasBrowser)(inBrowser('draws rules near what is seen on each beat, the others when they come into sight'), async () => {
  const { monitor } = await startAlertSite({ moreRules: many(300) })
  const { page, problems } = await openPage(await launchBrowser(), `${monitor.base}/rules`)
  const rows = page.locator('tr.rule')
  await waitFor('200 rules to be drawn', async () => (await rows.count()) === 200)
  await page.getByRole('button', { name: 'Show 200 more' }).click()
  await waitFor('all rules to be drawn', async () => (await rows.count()) === 305)
  // Kept on the body: the numbers of the blocks whose rows were changed.
  await page.evaluate(() => {
    for (const [i, block] of document.querySelectorAll('.rules tbody').entries()) {
      new MutationObserver(() => (document.body.dataset['changed'] += `${i} `)).observe(block, { subtree: true, childList: true, characterData: true })
    }
  })
  const forget = (): Promise<string> => page.evaluate(() => (document.body.dataset['changed'] = ' '))
  const changed = async (): Promise<number[]> => (await page.evaluate(() => document.body.dataset['changed']!)).split(' ').filter((text) => text !== '').map(Number)
  await forget()
  await rows.first().scrollIntoViewIfNeeded()
  await waitFor('what came into sight', async () => (await changed()).includes(0))
  await forget()
  await waitFor('a beat', async () => (await changed()).includes(0), 30_000)
  expect(Math.max(...await changed())).toBeLessThan(8)
  await rows.last().scrollIntoViewIfNeeded()
  await waitFor('what came into sight', async () => (await changed()).includes(15))
  await page.getByLabel('Filter rules').fill('many7')
  await waitFor('the filter', async () => (await rows.count()) === 11)
  expect(problems).toEqual([])
}, 120_000)

it.skipIf(!hasBrowser)(inBrowser('leads to the alerts and the query of a rule, whatever those pages were left in; tells what the server tells of itself'), async () => {
  const { monitor, folder } = await startAlertSite()
  const { page, problems } = await openPage(await launchBrowser(), `${monitor.base}/query?g0.expr=up&g0.tab=table`)
  await page.getByRole('link', { name: 'Alerts' }).click()
  await page.getByLabel('Filter alerts').fill('cpu')
  await page.getByRole('link', { name: 'Rules' }).click()
  const rule = page.locator('tr.rule', { hasText: 'DiskFull' })
  await rule.getByRole('link', { name: '1 alert' }).click()
  await page.getByRole('list', { name: 'History' }).waitFor()
  expect(await page.getByLabel('Filter alerts').inputValue()).toBe('alertname="DiskFull"')
  await page.getByRole('button', { name: /^Pending/ }).click()
  const link = await page.getByRole('link', { name: 'What was pending in the last day' }).getAttribute('href')
  expect(new URL(link!, monitor.base).searchParams.get('g0.expr')).toBe('ALERTS{alertstate="pending"}')
  await page.goBack()
  await rule.getByRole('link', { name: 'vector(97.5)' }).click()
  await page.waitForURL((url) => url.pathname === '/query')
  expect(new URL(page.url()).searchParams.get('g0.expr')).toBe('vector(97.5)')
  // A browser that is a day ahead.
  await page.addInitScript('const now = Date.now; Date.now = () => now() + 86_400_000')
  await page.goto(`${monitor.base}/rules`)
  expect(await rule.locator('.col-age').textContent()).toMatch(/^(\d+ ms|\d(\.\d+)? s) ago$/)
  const file = `${folder}/monitor.yml`
  const config = fs.readFileSync(file, 'utf8')
  const notice = page.getByRole('status', { name: 'Server notices' }).getByText('Configuration reload has failed.')
  fs.writeFileSync(file, 'nonsense: {}')
  monitor.child.kill('SIGHUP')
  await notice.waitFor()
  fs.writeFileSync(file, config)
  monitor.child.kill('SIGHUP')
  await notice.waitFor({ state: 'detached' })
  expect(problems).toEqual([])
}, 120_000)
