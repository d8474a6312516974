// A group that can be evaluated, of its configuration.
import type { ParserFeatures } from '../../lang/parse/ast.ts'
import type { RuleConfig, RuleGroupConfig } from '../config/rule-config.ts'
import { AlertingRule } from './alerting-rule.ts'
import type { TemplateGround } from './alert-templates.ts'
import { RuleGroup, type GroupGround, type GroupSettings, type Rule } from './group.ts'
import { RecordingRule } from './recording-rule.ts'
import { printedExpr } from './rule.ts'

export interface BuildGround extends GroupGround {
  features: Partial<ParserFeatures>
  onExpanded?: (isGood: boolean) => void
}

/** `isRestored`: what the alerts said before a start need not be read back. */
export function buildGroup(
  config: RuleGroupConfig, own: GroupSettings, outside: { externalLabels: ReadonlyMap<string, string>; externalUrl: string },
  { ground, isRestored }: { ground: BuildGround; isRestored: boolean },
): RuleGroup {
  const { query, clock, onExpanded, features } = ground
  const { externalLabels, externalUrl } = outside
  const templates: TemplateGround = { query, clock, externalLabels, externalUrl, onExpanded: (isGood) => onExpanded?.(isGood) }
  const build = (rule: RuleConfig): Rule => {
    const printed = printedExpr(rule.expr, features)
    return rule.kind === 'alert' ? new AlertingRule(rule, printed, templates, isRestored) : new RecordingRule(rule, printed)
  }
  return new RuleGroup(config, own, config.rules.map(build), ground)
}
