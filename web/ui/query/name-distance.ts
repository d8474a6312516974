// Guesses for misspelt metric names: which words of an expression can be metrics, and which known names are near.
import { editDistance } from '../../../lib/std/nearest-word.ts'

/** Words of PromQL that may stand where a name could. */
const KEYWORDS = new Set([
  'and', 'or', 'unless', 'by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'bool', 'offset', 'inf', 'nan', 'atan2',
  'start', 'end', 'sum', 'avg', 'count', 'min', 'max', 'group', 'stddev', 'stdvar', 'topk', 'bottomk', 'count_values', 'quantile', 'limitk', 'limit_ratio',
])
const TOKEN = /"(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*'|`[^`]*`|#[^\n]*|\{[^{}]*\}|\[[^[\]]*\]|(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)|[\d.]+[a-z0-9]*|[a-zA-Z_:][\w:]*(\s*\()?/gi

/** A metric name in quotes, first in its braces or as the label of names. */
const QUOTED_NAME = /^\{\s*(?:("(?:\\[^]|[^"\\])*")\s*[,}]|.*?\b__name__\s*=\s*("(?:\\[^]|[^"\\])*"))/s

/** Metric names of an expression in order of appearance: words that are neither functions, keywords, labels nor texts. */
export function metricNamesIn(expr: string): string[] {
  const names = new Set<string>()
  for (const [token, call] of expr.matchAll(TOKEN)) {
    const [, first, label] = QUOTED_NAME.exec(token) ?? []
    if (first !== undefined || label !== undefined) names.add(textOf(first ?? label!))
    if (call !== undefined || !/^[a-zA-Z_:][\w:]*$/.test(token) || KEYWORDS.has(token.toLowerCase())) continue
    names.add(token)
  }
  return [...names]
}

/** Of a text in double quotes; escapes that JSON does not have stay as they are. */
function textOf(quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return quoted.slice(1, -1)
  }
}

const NAMES_SHOWN = 5

/** Up to five known names within a third of the name's length in edits, or that contain it; nearest first. */
export function nearestNames(name: string, known: readonly string[]): string[] {
  const most = Math.max(2, Math.floor(name.length / 3))
  const scored: [number, string][] = []
  for (const other of known) {
    const distance = other.includes(name) || (name.includes(other) && other.length > 3) ? 1 + Math.abs(other.length - name.length) / 100 : editDistance(name, other, most + 1)
    if (distance <= most) scored.push([distance, other])
  }
  return scored.sort(([a, x], [b, y]) => a - b || (x < y ? -1 : 1)).slice(0, NAMES_SHOWN).map(([, other]) => other)
}
