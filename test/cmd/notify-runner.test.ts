// The configuration of alerts comes into force, also where that fails at first.
import { expect, it, onTestFinished } from 'vitest'
import { DiscoveryMetrics } from '../../discovery/manager.ts'
import { parseFlags } from '../../cmd/flags.ts'
import { NotifyRunner } from '../../cmd/notify-runner.ts'
import { loadConfig } from '../../lib/config/load.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { systemClock } from '../../lib/std/clock.ts'
import { Logger } from '../../lib/std/log.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { openStore } from '../lib/meta/open-store.ts'
import { waitFor } from '../support/monitor-process.ts'
import { httpWorld } from '../support/receiver-fixture.ts'
import { tempFolder } from '../support/temp-folder.ts'

it('tries again what could not come into force, and loses no page meanwhile', async () => {
  const folder = tempFolder()
  const parsed = parseFlags(['--storage.tsdb.path', folder, '--threads=0', '--web.external-url=http://m.example'], '1')
  if (parsed.kind !== 'run') throw new Error(parsed.stderr)
  const store = openStore(`${folder}/meta`)
  const metrics = new Metrics()
  const logged: string[] = []
  const refused: boolean[] = []
  const logger = new Logger({ level: 'info', format: 'logfmt', write: (line) => void logged.push(line) })
  const notify = await NotifyRunner.open(parsed.flags, { clock: systemClock, logger, metrics, discoveryMetrics: new DiscoveryMetrics(metrics), store, onRefused: (is) => void refused.push(is) })
  onTestFinished(async () => {
    await notify.stop()
    await store.close()
  })
  const http = await httpWorld()
  const { config } = loadConfig(`alerting: {route: {receiver: team, group_wait: 0s}, receivers: [{name: team, webhook_configs: [{url: '${http.url}/team'}]}]}\n`, 'monitor.yml', { strict: true })
  const { receivers } = config.alerting.pipeline!
  let failures = 2
  Object.defineProperty(config.alerting.pipeline, 'receivers', { get: () => {
    if (failures-- > 0) throw new Error('cannot load what tells: too many open files')
    return receivers
  } })
  notify.applyConfig(config)
  const nowMs = Date.now()
  await notify.post([{ labels: labelsFromRecord({ alertname: 'Down' }), annotations: new Map(), startsAtMs: nowMs, activeAtMs: nowMs, endsAtMs: nowMs + 600_000, value: null, generatorUrl: '' }])
  expect(await metrics.registry.metrics()).toContain('monitor_notification_config_in_force 0')
  expect([logged.filter((line) => line.includes('cannot be brought into force')).join(), refused]).toEqual([expect.stringContaining('too many open files'), [true]])
  await waitFor('its page', () => Promise.resolve(http.requests.length > 0))
  expect(JSON.parse(http.requests[0]!.body.toString())).toMatchObject({ status: 'firing', alerts: [{ labels: { alertname: 'Down' } }] })
  expect(refused).toEqual([true, false])
  expect(await metrics.registry.metrics()).toContain('monitor_notification_config_in_force 1')
})
