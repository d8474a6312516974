// Routes, groups, the order of alerts and what two words on an alert make, as Alertmanager has them (test/golden/alertmanager.json:
// random trees of routes, all pairs of spans around now).
import { expect, it } from 'vitest'
import { loadAlertmanagerFile } from '../../../../lib/config/alertmanager-file.ts'
import { formatDuration } from '../../../../lib/model/duration.ts'
import { labelsFromRecord } from '../../../../lib/model/labels.ts'
import { compareAlerts, mergeAlert, pipelineAlert } from '../../../../lib/notify/dispatch/alert.ts'
import { Route } from '../../../../lib/notify/dispatch/route.ts'
import { readAlertmanagerGolden } from '../../../support/alertmanager-golden.ts'

const golden = readAlertmanagerGolden()
/** Go prints `1h0m0s`. */
const goTimes = (text: string): string => text.split(' ').map((one) => one.replace(/^(\d+)h0m0s$/, '$1h').replace(/m0s$/, 'm')).map((one) => (one === '48h' ? '2d' : one)).join(' ')

it('matches, groups and orders alerts as Alertmanager does', () => {
  let compared = 0
  for (const [given, want] of golden) {
    if (!('Config' in given)) continue
    expect(want.error).toBeUndefined()
    const root = new Route(loadAlertmanagerFile(given.Config, 'am.yml', true).config.route, null)
    given.Sets.forEach((set, i) => {
      const labels = labelsFromRecord(set)
      const got = root.match(labels).map((route) => {
        const { receiver, groupWaitMs, groupIntervalMs, repeatIntervalMs } = route.config
        return [route.id, receiver, route.groupKey(route.groupLabels(labels)), [groupWaitMs, groupIntervalMs, repeatIntervalMs].map((ms) => formatDuration(ms)).join(' ')]
      })
      expect(got, given.Config).toEqual(want.routes![i]!.map(([id, receiver, key, times]) => [id, receiver, key, goTimes(times)]))
      compared++
    })
    const alerts = given.Sets.map((set, i) => pipelineAlert({ labels: labelsFromRecord(set), annotations: new Map(), startsAtMs: i, activeAtMs: i, value: null, endsAtMs: 0, generatorUrl: '' }, 0))
    expect(alerts.toSorted(compareAlerts).map(({ startsAtMs }) => startsAtMs)).toEqual(want.order)
  }
  expect(compared).toBe(1800)
})

it('makes of two words on an alert what Alertmanager makes of them', () => {
  let compared = 0
  for (const [given, want] of golden) {
    if (!('Merge' in given)) continue
    const { Before, Told, Timeout } = given.Merge
    const word = ([startsAtMs, endsAtMs]: [number, number], updatedAtMs: number, isTimeout: boolean) => pipelineAlert({
      labels: ['a', 'b'], annotations: new Map(), startsAtMs, activeAtMs: startsAtMs, value: null, endsAtMs, generatorUrl: '', ...(isTimeout && { isTimeout: true }),
    }, updatedAtMs)
    const merged = mergeAlert(word(Before, 0, Timeout), word(Told, 1, false), 0)
    expect([merged.startsAtMs, merged.endsAtMs], JSON.stringify(given)).toEqual(want.merged)
    compared++
  }
  expect(compared).toBe(392)
})
