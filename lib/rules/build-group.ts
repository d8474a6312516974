// A group that can be evaluated, of its configuration.
import { isDeepStrictEqual } from 'node:util'
import type { ParserFeatures } from '../../lang/parse/ast.ts'
import type { RuleConfig, RuleGroupConfig } from '../config/rule-config.ts'
import { AlertingRule, type AlertingGround } from './alerting-rule.ts'
import { RuleGroup, type GroupGround, type GroupSettings, type Rule } from './group.ts'
import { RecordingRule } from './recording-rule.ts'
import { printedExpr, ruleIdentity } from './rule.ts'
import type { WindowQueries } from './window/window-query.ts'

/** Of groups that come more rarely all would be read anew each time (sample-columns.ts). */
const KEPT_INTERVAL_MS_MAX = 150_000

export interface BuildGround extends GroupGround {
  features: Partial<ParserFeatures>
  onExpanded?: (isGood: boolean) => void
  /** Where windows are kept from tick to tick; absent: each query is evaluated anew. */
  windows?: WindowQueries
}

/**
 * `isRestored`: what the alerts said before a start need not be read back. `previous`: the group in whose place it stands, whose
 * rules are taken over where they are configured alike: with one rule of thousands changed, the others need not be parsed.
 */
export function buildGroup(
  config: RuleGroupConfig, own: GroupSettings, outside: { externalLabels: ReadonlyMap<string, string>; externalUrl: string },
  { ground, isRestored, previous }: { ground: BuildGround; isRestored: boolean; previous?: RuleGroup },
): RuleGroup {
  const { query, clock, onExpanded, features } = ground
  const { externalLabels, externalUrl } = outside
  const isRare = own.intervalMs > KEPT_INTERVAL_MS_MAX
  const ask = ground.windows?.queryFor({ offsetMs: own.queryOffsetMs, isRare, hasBaselines: config.hasBaselines === true }) ?? query
  const alerting: AlertingGround = { ask, query, clock, externalLabels, externalUrl, onExpanded: (isGood) => onExpanded?.(isGood) }
  const known = Map.groupBy(previous?.rules ?? [], ({ identity }) => identity)
  const build = (rule: RuleConfig): Rule => {
    const same = known.get(ruleIdentity(rule))?.shift()
    if (same !== undefined && isDeepStrictEqual(same.config, rule)) return same
    const printed = printedExpr(rule.expr, features)
    if (!isRare) ground.windows?.expect(rule.expr, own.queryOffsetMs)
    return rule.kind === 'alert' ? new AlertingRule(rule, printed, alerting, isRestored) : new RecordingRule(rule, printed)
  }
  return new RuleGroup(config, own, config.rules.map(build), { ...ground, query: ask })
}
