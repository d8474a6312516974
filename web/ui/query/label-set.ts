// Label sets as the API sends them, in the one order the pages rely on: by name, `__name__` included. Kept as pairs,
// not as an object, because a label may well be called `__proto__`.

/** Labels sorted by name; the metric's name is the pair `__name__`. */
export type LabelSet = readonly (readonly [name: string, value: string])[]

/** The label set of a `metric` object of the API. */
export function labelSetOf(metric: Readonly<Record<string, string>>): LabelSet {
  return Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Value of a label, '' where it is absent (as everywhere in Prometheus). */
export function labelValue(labels: LabelSet, name: string): string {
  for (const pair of labels) if (pair[0] === name) return pair[1]
  return ''
}

/** A name that needs no quotes inside braces. */
const PLAIN_LABEL = /^[A-Za-z_][A-Za-z0-9_]*$/
const PLAIN_METRIC = /^[A-Za-z_:][A-Za-z0-9_:]*$/

const quote = (text: string): string => `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`

/** The series as PromQL would select it: `up{job="node"}`, `{"my.metric",job="node"}`; `{}` for no labels. */
export function seriesText(labels: LabelSet): string {
  const name = labelValue(labels, '__name__')
  const isPlain = PLAIN_METRIC.test(name)
  const inside: string[] = name !== '' && !isPlain ? [quote(name)] : []
  for (const [label, value] of labels) {
    if (label !== '__name__') inside.push(`${PLAIN_LABEL.test(label) ? label : quote(label)}=${quote(value)}`)
  }
  if (inside.length === 0) return isPlain ? name : '{}'
  return `${isPlain ? name : ''}{${inside.join(',')}}`
}

/** Pairs that all the sets have. For a single set: its metric name only, so that its legend row is not left empty. */
export function commonLabels(sets: readonly LabelSet[]): LabelSet {
  const [first, ...others] = sets
  if (!first) return []
  if (others.length === 0) return first.filter(([name]) => name === '__name__')
  let common = [...first]
  for (const labels of others) {
    const values = new Map(labels)
    common = common.filter(([name, value]) => values.get(name) === value)
    if (common.length === 0) break
  }
  return common
}

/** The set without the pairs of `common`. */
export function ownLabels(labels: LabelSet, common: LabelSet): LabelSet {
  const names = new Set(common.map(([name]) => name))
  return labels.filter(([name]) => !names.has(name))
}

/** Names that occur in any of the sets, sorted, `__name__` first. */
export function labelNames(sets: readonly LabelSet[]): string[] {
  const names = new Set<string>()
  for (const labels of sets) for (const [name] of labels) names.add(name)
  const rest = [...names].filter((name) => name !== '__name__').sort()
  return names.has('__name__') ? ['__name__', ...rest] : rest
}
