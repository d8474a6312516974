// Who is told of rules made by API that name someone themselves: a route for each of them, before those of the configuration, to
// receivers made of its short forms. Whom a rule named before, or a rule that was deleted, is told the ends of what he was told, and
// nobody else is in his place.
import { loadAlertmanagerFile } from '../lib/config/alertmanager-file.ts'
import type { PipelineConfig, RouteConfig } from '../lib/config/alertmanager-config.ts'
import { readShortForm, type IntegrationConfig, type IntegrationPlace, type ReceiverConfig } from '../lib/config/receiver-config.ts'
import type { RuleTarget } from '../lib/meta/interface.ts'
import type { RuleRoute } from '../lib/model/rule-route.ts'

const RECEIVER = 'receiver:'
/** Without a configuration of alerts push and webhooks can be told even so. */
const NO_ONE = 'route: {receiver: no-one, group_wait: 5s}\nreceivers: [{name: no-one}]\n'

export interface RoutedConfig {
  config: PipelineConfig | null
  /** Short forms that tell nobody as things are, and why. */
  faults: { ruleId: string; target: string; why: string }[]
}

/** What the store would have of rules that have just been made. */
export function targetsOfRules(rules: readonly RuleRoute[]): RuleTarget[] {
  return rules.flatMap(({ ruleId, notify }) => [...new Set(notify)].map((target, i, all) => ({
    ruleId, target, place: all.slice(0, i).filter((one) => kindOf(one) === kindOf(target)).length, isFormer: false, isDeleted: false,
  })))
}

/** The receiver of a rule's own targets. */
export function ownReceiver(ruleId: string): string {
  return `rule:${ruleId}`
}

/** The configuration with the rules' own routes, `targets` by rule. null stays null where no rule names anyone. */
export function withRuleRoutes(given: PipelineConfig | null, targets: readonly RuleTarget[]): RoutedConfig {
  if (targets.length === 0) return { config: given, faults: [] }
  const config = given ?? loadAlertmanagerFile(NO_ONE, 'no configuration', true).config
  const faults: RoutedConfig['faults'] = []
  const receivers: ReceiverConfig[] = []
  const routes: RouteConfig[] = []
  for (const [ruleId, own] of Map.groupBy(targets, (target) => target.ruleId)) {
    const name = ownReceiver(ruleId)
    const { integrations, places, named } = integrationsOf(own, config, (target, why) => faults.push({ ruleId, target, why }))
    const isDeleted = own.every((target) => target.isDeleted)
    if (integrations.length > 0 || isDeleted) receivers.push({ name, labels: new Map(), integrations, places })
    const names = isDeleted ? [name] : [...named, ...(places.some(({ isFormer }) => !isFormer) ? [name] : [])]
    names.forEach((receiver, i) => routes.push({
      ...config.route, receiver, matchers: [{ name: 'rule_id', op: '=', value: ruleId }], isContinued: i < names.length - 1, routes: [],
    }))
  }
  return { config: { ...config, receivers: [...config.receivers, ...receivers], route: { ...config.route, routes: [...routes, ...config.route.routes] } }, faults }
}

function integrationsOf(targets: readonly RuleTarget[], config: PipelineConfig, onFault: (target: string, why: string) => void): { integrations: IntegrationConfig[]; places: IntegrationPlace[]; named: string[] } {
  const integrations: IntegrationConfig[] = []
  const places: IntegrationPlace[] = []
  const named: string[] = []
  for (const { target, place: index, isFormer } of targets) {
    if (target.startsWith(RECEIVER)) {
      const name = target.slice(RECEIVER.length)
      if (isFormer) continue
      if (config.receivers.some((receiver) => receiver.name === name)) named.push(name)
      else onFault(target, `there is no receiver ${JSON.stringify(name)} in the configuration`)
      continue
    }
    const form = readShortForm(target, config.globals)
    if ('config' in form) {
      integrations.push(form.config)
      places.push({ index, isFormer })
    } else if (!isFormer) onFault(target, form.error)
  }
  return { integrations, places, named }
}

function kindOf(target: string): string {
  return target.slice(0, target.indexOf(':'))
}
