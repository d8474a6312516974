// Who is told of rules made by API that name someone themselves: a route for each of them, before those of the configuration, to
// receivers made of its short forms.
import { loadAlertmanagerFile } from '../lib/config/alertmanager-file.ts'
import type { PipelineConfig, RouteConfig } from '../lib/config/alertmanager-config.ts'
import { readShortForm, type IntegrationConfig, type ReceiverConfig } from '../lib/config/receiver-config.ts'
import type { RuleRoute } from '../lib/model/rule-route.ts'

const RECEIVER = 'receiver:'
/** Without a configuration of alerts push and webhooks can be told even so. */
const NO_ONE = 'route: {receiver: no-one, group_wait: 5s}\nreceivers: [{name: no-one}]\n'

export interface RoutedConfig {
  config: PipelineConfig | null
  /** Short forms that tell nobody as things are, and why. */
  faults: { ruleId: string; target: string; why: string }[]
}

/** The configuration with the rules' own routes. null stays null where no rule names anyone. */
export function withRuleRoutes(given: PipelineConfig | null, rules: readonly RuleRoute[]): RoutedConfig {
  const naming = rules.filter(({ notify }) => notify.length > 0)
  if (naming.length === 0) return { config: given, faults: [] }
  const config = given ?? loadAlertmanagerFile(NO_ONE, 'no configuration', true).config
  const faults: RoutedConfig['faults'] = []
  const receivers: ReceiverConfig[] = []
  const routes: RouteConfig[] = []
  for (const rule of naming) {
    const { integrations, named } = targetsOf(rule, config, (target, why) => faults.push({ ruleId: rule.ruleId, target, why }))
    const own = `rule:${rule.ruleId}`
    const names = [...named, ...(integrations.length > 0 ? [own] : [])]
    if (integrations.length > 0) receivers.push({ name: own, labels: new Map(), integrations })
    names.forEach((receiver, i) => routes.push({
      ...config.route, receiver, matchers: [{ name: 'rule_id', op: '=', value: rule.ruleId }], isContinued: i < names.length - 1, routes: [],
    }))
  }
  return { config: { ...config, receivers: [...config.receivers, ...receivers], route: { ...config.route, routes: [...routes, ...config.route.routes] } }, faults }
}

function targetsOf({ notify }: RuleRoute, config: PipelineConfig, onFault: (target: string, why: string) => void): { integrations: IntegrationConfig[]; named: string[] } {
  const integrations: IntegrationConfig[] = []
  const named: string[] = []
  for (const target of notify) {
    if (target.startsWith(RECEIVER)) {
      const name = target.slice(RECEIVER.length)
      if (config.receivers.some((receiver) => receiver.name === name)) named.push(name)
      else onFault(target, `there is no receiver ${JSON.stringify(name)} in the configuration`)
      continue
    }
    const form = readShortForm(target, config.globals)
    if ('error' in form) onFault(target, form.error)
    else integrations.push(form.config)
  }
  return { integrations, named }
}
