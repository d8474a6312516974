// Relabeling: the steps of relabel_configs and metric_relabel_configs applied to one label set, in Prometheus' exact
// terms. Source: prometheus model/relabel/relabel.go; traps 8 and 9 of its re-implementers:
//   regexes are anchored and dotall; `replace` with an empty result deletes; an invalid target name changes nothing;
//   hashmod is the last 8 bytes of MD5, big endian; a missing label reads as the empty text.
import { hash } from 'node:crypto'
import { compileWrapped, type Regex } from '../std/regex.ts'
import { compareText, isLegacyLabelName } from './labels.ts'
import type { RelabelConfig } from './relabel-config.ts'

/** Which label names are valid: any text in UTF-8, or `[a-zA-Z_][a-zA-Z0-9_]*`. */
export type NameScheme = 'utf8' | 'legacy'

interface Step {
  readonly config: RelabelConfig
  readonly regex: Regex
  readonly modulus: bigint
  /** `replace` with the default regex and no variables: sets fixed text even when the source is empty. */
  readonly isFixed: boolean
}

/** Regexes are compiled once per list; lists come from a loaded configuration and never change. */
const compiled = new WeakMap<readonly RelabelConfig[], readonly Step[]>()

/**
 * Applies `configs` in order, changing `labels`; an empty value deletes its label. False if the labels were dropped
 * (their content is then undefined). Throws RegexError for a bad regex, which lib/config has ruled out before.
 */
export function relabel(
  labels: Map<string, string>, configs: readonly RelabelConfig[], scheme: NameScheme = 'utf8',
): boolean {
  let steps = compiled.get(configs)
  if (!steps) {
    steps = configs.map(compileStep)
    compiled.set(configs, steps)
  }
  for (const step of steps) if (!applyStep(step, labels, scheme)) return false
  return true
}

export function isValidLabelName(name: string, scheme: NameScheme): boolean {
  return scheme === 'legacy' ? isLegacyLabelName(name) : name !== '' && name.isWellFormed()
}

/** Whether a template refers to a group: `$1`, `${1}`, `$name`, but also `$$` (Prometheus' test, kept as it is). */
export function hasVariable(template: string): boolean {
  return template.includes('$')
}

function compileStep(config: RelabelConfig): Step {
  return {
    config,
    regex: compileWrapped(config.regex),
    modulus: BigInt(config.modulus),
    isFixed: config.regex === '(.*)' && !hasVariable(config.targetLabel) && !hasVariable(config.replacement),
  }
}

function applyStep(step: Step, labels: Map<string, string>, scheme: NameScheme): boolean {
  const { config, regex } = step
  switch (config.action) {
    case 'drop': return !regex.test(sourceValue(config, labels))
    case 'keep': return regex.test(sourceValue(config, labels))
    case 'dropequal': return (labels.get(config.targetLabel) ?? '') !== sourceValue(config, labels)
    case 'keepequal': return (labels.get(config.targetLabel) ?? '') === sourceValue(config, labels)
    case 'replace': replace(step, labels, scheme); break
    case 'lowercase': set(labels, config.targetLabel, simpleCase(sourceValue(config, labels), simpleLower)); break
    case 'uppercase': set(labels, config.targetLabel, simpleCase(sourceValue(config, labels), simpleUpper)); break
    case 'hashmod': set(labels, config.targetLabel, hashMod(sourceValue(config, labels), step.modulus)); break
    case 'labelmap': {
      // Over what was there before, in name order: where two names map to one, the later name's value stays.
      for (const [name, value] of [...labels].toSorted(([a], [b]) => compareText(a, b))) {
        const target = regex.replaceAnchored(name, config.replacement)
        if (target !== null) set(labels, target, value)
      }
      break
    }
    case 'labeldrop':
      for (const name of labels.keys()) if (regex.test(name)) labels.delete(name)
      break
    case 'labelkeep':
      for (const name of labels.keys()) if (!regex.test(name)) labels.delete(name)
      break
  }
  return true
}

function sourceValue(config: RelabelConfig, labels: ReadonlyMap<string, string>): string {
  return config.sourceLabels.map((name) => labels.get(name) ?? '').join(config.separator)
}

function set(labels: Map<string, string>, name: string, value: string): void {
  if (value === '') labels.delete(name)
  else labels.set(name, value)
}

function replace(step: Step, labels: Map<string, string>, scheme: NameScheme): void {
  const { config, regex } = step
  const value = sourceValue(config, labels)
  if (step.isFixed && value === '') {
    set(labels, config.targetLabel, config.replacement)
    return
  }
  const target = hasVariable(config.targetLabel) ? regex.replaceAnchored(value, config.targetLabel) : config.targetLabel
  if (target === null || !isValidLabelName(target, scheme)) return
  const result = regex.replaceAnchored(value, config.replacement)
  if (result !== null) set(labels, target, result)
}

function hashMod(value: string, modulus: bigint): string {
  return String(hash('md5', value, 'buffer').readBigUint64BE(8) % modulus)
}

// Go maps case rune by rune; JavaScript may lengthen (ß to SS) or look around (final sigma).
function simpleCase(text: string, one: (char: string) => string): string {
  let result = ''
  for (const char of text) result += one(char)
  return result
}

function simpleLower(char: string): string {
  return char === 'İ' ? 'i' : char.toLowerCase()
}

function simpleUpper(char: string): string {
  const upper = char.toUpperCase()
  if (Array.from(upper).length === 1) return upper
  const code = char.codePointAt(0)!
  // Greek with iota subscript: the one-character capital has it adscript.
  if (code >= 0x1f80 && code <= 0x1faf && (code & 8) === 0) return String.fromCodePoint(code + 8)
  if (code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) return String.fromCodePoint(code + 9)
  return char
}
