// The pages in a real browser: type a query, see a line move, find no console error.
import { describe, expect, it, onTestFinished } from 'vitest'
import { buildPages, hasBrowser, inBrowser, launchBrowser, openPage } from '../support/browser.ts'
import { MonitorProcess, freePort, waitFor } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'

async function startMonitor(): Promise<MonitorProcess> {
  buildPages()
  const port = await freePort()
  const monitor = await MonitorProcess.start(tempFolder(), {
    port,
    config: `global: { scrape_interval: 500ms, scrape_timeout: 500ms }
scrape_configs:
  - job_name: self
    static_configs: [{ targets: ['127.0.0.1:${port}'] }, { targets: ['127.0.0.1:1'], labels: { dead: 'yes' } }]
`,
  })
  onTestFinished(() => monitor.kill9())
  await waitFor('some scrapes', async () => (await monitor.value('max(count_over_time(up[1m]))')) >= 4)
  return monitor
}

describe('pages', () => {
  it.skipIf(!hasBrowser)(inBrowser('draw a typed query and move with new samples'), async () => {
    const monitor = await startMonitor()
    const { page, problems } = await openPage(await launchBrowser(), `${monitor.base}/query`)
    const field = page.getByLabel('Expression').first()
    await field.click()
    await page.keyboard.type('prometheus_tsdb_head_samples_appended_total')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Enter')
    await page.getByRole('tab', { name: 'Graph' }).first().click()
    const chart = page.getByTestId('chart').first()
    await chart.locator('canvas').first().waitFor()
    const picture = async (): Promise<string> => (await chart.screenshot()).toString('base64')
    const before = await picture()
    await waitFor('the line to move', async () => (await picture()) !== before, 30_000)
    expect(page.url()).toContain('g0.expr=prometheus_tsdb_head_samples_appended_total')
    expect(problems).toEqual([])
  }, 120_000)

  it.skipIf(!hasBrowser)(inBrowser('show an error under its token and a table of results'), async () => {
    const monitor = await startMonitor()
    const { page, problems } = await openPage(await launchBrowser(), `${monitor.base}/query?g0.expr=${encodeURIComponent('sum(up{')}&g0.tab=table`)
    await page.getByTestId('query-error').first().waitFor()
    expect(await page.getByTestId('query-error').first().textContent()).toContain('parse error')
    await page.goto(`${monitor.base}/query?g0.expr=up&g0.tab=table`)
    await page.getByRole('table', { name: 'Result' }).first().waitFor()
    expect(await page.getByRole('table', { name: 'Result' }).first().textContent()).toContain('dead')
    // The refused query is a 400, which the browser notes on its console; nothing else may be there.
    expect(problems.filter((text) => !text.includes('400'))).toEqual([])
  }, 120_000)

  it.skipIf(!hasBrowser)(inBrowser('list targets with state and last error'), async () => {
    const monitor = await startMonitor()
    const { page, problems } = await openPage(await launchBrowser(), `${monitor.base}/targets`)
    await page.locator('tr.target').nth(1).waitFor()
    const text = (await page.getByRole('table', { name: 'Targets' }).first().textContent()) ?? ''
    expect(text).toContain('127.0.0.1:1')
    expect(text.toLowerCase()).toMatch(/refused/)
    expect(problems).toEqual([])
  }, 120_000)
})
