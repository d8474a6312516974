// A group that can be evaluated, of its configuration.
import type { ParserFeatures } from '../../lang/parse/ast.ts'
import type { RuleConfig, RuleGroupConfig } from '../config/rule-config.ts'
import { AlertingRule, type AlertingGround } from './alerting-rule.ts'
import { RuleGroup, type GroupGround, type GroupSettings, type Rule } from './group.ts'
import { RecordingRule } from './recording-rule.ts'
import { printedExpr } from './rule.ts'
import type { WindowQueries } from './window/window-query.ts'

export interface BuildGround extends GroupGround {
  features: Partial<ParserFeatures>
  onExpanded?: (isGood: boolean) => void
  /** Where windows are kept from tick to tick; absent: each query is evaluated anew. */
  windows?: WindowQueries
}

/** `isRestored`: what the alerts said before a start need not be read back. */
export function buildGroup(
  config: RuleGroupConfig, own: GroupSettings, outside: { externalLabels: ReadonlyMap<string, string>; externalUrl: string },
  { ground, isRestored }: { ground: BuildGround; isRestored: boolean },
): RuleGroup {
  const { query, clock, onExpanded, features } = ground
  const { externalLabels, externalUrl } = outside
  const ask = ground.windows?.withOffset(own.queryOffsetMs) ?? query
  const alerting: AlertingGround = { ask, query, clock, externalLabels, externalUrl, onExpanded: (isGood) => onExpanded?.(isGood) }
  const build = (rule: RuleConfig): Rule => {
    const printed = printedExpr(rule.expr, features)
    return rule.kind === 'alert' ? new AlertingRule(rule, printed, alerting, isRestored) : new RecordingRule(rule, printed)
  }
  return new RuleGroup(config, own, config.rules.map(build), { ...ground, query: ask })
}
