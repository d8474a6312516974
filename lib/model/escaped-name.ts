// Names of metrics and labels for who takes only letters, digits, underscores and colons (prometheus/common model/metric.go, EscapeName).
import { isLegacyMetricName } from './labels.ts'

export type NameEscaping = 'allow-utf-8' | 'underscores' | 'dots' | 'values'

/** The name as a scheme of `escaping=` has it; what needs no escape stays as it is. */
export function escapeName(name: string, scheme: NameEscaping): string {
  if (scheme === 'allow-utf-8' || isLegacyMetricName(name)) return name
  let out = scheme === 'values' ? 'U__' : ''
  let isFirst = true
  for (const rune of name) {
    const isPlain = rune !== '_' && isLegacyMetricName(isFirst ? rune : `a${rune}`)
    out += isPlain ? rune : escapeRune(rune, scheme)
    isFirst = false
  }
  return out
}

function escapeRune(rune: string, scheme: Exclude<NameEscaping, 'allow-utf-8'>): string {
  if (scheme === 'underscores') return '_'
  if (rune === '_') return '__'
  if (scheme === 'dots') return rune === '.' ? '_dot_' : '__'
  return `_${rune.codePointAt(0)!.toString(16)}_`
}
