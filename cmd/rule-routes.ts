// Who is told of rules made by API that name someone themselves: a route for each of them, before those of the configuration, to
// receivers made of its short forms.
import { loadAlertmanagerFile } from '../lib/config/alertmanager-file.ts'
import type { PipelineConfig, RouteConfig } from '../lib/config/alertmanager-config.ts'
import { readShortForm, type IntegrationConfig, type ReceiverConfig } from '../lib/config/receiver-config.ts'
import type { RuleRoute } from '../lib/model/rule-route.ts'

const RECEIVER = 'receiver:'
/** Without a configuration of alerts push and webhooks can be told even so. */
const NO_ONE = 'route: {receiver: no-one, group_wait: 5s}\nreceivers: [{name: no-one}]\n'

/** The end of an alert is told after group_interval, and tried again while its receiver fails. */
const ENDED_KEPT_MS = 3_600_000
/** Of rules that were deleted lately; beyond it the oldest are forgotten. */
const ENDED_MAX = 1000

/** Rules that name someone, those deleted within the hour among them: who was told of their alerts hears of the end, and of neither anybody else. */
export class RuleRoutes {
  #named: readonly RuleRoute[] = []
  readonly #ended = new Map<string, { route: RuleRoute; untilMs: number }>()

  /** `rules`: all there are from now on. `nowMs`: monotonic. */
  update(rules: readonly RuleRoute[], nowMs: number): RuleRoute[] {
    const ids = new Set(rules.map(({ ruleId }) => ruleId))
    for (const route of this.#named) if (!ids.has(route.ruleId)) this.#ended.set(route.ruleId, { route, untilMs: nowMs + ENDED_KEPT_MS })
    for (const [id, { untilMs }] of this.#ended) if (untilMs <= nowMs || ids.has(id) || this.#ended.size > ENDED_MAX) this.#ended.delete(id)
    this.#named = rules.filter(({ notify }) => notify.length > 0)
    return [...this.#named, ...Array.from(this.#ended.values(), ({ route }) => route)]
  }
}

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
