// Rules in the main thread, as with --threads=0.
import { expect, it, onTestFinished } from 'vitest'
import { parseFlags } from '../../cmd/flags.ts'
import { makeRulesRunner } from '../../cmd/rules-runner.ts'
import { loadConfig } from '../../lib/config/load.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { checkRule } from '../../lib/rules/json-rule/check-rule.ts'
import { compileRule, learningRule } from '../../lib/rules/json-rule/compile.ts'
import { ruleGroups } from '../../lib/rules/json-rule/rule-groups.ts'
import { ruleChecks } from '../../lib/rules/rule-checks.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { silentLogger } from '../../lib/std/log.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { NOW, append, batchOf, open } from '../storage/store.ts'
import { waitFor } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

interface ShownRule {
  name: string
  health: string
  lastError?: string
  state?: string
}

it('leaves the baselines of anomalies to a thread, and goes on with other rules until they are there', async () => {
  const clock = new FakeClock(NOW - 25 * HOUR)
  const db = open(tempFolder(), { clock })
  const ref = db.series(labelsFromRecord({ __name__: 'load', server_id: 'a' }))
  for (let k = 0; k <= 121; k++) {
    append(db, batchOf(clock.now(), [ref], [k % 2 === 0 ? 48 : 52]))
    await clock.advance(MINUTE)
  }
  await clock.advance(NOW - clock.now())
  append(db, batchOf(NOW, [ref], [90]))
  const parsed = parseFlags(['--threads=0'], '0')
  if (parsed.kind === 'exit') throw new Error(parsed.stderr)
  const { config } = loadConfig('', 'monitor.yml', { strict: true, ruleChecks: () => ruleChecks({}) })
  const runner = await makeRulesRunner(parsed.flags, config, {
    clock, db, logger: silentLogger, metrics: new Metrics(), onAlerts: () => {}, pending: { receive: () => {}, doubt: () => {} },
  })
  onTestFinished(async () => {
    await runner.stop()
    await db.close()
  })
  const rules = [
    checkRule({ name: 'Odd', kind: 'anomaly', metric: 'load', interval: '10s', condition: { sigma: 15, season: 'hour_of_day', baseline: '1d' } }),
    checkRule({ name: 'High', metric: 'load', interval: '10s', condition: { operator: 'gt', threshold: 80 } }),
  ].map((rule, i) => ({ rule, configs: [compileRule(rule, `${i}`), ...[learningRule(rule, `${i}`)].filter((one) => one !== null)] }))
  runner.apply({ groups: ruleGroups(rules, 'api.yml'), evaluationIntervalMs: 10_000, queryOffsetMs: 0, externalLabels: new Map(), externalUrl: '' })
  const shown = async (): Promise<Record<string, [string, string, string]>> => {
    const { body } = await runner.ask({ kind: 'rules', type: 'alert', names: [], groups: [], files: [], matches: [], excludeAlerts: true, groupLimit: 0, nextToken: '' })
    const { data } = JSON.parse(Buffer.from(body).toString()) as { data: { groups: { rules: ShownRule[] }[] } }
    return Object.fromEntries(data.groups.flatMap((group) => group.rules).map(({ name, health, state = '', lastError = '' }) => [name, [health, state, lastError]]))
  }
  let answers = 0
  process.once('worker', (worker) => worker.on('message', () => answers++))
  await waitFor('the groups', async () => Object.keys(await shown()).length === 2)
  await clock.advance(10_000)
  // The thread's answer cannot be read within the turn in which it is asked.
  expect(await shown()).toEqual({ Odd: ['unknown', 'inactive', 'its baseline is being evaluated; the rule begins when that is done'], High: ['ok', 'firing', ''] })
  await waitFor('mean and deviation', () => Promise.resolve(answers === 2), 60_000)
  await clock.advance(10_000)
  expect(await shown()).toEqual({ Odd: ['ok', 'firing', ''], High: ['ok', 'firing', ''] })
}, 90_000)
