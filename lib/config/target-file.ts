// Target files of file_sd_configs: a list of { targets, labels }, as JSON or YAML. Each refresh of a file decides
// whether servers are watched, so a file is taken whole or not at all, and what is wrong is named with its place.
import type { TargetGroup } from '../model/target-group.ts'
import { isValidLabelName } from '../model/relabel.ts'
import { readTargetGroup } from './discovery-section.ts'
import { describe, formatProblem, MapReader, Problems } from './reader.ts'
import { parseYaml } from './yaml-node.ts'

/** A target file that does not say what it should; the message names the file and the place. */
export class TargetFileError extends Error {
  readonly code = 'TARGET_FILE'
}

/** The groups of a file; source is `path:index`. Adds `__meta_filepath`. Throws TargetFileError. */
export function parseTargetFile(text: string, path: string): TargetGroup[] {
  // JSON is YAML too, but JSON.parse takes a tenth of the time, and programs write large files.
  const groups = path.toLowerCase().endsWith('.json') ? readJson(text, path) : readYaml(text, path)
  return groups.map((group) => ({ ...group, labels: new Map([...group.labels, ['__meta_filepath', path]]) }))
}

function readYaml(text: string, path: string): TargetGroup[] {
  const faults: [number, string][] = []
  const { root, position } = parseYaml(text, (at, message) => faults.push([at, message]))
  const problems = new Problems(position, true)
  for (const [at, message] of faults) problems.error(at, message)
  const groups: TargetGroup[] = []
  if (root?.kind === 'list') {
    root.items.forEach((item, i) => {
      const entry = `entry ${i + 1}`
      if (item.kind === 'map') groups.push(readTargetGroup(new MapReader(problems, item, entry), `${path}:${i}`))
      else problems.error(item.at, `${entry}: want {targets, labels}, got ${describe(item)}`)
    })
  } else if (root) problems.error(root.at, `want a list of {targets, labels}, got ${describe(root)}`)
  const errors = problems.errors()
  if (errors.length > 0) throw new TargetFileError(errors.map((error) => formatProblem(path, error)).join('\n'))
  return groups
}

function readJson(text: string, path: string): TargetGroup[] {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    throw new TargetFileError(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  if (!Array.isArray(content)) throw new TargetFileError(`${path}: want a list of {targets, labels}`)
  return content.map((entry: unknown, i) => jsonGroup(entry, i, path))
}

function jsonGroup(entry: unknown, i: number, path: string): TargetGroup {
  const fail = (what: string): TargetFileError => new TargetFileError(`${path}: entry ${i + 1}: ${what}`)
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw fail('want {targets, labels}')
  const given = new Map<string, unknown>(Object.entries(entry))
  for (const key of given.keys()) {
    if (key !== 'targets' && key !== 'labels') throw fail(`unknown key ${JSON.stringify(key)}; want targets, labels`)
  }
  const targets = given.get('targets') ?? []
  if (!Array.isArray(targets)) throw fail('targets must be a list of "host:port"')
  const labels = given.get('labels') ?? {}
  if (typeof labels !== 'object' || Array.isArray(labels)) throw fail('labels must be a map')
  const common = new Map<string, string>()
  for (const [name, value] of Object.entries(labels)) {
    if (!isValidLabelName(name, 'utf8')) throw fail(`${JSON.stringify(name)} is not a valid label name`)
    if (typeof value !== 'string') throw fail(`label ${name} must be a text`)
    common.set(name, value)
  }
  return {
    source: `${path}:${i}`,
    targets: targets.map((address: unknown) => {
      if (typeof address !== 'string') throw fail('targets must be a list of "host:port"')
      return new Map([['__address__', address]])
    }),
    labels: common,
  }
}
