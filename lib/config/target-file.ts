// Target files of file_sd_configs: a list of { targets, labels }, as JSON or YAML.
import { parse } from 'yaml'
import type { TargetGroup } from '../model/target-group.ts'

/** A target file that does not say what it should; the message names the file and the entry. */
export class TargetFileError extends Error {
  readonly code = 'TARGET_FILE'
}

/** The groups of a file; source is `path:index`. Adds `__meta_filepath`. Throws TargetFileError. */
export function parseTargetFile(text: string, path: string): TargetGroup[] {
  const isJson = path.endsWith('.json')
  let content: unknown
  try {
    content = isJson ? JSON.parse(text) : parse(text, { maxAliasCount: 100 })
  } catch (cause) {
    throw new TargetFileError(`cannot read targets from ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  if (content === null || content === undefined) return []
  if (!Array.isArray(content)) throw new TargetFileError(`cannot read targets from ${path}: want a list of {targets, labels}, got ${typeof content}`)
  return content.map((entry: unknown, i) => groupOf(entry, i, path))
}

function groupOf(entry: unknown, i: number, path: string): TargetGroup {
  const fail = (what: string): TargetFileError => new TargetFileError(`cannot read targets from ${path}: entry ${i + 1}: ${what}`)
  if (typeof entry !== 'object' || entry === null) throw fail('want {targets, labels}')
  const given = new Map(Object.entries(entry))
  for (const key of given.keys()) if (key !== 'targets' && key !== 'labels') throw fail(`unknown key ${JSON.stringify(key)}; want targets, labels`)
  const targets: unknown = given.get('targets') ?? []
  const labels: unknown = given.get('labels') ?? {}
  if (!Array.isArray(targets) || !targets.every((target) => typeof target === 'string')) throw fail('targets must be a list of "host:port"')
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) throw fail('labels must be a map')
  const common = new Map<string, string>([['__meta_filepath', path]])
  for (const [name, value] of Object.entries(labels)) {
    if (typeof value !== 'string') throw fail(`label ${name} must be a text; put it in quotes`)
    common.set(name, value)
  }
  return { source: `${path}:${i}`, targets: targets.map((address) => new Map([['__address__', String(address)]])), labels: common }
}
