// One entry of relabel_configs or metric_relabel_configs: defaults, and the fields each action wants or refuses.
// Source: prometheus model/relabel/relabel.go, Validate.
import { hasVariable, isValidLabelName, type NameScheme } from '../model/relabel.ts'
import type { RelabelAction, RelabelConfig } from '../model/relabel-config.ts'
import { compileWrapped, RegexError } from '../std/regex.ts'
import type { MapReader } from './reader.ts'

const ACTIONS: readonly RelabelAction[] = [
  'replace', 'lowercase', 'uppercase', 'keep', 'drop', 'keepequal', 'dropequal', 'hashmod',
  'labelmap', 'labeldrop', 'labelkeep',
]
const WANTS_TARGET: ReadonlySet<RelabelAction> = new Set([
  'replace', 'keepequal', 'dropequal', 'hashmod', 'lowercase', 'uppercase',
])
const REFUSES_REPLACEMENT: ReadonlySet<RelabelAction> = new Set(['lowercase', 'uppercase', 'keepequal', 'dropequal'])

/** Reads and checks the list under `key`. */
export function readRelabelConfigs(reader: MapReader, key: string, scheme: NameScheme): RelabelConfig[] {
  return reader.maps(key).map((entry) => readRelabelConfig(entry, scheme))
}

function readRelabelConfig(reader: MapReader, scheme: NameScheme): RelabelConfig {
  const config = {
    action: readAction(reader),
    sourceLabels: readSourceLabels(reader, scheme),
    separator: reader.text('separator', ';'),
    regex: readRegex(reader),
    modulus: reader.count('modulus', 0),
    targetLabel: reader.text('target_label', ''),
    replacement: reader.text('replacement', '$1'),
  }
  reader.finish()
  checkFields(reader, config)
  checkTarget(reader, config, scheme)
  return config
}

function readAction(reader: MapReader): RelabelAction {
  const written = reader.text('action', 'replace')
  const action = ACTIONS.find((one) => one === written.toLowerCase())
  if (action) return action
  // One that wants no other field: what it lacks is not to be told beside what it is called.
  return reader.oneOf('action', ACTIONS, 'keep')
}

function readSourceLabels(reader: MapReader, scheme: NameScheme): string[] {
  return (reader.texts('source_labels') ?? []).map(({ text, at, path }) => {
    if (!isValidLabelName(text, scheme)) {
      reader.problems.error(at, `${path}: ${JSON.stringify(text)} is not a valid label name`)
    }
    return text
  })
}

function readRegex(reader: MapReader): string {
  const source = reader.text('regex', '(.*)')
  try {
    compileWrapped(source)
    return source
  } catch (error) {
    if (!(error instanceof RegexError)) throw error
    reader.error('regex', error.message)
    return '(.*)'
  }
}

/** Fields that have no part in an action are mistakes. */
function checkFields(reader: MapReader, config: RelabelConfig): void {
  const { action } = config
  const isEqual = action === 'keepequal' || action === 'dropequal'
  const isByName = action === 'labeldrop' || action === 'labelkeep'
  if (action === 'hashmod' && config.modulus === 0) reader.error('modulus', 'action hashmod wants a modulus above 0')
  const hasMore = config.modulus !== 0 || config.separator !== ';' || config.replacement !== '$1'
  if (isEqual && (config.regex !== '(.*)' || hasMore)) {
    reader.error('action', `${action} takes only source_labels and target_label`)
  } else if (REFUSES_REPLACEMENT.has(action) && config.replacement !== '$1') {
    reader.error('replacement', `has no part in action ${action}`)
  }
  if (isByName && (reader.has('source_labels') || config.targetLabel !== '' || hasMore)) {
    reader.error('action', `${action} takes only regex`)
  }
}

function checkTarget(reader: MapReader, config: RelabelConfig, scheme: NameScheme): void {
  const { action, targetLabel, replacement } = config
  if (WANTS_TARGET.has(action)) {
    if (targetLabel === '') reader.error('target_label', `action ${action} wants a target_label`)
    else if (!isValidName(targetLabel, scheme, action === 'replace')) {
      reader.error('target_label', `${JSON.stringify(targetLabel)} is not a valid label name`)
    }
  }
  if (action === 'labelmap' && !isValidName(replacement, scheme, true)) {
    reader.error('replacement', `${JSON.stringify(replacement)} does not make valid label names`)
  }
}

function isValidName(name: string, scheme: NameScheme, mayHaveVariables: boolean): boolean {
  if (scheme === 'utf8' || !mayHaveVariables || !hasVariable(name)) return isValidLabelName(name, scheme)
  return /^(?:[a-zA-Z_]|\$\w|\$\{\w+\})(?:\w|\$\w|\$\{\w+\})*$/.test(name)
}
