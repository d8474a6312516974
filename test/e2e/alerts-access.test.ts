// The pages of alerts for those who do not see them, or use no mouse: axe-core's rules in both themes and widths, the keyboard
// alone from a list to an acknowledgement, and what is told of an alert that comes.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { startAlertSite } from '../support/alert-site.ts'
import { hasBrowser, inBrowser, launchBrowser, openPage } from '../support/browser.ts'

/** Given to the page as the debugger's text, which its policy does not bar. */
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation { id: string; nodes: { html: string; failureSummary: string }[] }

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  const found = await page.evaluate('axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations)') as Violation[]
  return found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`))
}

/** The focused element in words: its role or tag, and its text. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const at = document.activeElement
    if (at === null || at === document.body) return 'nothing'
    return `${at.tagName.toLowerCase()} ${at.getAttribute('aria-label') ?? (at instanceof HTMLElement ? at.innerText.trim() : '')}`.trim()
  })
}

/** Presses a key until the focus is on what matches. */
async function pressTo(page: Page, key: string, want: RegExp): Promise<void> {
  const seen: string[] = []
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press(key)
    seen.push(await focused(page))
    if (want.test(seen.at(-1)!)) return
  }
  throw new Error(`${String(want)} is not reached: ${seen.join(' | ')}`)
}

describe('the pages of alerts', () => {
  it.skipIf(!hasBrowser)(inBrowser('break none of axe-core\'s rules, in either theme, wide or narrow'), async () => {
    const { monitor, got } = await startAlertSite()
    const browser = await launchBrowser()
    const ack = new URL(got[0]!.alerts[0]!.ackURL!).pathname
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [1280, 390]) {
        const { page } = await openPage(browser, `${monitor.base}/alerts`, { colorScheme, viewport: { width, height: 800 } })
        const place = `${colorScheme} ${width}`
        await page.getByRole('button', { name: 'DiskFull' }).click()
        await page.getByRole('list', { name: 'History' }).getByText('Told').first().waitFor()
        expect(await violations(page), place).toEqual([])
        await page.getByRole('button', { name: 'Silence alerts like this' }).click()
        await page.getByText('Matches 1 alert that fires now').waitFor()
        expect(await violations(page), `${place} silence`).toEqual([])
        await page.keyboard.press('Escape')
        for (const view of ['Pending', 'Silences']) {
          await page.getByRole('button', { name: new RegExp(`^${view}`) }).click()
          expect(await violations(page), `${place} ${view}`).toEqual([])
        }
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), `${place} overflow`).toBeLessThanOrEqual(0)
        await page.goto(`${monitor.base}/rules`)
        await page.getByText('broken:rule').waitFor()
        expect(await violations(page), `${place} rules`).toEqual([])
        await page.goto(monitor.base + ack)
        expect(await violations(page), `${place} ack`).toEqual([])
        await page.context().close()
      }
    }
  }, 180_000)

  it.skipIf(!hasBrowser)(inBrowser('are used with the keyboard alone, the focus seen and never lost'), async () => {
    const { monitor } = await startAlertSite()
    const { page, problems } = await openPage(await launchBrowser(), `${monitor.base}/alerts`)
    await page.getByRole('button', { name: 'DiskFull' }).waitFor()
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('a Skip to content')
    await page.keyboard.press('Enter')
    expect(await focused(page)).toContain('main')
    await pressTo(page, 'Tab', /^button DiskFull$/)
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle + getComputedStyle(document.activeElement!).outlineWidth)
    expect(outline).toBe('solid2px')
    await page.keyboard.press('Enter')
    await page.getByRole('list', { name: 'History' }).waitFor()
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('button Acknowledge')
    await page.keyboard.press('Enter')
    await expect.poll(() => focused(page)).toBe('input')
    // The card keeps the focus, both ways round, and gives it back.
    await pressTo(page, 'Shift+Tab', /^button Acknowledge$/)
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('input')
    await page.keyboard.press('Escape')
    await expect.poll(async () => [await focused(page), await page.getByLabel('Your name').count()]).toEqual(['button Acknowledge', 0])
    await page.keyboard.press('Enter')
    await expect.poll(() => focused(page)).toBe('input')
    await page.keyboard.type('ana')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Give it back' }).waitFor()
    await expect.poll(() => focused(page)).toBe('button Give it back')
    expect(problems).toEqual([])
  }, 120_000)

  it.skipIf(!hasBrowser)(inBrowser('tell of an alert that comes'), async () => {
    const { monitor } = await startAlertSite()
    const { page } = await openPage(await launchBrowser(), `${monitor.base}/alerts`)
    await page.getByRole('button', { name: 'DiskFull' }).waitFor()
    const status = page.locator('main > [role=status]').first()
    expect(await status.textContent()).toBe('')
    const posted = await fetch(`${monitor.base}/alertmanager/api/v2/alerts`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify([{ labels: { alertname: 'Fire', severity: 'page' } }]),
    })
    expect(posted.status).toBe(200)
    await page.getByRole('button', { name: 'Refresh', exact: true }).click()
    await page.getByText('1 new alert: page Fire').waitFor({ state: 'attached' })
    expect(await page.locator('.alert-name').first().textContent()).toBe('Fire')
  }, 120_000)
})
