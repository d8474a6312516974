// Two lists of alerts as one JSON text, what differs coloured, as promtool's `--diff` shows it: green is there and was not expected,
// red was expected and is not there, yellow is another value.
import { compareText, type Labels } from '../../model/labels.ts'

const GREEN = '\x1b[0;32m'
const RED = '\x1b[0;31m'
const YELLOW = '\x1b[0;33m'
const END = '\x1b[0m'

interface Line {
  depth: number
  text: string
}

/** Labels and annotations sorted by name. */
export interface DiffedAlert {
  labels: Labels
  annotations: Labels
}

const NONE: DiffedAlert = { labels: [], annotations: [] }

/** Alerts are compared by their place. */
export function alertsDiff(expected: readonly DiffedAlert[], got: readonly DiffedAlert[]): string {
  const want = expected.length === 0 ? [NONE] : expected
  const have = got.length === 0 ? [NONE] : got
  const elements = Array.from({ length: Math.max(want.length, have.length) }, (_, i) => element(want[i], have[i]))
  return block('[', elements, ']').map(({ depth, text }) => '    '.repeat(depth) + text).join('\n')
}

function element(want: DiffedAlert | undefined, got: DiffedAlert | undefined): Line[] {
  if (want !== undefined && got !== undefined) return alert(want, got)
  const only = (want ?? got)!
  const color = want === undefined ? GREEN : RED
  return alert(only, only).map(({ depth, text }) => ({ depth, text: color + text + END }))
}

function alert(want: DiffedAlert, got: DiffedAlert): Line[] {
  return block('{', [labelSet('Annotations', want.annotations, got.annotations), labelSet('Labels', want.labels, got.labels)], '}')
}

function labelSet(title: string, want: Labels, got: Labels): Line[] {
  const [a, b] = [valuesOf(want), valuesOf(got)]
  const names = [...new Set([...a.keys(), ...b.keys()])].toSorted(compareText)
  if (names.length === 0) return [{ depth: 0, text: `"${title}": {}` }]
  return block(`"${title}": {`, names.map((name) => [{ depth: 0, text: member(name, a.get(name), b.get(name)) }]), '}')
}

function member(name: string, want: string | undefined, got: string | undefined): string {
  const key = JSON.stringify(name)
  if (want === undefined) return `${GREEN}${key}: ${JSON.stringify(got)}${END}`
  if (got === undefined) return `${RED}${key}: ${JSON.stringify(want)}${END}`
  return want === got ? `${key}: ${JSON.stringify(want)}` : `${key}: ${YELLOW}${JSON.stringify(want)} => ${JSON.stringify(got)}${END}`
}

/** Items between two lines, a comma behind each but the last. */
function block(open: string, items: readonly Line[][], close: string): Line[] {
  const inner = items.flatMap((lines, i) => lines.map(({ depth, text }, k) => (
    { depth: depth + 1, text: i < items.length - 1 && k === lines.length - 1 ? `${text},` : text }
  )))
  return [{ depth: 0, text: open }, ...inner, { depth: 0, text: close }]
}

function valuesOf(labels: Labels): Map<string, string> {
  return new Map(labels.flatMap((name, i) => (i % 2 === 0 ? [[name, labels[i + 1]!] as const] : [])))
}
