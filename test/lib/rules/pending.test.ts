// What the rules tell of alerts that wait for `for`, for the history of those that never fire.
import { describe, expect, it } from 'vitest'
import type { RuleGroupConfig } from '../../../lib/config/rule-config.ts'
import type { PendingAlert } from '../../../lib/model/alert.ts'
import { getLabel } from '../../../lib/model/labels.ts'
import type { Alert } from '../../../lib/rules/alerting-rule.ts'
import { PendingNotes } from '../../../lib/rules/pending-notes.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'
import { alertRule, ruleGroup, RulesFixture, START_MS } from '../../support/rules-fixture.ts'

const MINUTE = 60_000
const SLOW = alertRule('Slow', 'x == 1', { forMs: 5 * MINUTE, annotations: new Map([['summary', 'x is {{ $value }}']]) })

class Site {
  readonly rules: RulesFixture
  readonly notes: PendingNotes = new PendingNotes()
  readonly fired: string[] = []
  readonly #zeroMs: number

  constructor(storage?: MemoryStorage, clock?: FakeClock, zeroMs = START_MS) {
    this.#zeroMs = zeroMs
    this.rules = new RulesFixture(storage, clock, {
      notify: { resendMs: MINUTE, send: (alerts) => this.fired.push(...alerts.map(({ labels }) => getLabel(labels, 'alertname'))), changePending: (alerts, url) => this.notes.changed(alerts, url) },
    })
  }

  static async of(groups: readonly RuleGroupConfig[]): Promise<Site> {
    const site = new Site()
    await site.rules.apply(groups)
    return site
  }

  /** One evaluation with that value of x; what is told of it: name, since which minute, until which. */
  async step(value: number): Promise<string[]> {
    this.rules.put({ __name__: 'x' }, value)
    await this.rules.advance(MINUTE)
    return this.told()
  }

  told(): string[] {
    const minute = (ms: number): number => Math.ceil((ms - this.#zeroMs) / MINUTE)
    return this.all().map(({ labels, activeAtMs, endedAtMs }) => `${getLabel(labels, 'alertname')} ${minute(activeAtMs)}-${endedAtMs === null ? '' : minute(endedAtMs)}`)
  }

  all(): PendingAlert[] {
    const all: PendingAlert[] = []
    for (let part = this.notes.next(); part !== null; part = this.notes.next()) all.push(...part.alerts)
    return all
  }
}

describe('pending alerts are told', () => {
  it('when they begin and when they end in vain; those that fire, or need not wait, are not told of again', async () => {
    const site = await Site.of([ruleGroup([SLOW, alertRule('AtOnce', 'x == 1')])])
    const steps: string[][] = []
    for (const value of [1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 0, 1]) steps.push(await site.step(value))
    expect(steps).toEqual([['Slow 1-'], [], ['Slow 1-3'], [], ['Slow 5-'], [], [], [], [], [], [], ['Slow 12-']])
    expect(site.fired).toContain('Slow')
  })

  it('with their labels, annotations, value and page', async () => {
    const site = await Site.of([ruleGroup([SLOW])])
    site.rules.put({ __name__: 'x', instance: 'web1' }, 1)
    await site.rules.advance(MINUTE)
    expect(site.all()).toEqual([{
      labels: ['alertname', 'Slow', 'instance', 'web1'], annotations: new Map([['summary', 'x is 1']]), value: 1, activeAtMs: site.rules.group.counts.lastAtMs, endedAtMs: null,
      generatorUrl: 'http://monitor.example/sub/graph?g0.expr=x+%3D%3D+1&g0.tab=1',
    }])
  })

  it('to have ended where their rule is deleted, renamed, or is over its limit, and not where its for is another', async () => {
    const other = ruleGroup([SLOW], { name: 'other' })
    const site = await Site.of([ruleGroup([SLOW, alertRule('Gone', 'x == 1', { forMs: MINUTE * 9 })]), other])
    expect(await site.step(1)).toHaveLength(3)
    await site.rules.apply([ruleGroup([{ ...SLOW, forMs: 30 * MINUTE }]), other])
    expect(site.told()).toEqual(['Gone 1-1'])
    await site.rules.apply([ruleGroup([{ ...SLOW, forMs: 30 * MINUTE }])])
    expect(site.told()).toEqual(['Slow 1-1'])
    expect(await site.step(1)).toEqual([])
    await site.rules.apply([ruleGroup([{ ...SLOW, name: 'Renamed' }])])
    expect(site.told()).toEqual(['Slow 1-2'])
    expect(await site.step(1)).toEqual(['Renamed 3-'])
    await site.rules.apply([ruleGroup([{ ...SLOW, name: 'Renamed' }], { limit: 1 })])
    site.rules.put({ __name__: 'x', i: '2' }, 1)
    expect(await site.step(1)).toEqual(['Renamed 3-4'])
    site.rules.put({ __name__: 'x', i: '2' }, 1)
    expect(await site.step(1)).toEqual([])
  })

  it('not to have ended where a reload that made for longer puts one that has fired back', async () => {
    const site = await Site.of([ruleGroup([{ ...SLOW, forMs: MINUTE }])])
    expect([await site.step(1), await site.step(1)]).toEqual([['Slow 1-'], []])
    expect(site.fired).toEqual(['Slow'])
    await site.rules.apply([ruleGroup([SLOW])])
    expect([await site.step(1), await site.step(0), await site.step(0)]).toEqual([[], [], []])
  })

  it('anew after a restart, and once: what is restored goes on', async () => {
    const group = ruleGroup([{ ...SLOW, forMs: 30 * MINUTE }])
    const before = await Site.of([group])
    for (let i = 0; i < 10; i++) await before.step(1)
    expect(before.rules.group.rules[0]).toMatchObject({ isRestored: true })
    await before.rules.manager.stop()
    const after = new Site(before.rules.storage, before.rules.clock)
    await after.rules.apply([group])
    const steps: string[][] = []
    for (let i = 0; i < 30; i++) steps.push(await after.step(1))
    expect(steps.flat()).toEqual(['Slow 11-'])
    expect(new Set(after.fired)).toEqual(new Set(['Slow']))
  })
})

describe('notes of pending alerts', () => {
  const alerts = (count: number): Alert[] => Array.from({ length: count }, (_, i) => ({
    state: 'pending', labels: ['i', String(i)], annotations: new Map(), value: 1, activeAtMs: 1, firedAtMs: null, resolvedAtMs: null, keepFiringSinceMs: null, lastSentAtMs: 0, hasFired: false,
  }))
  const end = (alert: Alert): Alert => Object.assign(alert, { state: 'inactive', resolvedAtMs: 2 })

  it('say how an alert is when their turn comes', () => {
    const notes = new PendingNotes()
    const [stays, ends, fires] = alerts(3)
    notes.changed([stays!, ends!, fires!], '')
    end(ends!)
    Object.assign(fires!, { state: 'firing', hasFired: true })
    notes.changed([ends!], '')
    expect(notes.next()).toMatchObject({ alerts: [{ labels: ['i', '0'], endedAtMs: null }, { labels: ['i', '1'], endedAtMs: 2 }], lostCount: 0 })
    expect(notes.next()).toBeNull()
    notes.changed([end(stays!)], '')
    expect(notes.next()?.alerts).toMatchObject([{ labels: ['i', '0'], endedAtMs: 2 }])
  })

  it('of a storm are bounded: those that end beyond that are counted, but ends of what was told are kept', () => {
    const notes = new PendingNotes()
    const told = alerts(400)
    notes.changed(told, '')
    expect(notes.next()?.alerts).toHaveLength(400)
    const many = alerts(25_000)
    notes.changed(many, '')
    notes.changed(many.map(end), '')
    notes.changed(told.map(end), '')
    const parts = Array.from({ length: 100 }, () => notes.next()).filter((part) => part !== null)
    expect(parts.every((part) => part.alerts.length <= 500)).toBe(true)
    expect(parts.flatMap((part) => part.alerts)).toHaveLength(20_400)
    expect(parts.reduce((sum, { lostCount }) => sum + lostCount, 0)).toBe(5000)
  })
})
