import { expect, it } from 'vitest'
import { targetsOfRules, withRuleRoutes } from '../../cmd/rule-routes.ts'
import { RuleTargets } from '../../cmd/rule-targets.ts'
import { loadAlertmanagerFile } from '../../lib/config/alertmanager-file.ts'
import { MetaError } from '../../lib/meta/errors.ts'
import type { RuleTarget } from '../../lib/meta/interface.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Logger } from '../../lib/std/log.ts'

const { config } = loadAlertmanagerFile(`
global: {smtp_smarthost: "mail:25", smtp_from: m@example.com}
route: {receiver: team, group_by: [job], routes: [{receiver: night, matchers: ['severity = critical']}]}
receivers: [{name: team}, {name: night}]
`, 'alertmanager.yml', true)
const rule = (ruleId: string, ...notify: readonly string[]): { ruleId: string; notify: readonly string[]; cooldownMs: number } => ({ ruleId, notify, cooldownMs: 0 })

it('routes a rule that names someone before the configured routes, with the settings of the root', () => {
  const { config: made, faults } = withRuleRoutes(config, targetsOfRules([rule('r1', 'email:a@example.com', 'webhook:https://x/y'), rule('r2'), rule('r3', 'receiver:night', 'push:all')]))
  expect(faults).toEqual([])
  expect(made!.receivers.map(({ name, integrations }) => [name, integrations.map(({ kind }) => kind)])).toEqual([['team', []], ['night', []], ['rule:r1', ['email', 'webhook']], ['rule:r3', ['webpush']]])
  expect(made!.route.routes.map(({ receiver, matchers, isContinued, groupBy }) => [receiver, matchers[0]?.value, isContinued, groupBy])).toEqual([
    ['rule:r1', 'r1', false, ['job']], ['night', 'r3', true, ['job']], ['rule:r3', 'r3', false, ['job']], ['night', 'critical', false, ['job']],
  ])
})

it('tells what reaches nobody, and leaves the rest', () => {
  const { config: made, faults } = withRuleRoutes(config, targetsOfRules([rule('r1', 'sms:+15551234567', 'receiver:gone')]))
  expect(faults.map(({ target, why }) => [target, why])).toEqual([
    ['sms:+15551234567', 'sms: wants sms_account_sid, sms_auth_token and sms_from in the global section of alerting'], ['receiver:gone', 'there is no receiver "gone" in the configuration'],
  ])
  // By the configured routes, then: better they than no one.
  expect(made!.route.routes).toEqual(config.route.routes)
})

it('needs no configuration for what needs no sender', () => {
  expect(withRuleRoutes(null, targetsOfRules([rule('r1')]))).toEqual({ config: null, faults: [] })
  const { config: made } = withRuleRoutes(null, targetsOfRules([rule('r1', 'webhook:http://x/')]))
  expect(made).toMatchObject({ route: { receiver: 'no-one', groupWaitMs: 5000, routes: [{ receiver: 'rule:r1', groupWaitMs: 5000 }] } })
})

it('tells those that a rule names no more its ends, and nobody in place of those of a rule that was deleted', () => {
  const [kept, gone, named] = [
    { ruleId: 'r1', target: 'webhook:http://b/', place: 1, isFormer: false, isDeleted: false }, { ruleId: 'r1', target: 'webhook:http://a/', place: 0, isFormer: true, isDeleted: false },
    { ruleId: 'r1', target: 'receiver:night', place: 0, isFormer: true, isDeleted: false },
  ]
  const shape = (targets: readonly RuleTarget[]): unknown => {
    const { config: made, faults } = withRuleRoutes(config, targets)
    expect(faults).toEqual([])
    return [made!.receivers.slice(2).map(({ name, places }) => [name, ...places!.map(({ index, isFormer }) => `${index}${isFormer ? ' former' : ''}`)]), made!.route.routes.slice(0, -1).map(({ receiver, isContinued }) => [receiver, isContinued])]
  }
  expect(shape([kept!, gone!, named!])).toEqual([[['rule:r1', '1', '0 former']], [['rule:r1', false]]])
  // It names nobody any more: the configured routes take its alerts.
  expect(shape([{ ...kept!, isFormer: true }])).toEqual([[['rule:r1', '1 former']], []])
  expect(shape([{ ...named!, isDeleted: true }])).toEqual([[['rule:r1']], [['rule:r1', false]]])
  expect(shape([{ ...kept!, isFormer: true, isDeleted: true }, { ...named!, isDeleted: true }])).toEqual([[['rule:r1', '1 former']], [['rule:r1', false]]])
})

it('forgets whom deleted rules named once nobody waits for an end, and no sooner than in an hour', async () => {
  const clock = new FakeClock()
  const row = (ruleId: string, changes: Partial<RuleTarget> = {}): RuleTarget => ({ ruleId, target: 'push:all', place: 0, isFormer: true, isDeleted: true, ...changes })
  let rows = [row('r1'), row('r2'), row('r3', { isDeleted: false }), row('r4', { isFormer: false, isDeleted: false })]
  let owing: Set<string> | null = null
  const forgotten: string[] = []
  const store = { ruleTargets: () => Promise.resolve(rows), forgetRuleTargets: (ids: readonly string[]) => Promise.resolve(void forgotten.push(...ids)) }
  const targets = new RuleTargets({ store, clock, logger: new Logger({ level: 'error', format: 'logfmt', write: () => {} }), owing: () => owing })
  const ids = async (): Promise<string[]> => (await targets.read([])).targets.map(({ ruleId }) => ruleId)
  expect(await ids()).toEqual(['r1', 'r2', 'r3', 'r4'])
  await clock.advance(3_600_000)
  // What was told is not read yet.
  expect(await ids()).toEqual(['r1', 'r2', 'r3', 'r4'])
  owing = new Set(['rule:r1/webpush/0', 'rule:r2/webpush/1'])
  expect([await ids(), forgotten]).toEqual([['r1', 'r4'], ['r2']])
  rows = rows.filter(({ ruleId }) => ruleId !== 'r2')
  owing = new Set()
  expect([await ids(), forgotten]).toEqual([['r4'], ['r2', 'r1']])
  // A store that fails: as if nobody had been named before.
  store.ruleTargets = () => Promise.reject(new MetaError('cannot read'))
  expect(await targets.read([rule('r5', 'push:a', 'webhook:http://x/', 'push:b')])).toEqual({
    isWhole: false, targets: [['push:a', 0], ['webhook:http://x/', 0], ['push:b', 1]].map(([target, place]) => ({ ruleId: 'r5', target, place, isFormer: false, isDeleted: false })),
  })
})
