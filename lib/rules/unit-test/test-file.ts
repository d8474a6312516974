// A file of rule tests in promtool's format (docs/configuration/unit_testing_rules.md), checked: what is to be loaded, and
// what alerts and expressions must give at which time.
import { ConfigError, describe, MapReader, Problems } from '../../config/reader.ts'
import { isNull, parseYaml } from '../../config/yaml-node.ts'

export interface ExpectedAlert {
  labels: ReadonlyMap<string, string>
  annotations: ReadonlyMap<string, string>
}

export interface AlertTest {
  evalTimeMs: number
  alertName: string
  expected: readonly ExpectedAlert[]
}

export interface ExpectedSample {
  labels: string
  value: number
  /** In the notation of histograms; '' where it is a float. */
  histogram: string
}

export interface ExprTest {
  evalTimeMs: number
  expr: string
  expected: readonly ExpectedSample[]
}

export interface TestGroup {
  /** '' where it has none. */
  name: string
  intervalMs: number
  series: readonly { series: string; values: string }[]
  alertTests: readonly AlertTest[]
  exprTests: readonly ExprTest[]
  externalLabels: ReadonlyMap<string, string>
  externalUrl: string
  /** Unix ms of the first sample and evaluation. */
  startMs: number
}

export interface TestFile {
  ruleFiles: readonly string[]
  evaluationIntervalMs: number
  groupEvalOrder: readonly string[]
  fuzzyCompare: boolean
  tests: readonly TestGroup[]
}

const INTERVAL_MS = 60_000

/** Throws ConfigError with all that is wrong. */
export function readTestFile(text: string, fileName: string, parseTime: (text: string) => number | null): TestFile {
  const faults: [number, string][] = []
  const yaml = parseYaml(text, (at, message) => faults.push([at, message]))
  const problems = new Problems(yaml.position, true)
  for (const [at, message] of faults) problems.error(at, message)
  const { root } = yaml
  if (root && root.kind !== 'map' && !isNull(root)) problems.error(root.at, `want keys such as tests, got ${describe(root)}`)
  const reader = new MapReader(problems, root?.kind === 'map' ? root : null, '')
  const evaluationIntervalMs = reader.durationMs('evaluation_interval', 0) || INTERVAL_MS
  const file: TestFile = {
    ruleFiles: (reader.texts('rule_files') ?? []).map((pattern) => pattern.text),
    evaluationIntervalMs,
    groupEvalOrder: readOrder(reader),
    fuzzyCompare: reader.bool('fuzzy_compare', false),
    tests: reader.maps('tests').map((group) => readGroup(group, evaluationIntervalMs, parseTime)),
  }
  if (reader.has('groups')) reader.error('groups', 'this is a file of rules; give the file of tests that names it in rule_files (monitor check rules FILE checks rules without tests)')
  reader.finish()
  const errors = problems.errors()
  if (errors.length > 0) throw new ConfigError(fileName, errors)
  return file
}

function readOrder(reader: MapReader): string[] {
  const names = (reader.texts('group_eval_order') ?? []).map(({ text }) => text)
  const repeated = names.find((name, i) => names.indexOf(name) < i)
  if (repeated !== undefined) reader.error('group_eval_order', `group name repeated in evaluation order: ${repeated}`)
  return names
}

function readGroup(reader: MapReader, intervalMs: number, parseTime: (text: string) => number | null): TestGroup {
  const name = textOf(reader, 'name')
  const group: TestGroup = {
    name,
    intervalMs: reader.durationMs('interval', 0) || intervalMs,
    series: reader.maps('input_series').map((line) => {
      const one = { series: textOf(line, 'series'), values: textOf(line, 'values') }
      line.finish()
      return one
    }),
    alertTests: reader.maps('alert_rule_test').map(readAlertTest),
    exprTests: reader.maps('promql_expr_test').map(readExprTest),
    externalLabels: mapOf(reader, 'external_labels'),
    externalUrl: textOf(reader, 'external_url'),
    startMs: readStart(reader, parseTime),
  }
  reader.finish()
  return group
}

function readStart(reader: MapReader, parseTime: (text: string) => number | null): number {
  if (!reader.has('start_timestamp')) return 0
  const text = reader.text('start_timestamp', '')
  const startMs = parseTime(text)
  if (startMs === null) reader.error('start_timestamp', `cannot parse ${JSON.stringify(text)} to a valid timestamp`)
  return startMs ?? 0
}

function readAlertTest(reader: MapReader): AlertTest {
  const test: AlertTest = {
    evalTimeMs: reader.durationMs('eval_time', 0),
    alertName: textOf(reader, 'alertname'),
    expected: reader.maps('exp_alerts').map((alert) => {
      const one = { labels: mapOf(alert, 'exp_labels'), annotations: mapOf(alert, 'exp_annotations') }
      alert.finish()
      return one
    }),
  }
  reader.finish()
  return test
}

function readExprTest(reader: MapReader): ExprTest {
  const test: ExprTest = {
    evalTimeMs: reader.durationMs('eval_time', 0),
    expr: textOf(reader, 'expr'),
    expected: reader.maps('exp_samples').map((sample) => {
      const one = { labels: textOf(sample, 'labels'), value: sample.float('value', 0), histogram: textOf(sample, 'histogram') }
      sample.finish()
      return one
    }),
  }
  reader.finish()
  return test
}

function textOf(reader: MapReader, key: string): string {
  return reader.has(key) ? reader.text(key, '') : ''
}

/** A map of texts; what is null is empty. */
function mapOf(reader: MapReader, key: string): Map<string, string> {
  return new Map(reader.map(key)?.entries().flatMap(({ key: name, path, value }): [string, string][] => {
    if (value.kind === 'scalar') return [[name, isNull(value) ? '' : value.text]]
    reader.problems.error(value.at, `${path}: want a text, got ${describe(value)}`)
    return []
  }))
}
