// Rule files, and `rules:` of monitor.yml: groups of recording and alerting rules in Prometheus' format, as strict as
// promtool, all faults at once with their places. Source: prometheus model/rulefmt/rulefmt.go.
import { METRIC_NAME } from '../model/labels.ts'
import { ConfigError, describe, MapReader, Problems } from './reader.ts'
import type { RuleChecks, RuleConfig, RuleGroupConfig } from './rule-config.ts'
import { isNull, parseYaml } from './yaml-node.ts'

/** A larger file is no one's work. */
const TEXT_MAX = 16 << 20

export interface RuleFileOptions {
  checks: RuleChecks
  /** Keys that mean nothing are passed over. */
  isLenient?: boolean
}

/** The groups of a rule file. Throws ConfigError with all that is wrong. */
export function loadRuleFile(text: string, fileName: string, { checks, isLenient = false }: RuleFileOptions): RuleGroupConfig[] {
  if (text.length > TEXT_MAX) throw new ConfigError(fileName, [{ line: 1, column: 1, message: `is larger than ${TEXT_MAX >> 20} MiB` }])
  const faults: [number, string][] = []
  const yaml = parseYaml(text, (at, message) => faults.push([at, message]))
  const problems = new Problems(yaml.position, true)
  for (const [at, message] of faults) problems.error(at, message)
  const { root } = yaml
  if (root && root.kind !== 'map' && !isNull(root)) problems.error(root.at, `want the key groups, got ${describe(root)}`)
  const reader = new MapReader(problems, root?.kind === 'map' ? root : null, '')
  const groups = readRuleGroups(reader, 'groups', { file: fileName, checks, isLenient })
  if (!isLenient && reader.has('tests')) reader.error('tests', 'this is a file of rule tests, not of rules: monitor test rules FILE runs it')
  if (!isLenient) reader.finish()
  const errors = problems.errors()
  if (errors.length > 0) throw new ConfigError(fileName, errors)
  return groups
}

interface Ground {
  file: string
  checks: RuleChecks
  isLenient: boolean
}

/** The groups in the list under `key`. */
export function readRuleGroups(reader: MapReader, key: string, ground: Ground): RuleGroupConfig[] {
  const names = new Set<string>()
  return reader.maps(key).map((group) => {
    const name = group.has('name') ? group.text('name', '') : ''
    if (name === '') group.error('name', 'a group must have a name')
    else if (names.has(name)) group.error('name', `another group of the file is named ${JSON.stringify(name)}`)
    names.add(name)
    const labels = readLabels(group)
    const config: RuleGroupConfig = {
      name, file: ground.file,
      intervalMs: group.durationMs('interval', 0) || null,
      queryOffsetMs: group.has('query_offset') ? group.durationMs('query_offset', 0) : null,
      limit: group.integer('limit', 0),
      rules: group.maps('rules').map((rule) => readRule(rule, labels, ground)),
    }
    if (!ground.isLenient) group.finish()
    return config
  })
}

function readRule(reader: MapReader, groupLabels: ReadonlyMap<string, string>, { checks, isLenient }: Ground): RuleConfig {
  const record = reader.has('record') ? reader.text('record', '') : ''
  const alert = reader.has('alert') ? reader.text('alert', '') : ''
  if (record !== '' && alert !== '') reader.error('alert', 'only one of record and alert must be set')
  if (record === '' && alert === '') reader.problems.error(reader.at, `${reader.path}: one of record and alert must be set`)
  const own = readLabels(reader)
  const annotations = textsOf(reader, 'annotations')
  for (const { name, keyAt, path } of annotations) if (name === '') reader.problems.error(keyAt, `${path}: "" is no valid name of an annotation`)
  const rule: RuleConfig = {
    kind: alert === '' ? 'record' : 'alert', name: alert === '' ? record : alert,
    expr: readExpr(reader, checks),
    forMs: reader.durationMs('for', 0), keepFiringForMs: reader.durationMs('keep_firing_for', 0),
    labels: new Map([...groupLabels, ...own]), annotations: new Map(annotations.map(({ name, text }) => [name, text])),
  }
  if (record !== '') checkRecord(reader, rule)
  if (alert !== '') {
    for (const { text, at, path } of [...textsOf(reader, 'labels'), ...annotations]) {
      const fault = checks.template(alert, text)
      if (fault !== null) reader.problems.error(at, `${path}: ${fault}`)
    }
  }
  if (!isLenient) reader.finish()
  return rule
}

function readExpr(reader: MapReader, checks: RuleChecks): string {
  const expr = reader.has('expr') ? reader.text('expr', '') : ''
  if (expr === '') {
    reader.error('expr', 'must be set')
    return expr
  }
  const fault = checks.expr(expr)
  if (fault !== null) reader.error('expr', `could not parse expression: ${fault}`)
  return expr
}

function checkRecord(reader: MapReader, { name, annotations, forMs, keepFiringForMs }: RuleConfig): void {
  if (annotations.size > 0) reader.error('annotations', 'a recording rule has no annotations')
  if (forMs !== 0) reader.error('for', 'is only for alerts')
  if (keepFiringForMs !== 0) reader.error('keep_firing_for', 'is only for alerts')
  if (!name.isWellFormed()) reader.error('record', `${JSON.stringify(name)} is no valid name of a metric`)
  // A frequent mistake: an expression in place of the name.
  if (/[{}]/.test(name)) reader.error('record', `braces are present in the name; should it be in expr? ${JSON.stringify(name)}`)
}

function readLabels(reader: MapReader): Map<string, string> {
  const labels = new Map<string, string>()
  for (const { name, text, keyAt, path } of textsOf(reader, 'labels')) {
    if (name === '' || name === METRIC_NAME) reader.problems.error(keyAt, `${path}: ${JSON.stringify(name)} is no valid name of a label here`)
    labels.set(name, text)
  }
  return labels
}

/** A map of texts; what is null is empty. */
function textsOf(reader: MapReader, key: string): { name: string; text: string; keyAt: number; at: number; path: string }[] {
  return reader.map(key)?.entries().flatMap(({ key: name, keyAt, path, value }) => {
    if (isNull(value)) return [{ name, text: '', keyAt, at: value.at, path }]
    if (value.kind === 'scalar') return [{ name, text: value.text, keyAt, at: value.at, path }]
    reader.problems.error(value.at, `${path}: want a text, got ${describe(value)}`)
    return []
  }) ?? []
}

