import { expect, it } from 'vitest'
import { RuleRoutes, withRuleRoutes } from '../../cmd/rule-routes.ts'
import { loadAlertmanagerFile } from '../../lib/config/alertmanager-file.ts'

const { config } = loadAlertmanagerFile(`
global: {smtp_smarthost: "mail:25", smtp_from: m@example.com}
route: {receiver: team, group_by: [job], routes: [{receiver: night, matchers: ['severity = critical']}]}
receivers: [{name: team}, {name: night}]
`, 'alertmanager.yml', true)
const rule = (ruleId: string, ...notify: readonly string[]): { ruleId: string; notify: readonly string[]; cooldownMs: number } => ({ ruleId, notify, cooldownMs: 0 })

it('routes a rule that names someone before the configured routes, with the settings of the root', () => {
  const { config: made, faults } = withRuleRoutes(config, [rule('r1', 'email:a@example.com', 'webhook:https://x/y'), rule('r2'), rule('r3', 'receiver:night', 'push:all')])
  expect(faults).toEqual([])
  expect(made!.receivers.map(({ name, integrations }) => [name, integrations.map(({ kind }) => kind)])).toEqual([['team', []], ['night', []], ['rule:r1', ['email', 'webhook']], ['rule:r3', ['webpush']]])
  expect(made!.route.routes.map(({ receiver, matchers, isContinued, groupBy }) => [receiver, matchers[0]?.value, isContinued, groupBy])).toEqual([
    ['rule:r1', 'r1', false, ['job']], ['night', 'r3', true, ['job']], ['rule:r3', 'r3', false, ['job']], ['night', 'critical', false, ['job']],
  ])
})

it('tells what reaches nobody, and leaves the rest', () => {
  const { config: made, faults } = withRuleRoutes(config, [rule('r1', 'sms:+15551234567', 'receiver:gone')])
  expect(faults.map(({ target, why }) => [target, why])).toEqual([
    ['sms:+15551234567', 'sms: wants sms_account_sid, sms_auth_token and sms_from in the global section of alerting'], ['receiver:gone', 'there is no receiver "gone" in the configuration'],
  ])
  // By the configured routes, then: better they than no one.
  expect(made!.route.routes).toEqual(config.route.routes)
})

it('needs no configuration for what needs no sender', () => {
  expect(withRuleRoutes(null, [rule('r1')])).toEqual({ config: null, faults: [] })
  const { config: made } = withRuleRoutes(null, [rule('r1', 'webhook:http://x/')])
  expect(made).toMatchObject({ route: { receiver: 'no-one', groupWaitMs: 5000, routes: [{ receiver: 'rule:r1', groupWaitMs: 5000 }] } })
})

it('keeps whom deleted rules named for an hour, for the end of their alerts', () => {
  const routes = new RuleRoutes()
  const ids = (nowMs: number, ...rules: readonly ReturnType<typeof rule>[]): string[] => routes.update(rules, nowMs).map(({ ruleId }) => ruleId)
  const [r1, r2] = [rule('r1', 'push:all'), rule('r2', 'push:all')]
  expect(ids(0, r1, r2, rule('silent'))).toEqual(['r1', 'r2'])
  expect(ids(1000, r2)).toEqual(['r2', 'r1'])
  expect(ids(2000)).toEqual(['r1', 'r2'])
  // Where a change failed, or was taken back.
  expect(ids(3000, r1)).toEqual(['r1', 'r2'])
  expect(ids(3_601_999, r1)).toEqual(['r1', 'r2'])
  expect(ids(3_602_000, r1)).toEqual(['r1'])
  const many = Array.from({ length: 1500 }, (_, i) => rule(String(i), 'push:all'))
  ids(4_000_000, ...many)
  expect(ids(4_000_001)).toHaveLength(1000)
})
