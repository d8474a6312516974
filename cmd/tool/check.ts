// `monitor check`: rules (whether rule files are right, with promtool's output, lints and exit codes), config, alertmanager, web-config.
import { engineFeatures } from '../../lang/parse/features.ts'
import { ConfigError } from '../../lib/config/load.ts'
import type { RuleGroupConfig } from '../../lib/config/rule-config.ts'
import { loadRuleFile } from '../../lib/config/rule-file.ts'
import { compareLabels, compareText, type Labels } from '../../lib/model/labels.ts'
import { ruleChecks } from '../../lib/rules/rule-checks.ts'
import { DiskError, readStdin, readUtf8IfThere } from '../../lib/std/fs.ts'
import { checkConfigs } from './check-config.ts'
import { Arguments, UsageError } from './command-line.ts'
import { featureNames } from './tool-features.ts'
import { ToolFailure, type ToolIo } from './tool-io.ts'

/** Of promtool, for lints. */
const EXIT_LINT = 3

interface Lints {
  duplicates: boolean
  isFatal: boolean
}

/** Throws UsageError, ToolFailure. */
export function runCheck(argv: readonly string[], io: ToolIo): Promise<void> {
  const args = new Arguments(argv, [
    { name: 'lint', kind: 'text' }, { name: 'lint-fatal', kind: 'switch' }, { name: 'ignore-unknown-fields', kind: 'switch' },
    { name: 'enable-feature', kind: 'list' }, { name: 'ignore-unbuilt', kind: 'switch' },
    { name: 'syntax-only', kind: 'switch' },
  ])
  const [what, ...files] = args.words
  if (what === 'config' || what === 'alertmanager' || what === 'web-config') {
    checkConfigs(what, files, args, io)
    return Promise.resolve()
  }
  if (what !== 'rules') throw new UsageError(what === undefined ? 'check wants what to check: config, alertmanager, rules or web-config' : `there is no command check ${what}; there are config, alertmanager, rules and web-config`)
  const options = {
    checks: ruleChecks(engineFeatures(featureNames(args, io))),
    isLenient: args.has('ignore-unknown-fields'),
  }
  const lints = { duplicates: lintsDuplicates(args.has('lint') ? args.text('lint') : 'duplicate-rules', io), isFatal: args.has('lint-fatal') }
  let [hasErrors, hasLints] = [false, false]
  for (const file of files.length === 0 ? [null] : files) {
    const verdict = checkFile(file, options, lints, io)
    hasErrors ||= verdict === 'bad'
    hasLints ||= verdict === 'lint'
  }
  if (hasErrors) throw new ToolFailure('')
  if (hasLints && lints.isFatal) throw new ToolFailure('', { exitCode: EXIT_LINT })
  return Promise.resolve()
}

function lintsDuplicates(setting: string, io: ToolIo): boolean {
  let isWanted = false
  for (const name of setting === '' ? [] : setting.split(',')) {
    if (name === 'all' || name === 'duplicate-rules') isWanted = true
    else if (name !== 'none') io.out(`WARNING: unknown lint option: ${JSON.stringify(name)}\n`)
  }
  return isWanted
}

/** null: standard input. */
function checkFile(file: string | null, options: Parameters<typeof loadRuleFile>[2], lints: Lints, io: ToolIo): 'good' | 'bad' | 'lint' {
  io.out(file === null ? 'Checking standard input\n' : `Checking ${file}\n`)
  let groups: RuleGroupConfig[]
  try {
    groups = loadRuleFile(readRules(file), file ?? 'standard input', options)
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof DiskError)) throw error
    io.err(`  FAILED:\n${error.message}\n`)
    io.out('\n')
    return 'bad'
  }
  const found = lints.duplicates ? duplicates(groups) : []
  if (found.length > 0) io.err(`  FAILED:\n${duplicatesText(found)}\n`)
  else io.out(`  SUCCESS: ${groups.reduce((count, { rules }) => count + rules.length, 0)} rules found\n`)
  io.out('\n')
  return found.length > 0 ? 'lint' : 'good'
}

function readRules(file: string | null): string {
  if (file === null) return readStdin()
  const text = readUtf8IfThere(file)
  if (text === null) throw new DiskError(`cannot read ${file}`, new Error('there is no such file'))
  return text
}

interface Identity {
  name: string
  labels: Labels
}

/** Also labels without a value: what has one takes that label away, and is another rule. */
function withEmpty(labels: ReadonlyMap<string, string>): Labels {
  return [...labels].toSorted(([a], [b]) => compareText(a, b)).flat()
}

/** Rules of one name and equal labels, each once. */
function duplicates(groups: readonly RuleGroupConfig[]): Identity[] {
  const all = groups.flatMap(({ rules }) => rules.map(({ name, labels }) => ({ name, labels: withEmpty(labels) })))
  const compare = (a: Identity, b: Identity): number => compareText(a.name, b.name) || compareLabels(a.labels, b.labels)
  const sorted = all.toSorted(compare)
  return sorted.filter((one, i) => i > 0 && compare(sorted[i - 1]!, one) === 0 && (i < 2 || compare(sorted[i - 2]!, one) !== 0))
}

function duplicatesText(found: readonly Identity[]): string {
  const lines = found.flatMap(({ name, labels }) => {
    const pairs = labels.flatMap((text, i) => (i % 2 === 0 ? [`\t${text}: ${labels[i + 1]!}`] : []))
    return [`Metric: ${name}`, 'Label(s):', ...pairs]
  })
  return [`lint error ${found.length} duplicate rule(s) found.`, ...lines, 'Might cause inconsistency while recording expressions'].join('\n')
}
