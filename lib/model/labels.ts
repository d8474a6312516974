// A label set as the cold paths see it: one flat array [name1, value1, name2, value2, …], sorted by name in
// byte order of UTF-8 (Go's string order, Prometheus' labels.Compare), names unique, no empty values.
// Hot paths use series refs and symbol ids instead (storage/interface.ts).

import { quote } from '../std/go-format.ts'

export type Labels = readonly string[]

export const METRIC_NAME = '__name__'
export const EMPTY_LABELS: Labels = []

/** Order of UTF-8 bytes. JavaScript's `<` orders UTF-16 units, which differs once surrogates meet U+E000–U+FFFF. */
export function compareText(a: string, b: string): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) {
      // Shift surrogates above the rest of the basic plane, where UTF-8 puts them.
      return (x >= 0xd800 && x <= 0xdfff ? x + 0x10000 : x) - (y >= 0xd800 && y <= 0xdfff ? y + 0x10000 : y)
    }
  }
  return a.length - b.length
}

/** Sets of more labels are sorted by the library. */
const INSERTION_LABELS_MAX = 48

/** Sorts, drops empty values. */
export function labelsFromMap(map: ReadonlyMap<string, string>): Labels {
  if (map.size > INSERTION_LABELS_MAX) {
    const names = [...map.keys()].filter((name) => map.get(name) !== '').toSorted(compareText)
    return names.flatMap((name) => [name, map.get(name)!])
  }
  // Fast path: each to its place among those before it, which nearly always is behind them. Every new series comes here.
  const labels: string[] = []
  for (const [name, value] of map) {
    if (value === '') continue
    let at = labels.length
    labels.push(name, value)
    for (; at > 0 && compareText(labels[at - 2]!, name) > 0; at -= 2) {
      labels[at] = labels[at - 2]!
      labels[at + 1] = labels[at - 1]!
    }
    labels[at] = name
    labels[at + 1] = value
  }
  return labels
}

/** Puts a label to its place in a sorted list; false, and nothing is done, where the name is there. */
export function insertLabel(labels: string[], name: string, value: string): boolean {
  let at = labels.length
  let order = 1
  for (; at > 0 && (order = compareText(labels[at - 2]!, name)) > 0; at -= 2);
  if (order === 0) return false
  labels.push(name, value)
  for (let i = labels.length - 2; i > at; i -= 2) {
    labels[i] = labels[i - 2]!
    labels[i + 1] = labels[i - 1]!
  }
  labels[at] = name
  labels[at + 1] = value
  return true
}

export function labelsFromRecord(record: Readonly<Record<string, string>>): Labels {
  return labelsFromMap(new Map(Object.entries(record)))
}

export function labelsToMap(labels: Labels): Map<string, string> {
  const map = new Map<string, string>()
  for (let i = 0; i < labels.length; i += 2) map.set(labels[i]!, labels[i + 1]!)
  return map
}

/** The value of `name`, or '' where the set has no such label (the two are the same in the data model). */
export function getLabel(labels: Labels, name: string): string {
  for (let i = 0; i < labels.length; i += 2) if (labels[i] === name) return labels[i + 1]!
  return ''
}

/** Prometheus' labels.Compare: name by name, value by value, the shorter set first. */
export function compareLabels(a: Labels, b: Labels): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    if (a[i] !== b[i]) return compareText(a[i]!, b[i]!)
  }
  return a.length - b.length
}

const LEGACY_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const LEGACY_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/

export function isLegacyLabelName(name: string): boolean {
  return LEGACY_LABEL.test(name)
}

export function isLegacyMetricName(name: string): boolean {
  return LEGACY_METRIC.test(name)
}

/** `name{a="1", b="2"}`, as people write a series; the name stands among the labels where it is no plain one. */
export function formatLabels(labels: Labels): string {
  const metric = getLabel(labels, METRIC_NAME)
  if (!isLegacyMetricName(metric)) return printLabels(labels)
  const others = labels.filter((_, i) => labels[i - i % 2] !== METRIC_NAME)
  return others.length === 0 ? metric : `${metric}${printLabels(others)}`
}

/** `{__name__="name", a="1"}`: Go's labels.String(), the form of Prometheus' messages. */
export function printLabels(labels: Labels): string {
  const parts: string[] = []
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i]!
    parts.push(`${isLegacyLabelName(name) ? name : quote(name)}=${quote(labels[i + 1]!)}`)
  }
  return `{${parts.join(', ')}}`
}

/** `{a="1", b="2"}` with names as they are: Go's model.LabelSet.String(), in keys of groups of alerts. */
export function printLabelSet(labels: Labels): string {
  const parts: string[] = []
  for (let i = 0; i < labels.length; i += 2) parts.push(`${labels[i]!}=${quote(labels[i + 1]!)}`)
  return `{${parts.join(', ')}}`
}

/** Those of the labels that a text ends with, printed so: what `printLabelSet` made the end of it of. */
export function labelSetSuffix(text: string, labels: Labels): Labels {
  const found: string[] = []
  let end = text.length - 1
  for (let i = labels.length - 2; i >= 0; i -= 2) {
    const [name, value] = [labels[i]!, labels[i + 1]!]
    const pair = `${name}=${quote(value)}`
    const at = end - pair.length
    const isFirst = text[at - 1] === '{'
    if (text.slice(at, end) !== pair || !(isFirst || text.slice(at - 2, at) === ', ')) continue
    found.unshift(name, value)
    if (isFirst) break
    end = at - 2
  }
  return found
}
