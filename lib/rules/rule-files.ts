// The rule groups a configuration names: those in monitor.yml, and those of every file that its patterns find.
import type { ParserFeatures } from '../../lang/parse/ast.ts'
import { ConfigError } from '../config/load.ts'
import type { RuleGroupConfig } from '../config/rule-config.ts'
import { loadRuleFile } from '../config/rule-file.ts'
import { DiskError, readRegularUtf8 } from '../std/fs.ts'
import { glob, GlobError } from '../std/glob.ts'
import { ruleChecks } from './rule-checks.ts'

/** Rule files that must not be applied; the message has a line for each fault. */
export class RuleFilesError extends Error {
  readonly code = 'BAD_RULE_FILES'
}

export interface RuleSources {
  /** Absolute patterns. */
  files: readonly string[]
  groups: readonly RuleGroupConfig[]
}

/** All groups, inline ones first; lenient: unknown keys are passed over. Throws RuleFilesError with the faults of all files. */
export function loadRuleGroups({ files, groups }: RuleSources, features: Partial<ParserFeatures>, isLenient = false): RuleGroupConfig[] {
  const checks = ruleChecks(features)
  const faults: string[] = []
  const found: RuleGroupConfig[] = [...groups]
  for (const file of new Set(files.flatMap((pattern) => expand(pattern, faults)))) {
    try {
      found.push(...loadRuleFile(readRegularUtf8(file), file, { checks, isLenient }))
    } catch (error) {
      if (!(error instanceof ConfigError) && !(error instanceof DiskError)) throw error
      faults.push(error.message)
    }
  }
  if (faults.length > 0) throw new RuleFilesError(faults.join('\n'))
  return found
}

function expand(pattern: string, faults: string[]): string[] {
  try {
    return glob(pattern)
  } catch (error) {
    if (!(error instanceof GlobError)) throw error
    faults.push(`rule_files: ${error.message}`)
    return []
  }
}
