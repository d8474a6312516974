// An alert's life as people see it: it fires, the message's address opens a page, it is acknowledged in a browser, a silence
// is made with its live count, and rules show what they evaluate. Kill -9 in between loses none of it.
import { describe, expect, it } from 'vitest'
import { startAlertSite } from '../support/alert-site.ts'
import { hasBrowser, inBrowser, launchBrowser, openPage } from '../support/browser.ts'
import { waitFor, type MonitorProcess } from '../support/monitor-process.ts'

async function statuses(monitor: MonitorProcess): Promise<Record<string, string>> {
  const { data } = await (await fetch(`${monitor.base}/api/alerts`)).json() as { data: { rule_name: string; status: string }[] }
  return Object.fromEntries(data.map(({ rule_name: name, status }) => [name, status]))
}

describe('the life of an alert', () => {
  it('is acknowledged by the address in the message, survives kill -9, and is told once', async () => {
    const { monitor, got, again } = await startAlertSite()
    const disk = got.find(({ alerts }) => alerts[0]!.labels['alertname'] === 'DiskFull')!
    const { data } = await (await fetch(`${monitor.base}/api/alerts?name=DiskFull`)).json() as { data: unknown[] }
    expect(data).toMatchObject([{ status: 'open', metric_value: 97.5, server_id: 'db1', next_step: { receiver: 'ops-sms' } }])
    expect(disk.receiver).toBe('team')
    const link = new URL(new URL(disk.alerts[0]!.ackURL!).pathname, monitor.base)
    expect(await (await fetch(link)).text()).toContain('Take this alert?')
    expect(await statuses(monitor)).toEqual({ DiskFull: 'open', CpuHigh: 'open' })
    expect(await (await fetch(link, { method: 'POST', body: new URLSearchParams({ by: 'ana', repage_after: '4h' }) })).text()).toContain('By ana,')
    await monitor.kill9()
    const later = await again()
    expect(await statuses(later)).toEqual({ DiskFull: 'acknowledged', CpuHigh: 'open' })
    await waitFor('the rules to go on', async () => (await later.value('count(ALERTS{alertstate="firing"})')) === 2, 30_000)
    // Some flushes of the group, each of which might tell it again.
    await waitFor('some evaluations', async () => (await later.value('sum(prometheus_rule_group_iterations_total)')) > 5, 30_000)
    expect(await statuses(later)).toEqual({ DiskFull: 'acknowledged', CpuHigh: 'open' })
    expect(got.filter(({ alerts }) => alerts[0]!.labels['alertname'] === 'DiskFull')).toHaveLength(1)
  }, 120_000)

  it('that is pending goes on under its id after kill -9', async () => {
    const { monitor, again } = await startAlertSite()
    const pending = async ({ base }: MonitorProcess): Promise<{ alert_id: string; rule_name: string; pending_at: string }[]> => (await (await fetch(`${base}/api/alerts?status=pending`)).json() as { data: [] }).data
    await waitFor('its record', async () => (await pending(monitor)).length > 0, 30_000)
    const before = await pending(monitor)
    expect(before).toMatchObject([{ rule_name: 'Slow', status: 'pending', triggered_at: null }])
    await monitor.kill9()
    const later = await again()
    await waitFor('the rules to go on', async () => (await later.value('sum(prometheus_rule_group_iterations_total)')) > 5, 30_000)
    expect(await pending(later)).toEqual(before)
  }, 120_000)

  it.skipIf(!hasBrowser)(inBrowser('is seen, acknowledged and silenced on its page'), async () => {
    const { monitor } = await startAlertSite()
    const { page, problems } = await openPage(await launchBrowser(), `${monitor.base}/alerts`)
    const table = page.getByRole('table', { name: 'Alerts' })
    await table.getByText('DiskFull').waitFor()
    await page.getByText('2 ways to tell people').click()
    expect(await page.getByRole('table', { name: 'Receivers' }).locator('tbody tr').first().textContent()).toMatch(/^team\/webhook\/0100 %[23]0/)
    expect(await table.textContent()).toMatch(/pages ops-sms in \d+ min unless acknowledged/)
    await table.getByRole('button', { name: 'DiskFull' }).click()
    await page.getByRole('list', { name: 'History' }).getByText('Told').waitFor()
    expect(await table.locator('tr', { hasText: 'DiskFull' }).locator('.labels').textContent(), 'as it is copied').toBe('instance="db1" mount="/var"')
    await page.setViewportSize({ width: 390, height: 844 })
    const beyond = await page.locator('main *').evaluateAll((all) => all.filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML.slice(0, 80)))
    expect(beyond, 'what a phone does not show').toEqual([])
    await page.setViewportSize({ width: 1280, height: 800 })
    await page.getByRole('button', { name: 'Acknowledge', exact: true }).click()
    await page.getByLabel('Your name').fill('ana')
    await page.locator('form').getByRole('button', { name: 'Acknowledge' }).click()
    await page.getByRole('button', { name: /^Acknowledged\s*1/ }).click()
    await page.getByText('Acknowledged by ana;').waitFor()
    await page.getByRole('button', { name: /^Firing/ }).click()
    await page.getByRole('table', { name: 'Alerts' }).getByRole('button', { name: 'CpuHigh' }).click()
    await page.getByRole('button', { name: 'Silence alerts like this' }).click()
    await page.getByText('Matches 1 alert that fires now').waitFor()
    for (const name of ['alertname', 'instance']) await page.locator('.choice', { hasText: `${name}=` }).getByRole('checkbox').uncheck()
    await page.getByText('Matches 1 alert that fires now').waitFor()
    await page.locator('form').getByRole('button', { name: 'Silence' }).click()
    await page.getByText('Say why, for those who wonder').waitFor()
    await page.getByLabel('Why').fill('deploy')
    // Pressed twice it is one silence.
    await page.locator('form.silence-form').evaluate((form: HTMLFormElement) => [form, form].forEach((one) => one.requestSubmit()))
    await page.getByRole('button', { name: /^Silences\s*1/ }).click()
    await page.getByRole('table', { name: 'Silences' }).getByText('severity="warning"').waitFor()
    await page.getByRole('button', { name: 'End it now' }).click()
    await page.getByText('No silence is active or planned.').waitFor()
    await page.getByRole('button', { name: 'New silence' }).click()
    const typed = page.getByRole('textbox', { name: 'Alerts that have' })
    for (const [text, says] of [['severity=~"warn.*", instance!=x', 'Matches 1 alert that fires now'], ['severity', 'Cannot read severity: want label="value"'], ['severity=~"warning|critical"', 'Matches 2 alerts that fire now']] as const) {
      await typed.fill(text)
      await page.locator('form').getByText(says).first().waitFor()
    }
    await page.getByLabel('Why').fill('work on the power')
    await page.getByLabel('Why').press('Enter')
    await page.getByRole('table', { name: 'Silences' }).getByText('severity=~"warning|critical"').waitFor()
    await page.getByRole('button', { name: /^Pending\s*1/ }).click()
    await page.getByRole('table', { name: 'Pending alerts' }).getByText('Slow').waitFor()
    expect(problems).toEqual([])
  }, 120_000)

  it.skipIf(!hasBrowser)(inBrowser('that ended before it fired is seen beside those that wait, with its history'), async () => {
    const blips = `      - { alert: Blip, expr: 'vector(time()) % 6 < 3', for: 1h, labels: { severity: warning, instance: web9 } }\n`
    const { monitor } = await startAlertSite({ moreRules: blips })
    const expired = async (): Promise<unknown[]> => (await (await fetch(`${monitor.base}/api/alerts?status=expired&name=Blip`)).json() as { data: unknown[] }).data
    await waitFor('a blip to end', async () => (await expired()).length > 0, 30_000)
    const { page, problems } = await openPage(await launchBrowser(), `${monitor.base}/alerts?view=pending`)
    const ended = page.getByRole('table', { name: 'Alerts' })
    await page.getByRole('heading', { name: 'Ended without firing' }).waitFor()
    await ended.getByText(/^was pending for [\d.]+ s/).first().waitFor()
    await page.goto(`${monitor.base}/alerts?view=pending&receiver=ops-sms`)
    await page.getByText('None passes the filter.').nth(1).waitFor()
    await page.goto(`${monitor.base}/alerts?view=pending&filter=severity=info`)
    await page.getByRole('table', { name: 'Pending alerts' }).getByText('Slow').waitFor()
    await page.getByText('None passes the filter.').waitFor()
    await page.getByRole('button', { name: 'No longer only severity=info' }).click()
    await ended.getByRole('button', { name: 'Blip' }).last().click()
    const history = page.getByRole('list', { name: 'History' })
    await history.getByText('Ended without firing').waitFor()
    expect(await history.locator('.event-kind').allTextContents()).toEqual(['Pending', 'Ended without firing'])
    expect((await history.boundingBox())!.width, 'as wide as there is room').toBeGreaterThan(900)
    expect(await page.locator('.alert-details').getByRole('button').count()).toBe(0)
    expect(problems).toEqual([])
  }, 120_000)

  it.skipIf(!hasBrowser)(inBrowser('has rules with their health, timing and PromQL on a page'), async () => {
    const { monitor } = await startAlertSite()
    const { page, problems } = await openPage(await launchBrowser(), `${monitor.base}/rules`)
    const rows = page.getByRole('table', { name: 'Rules of machines' })
    await rows.getByText('DiskFull').waitFor()
    expect(await rows.locator('tr', { hasText: 'DiskFull' }).textContent()).toMatch(/^FiringDiskFull.*1 alert.*vector\(97\.5\)/)
    expect(await rows.locator('tr', { hasText: 'Slow' }).textContent()).toContain('for 1h')
    expect(await rows.locator('tr', { hasText: 'broken:rule' }).textContent()).toMatch(/^Failing/)
    await page.getByRole('button', { name: /^Failing/ }).click()
    expect(await rows.locator('tbody tr').count()).toBe(1)
    expect(problems).toEqual([])
  }, 120_000)
})
