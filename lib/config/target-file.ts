// Target files of file_sd_configs: a list of { targets, labels }, as JSON or YAML. Each refresh of a file decides
// whether servers are watched, so a file is taken whole or not at all, and what is wrong is named with its place.
import type { TargetGroup } from '../model/target-group.ts'
import { isValidLabelName } from '../model/relabel.ts'
import { readTargetGroup } from './discovery-section.ts'
import { jsonFault, jsonItemPlaces } from './json-place.ts'
import { plainTargets } from './plain-targets.ts'
import { describe, formatProblem, MapReader, Problems } from './reader.ts'
import { parseYaml } from './yaml-node.ts'

/** A target file that does not say what it should; the message names the file and the place. */
export class TargetFileError extends Error {
  readonly code = 'TARGET_FILE'
}

/** The groups of a file; source is `path:index`. Adds `__meta_filepath`. Throws TargetFileError. */
export function parseTargetFile(text: string, path: string): TargetGroup[] {
  const work = readTargetFile(text, path)
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** The same in slices, a few ms each, so that a large file need not hold up its thread. */
export function readTargetFile(text: string, path: string): Generator<undefined, TargetGroup[]> {
  // JSON is YAML too, but JSON.parse takes a tenth of the time, and programs write large files.
  return path.toLowerCase().endsWith('.json') ? readJson(text, path) : readYaml(text, path)
}

function* readYaml(text: string, path: string): Generator<undefined, TargetGroup[]> {
  const problems = new Problems((at) => placeOf(text, at), true)
  const complain = (at: number, message: string): void => problems.error(at, message)
  const groups: TargetGroup[] = []
  let count = 0
  for (const { part, base } of partsOf(text)) {
    const root = plainTargets(part, base) ?? parseYaml(part, complain, base).root
    if (root?.kind === 'list') {
      for (const item of root.items) {
        const entry = `entry ${count + 1}`
        if (item.kind === 'map') groups.push(withPath(readTargetGroup(new MapReader(problems, item, entry), `${path}:${count}`), path))
        else problems.error(item.at, `${entry}: want {targets, labels}, got ${describe(item)}`)
        count++
      }
    } else if (root) problems.error(root.at, `want a list of {targets, labels}, got ${describe(root)}`)
    yield
  }
  const errors = problems.errors()
  if (errors.length > 0) throw new TargetFileError(errors.map((error) => formatProblem(path, error)).join('\n'))
  return groups
}

/** A list written in block style, cut between items into parts that can be read one by one; other texts whole. */
function* partsOf(text: string): Generator<{ part: string, base: number }> {
  HEAD.lastIndex = 0
  HEAD.test(text)
  let base = HEAD.lastIndex
  if (!text.startsWith('- ', base) || isOneWhole(text, base)) {
    yield { part: text, base: 0 }
    return
  }
  while (base < text.length) {
    const cut = text.indexOf('\n- ', base + PART_CHARS)
    const end = cut < 0 ? text.length : cut + 1
    yield { part: text.slice(base, end), base }
    base = end
  }
}

/** 8 KiB take the YAML parser some 12 ms. */
const PART_CHARS = 8192
/** Blank lines and comments, and the mark of a document's beginning. */
const HEAD = /(?:[ \t]*(?:#.*)?\r?\n)*(?:---[ \t]*\r?\n)?(?:[ \t]*(?:#.*)?\r?\n)*/y
const ANCHOR = /(?:^|[\s,[{:-])&[^\s,[\]{}]/

/** Whether there are anchors, which hold for the rest of a document, or marks of other documents. */
function isOneWhole(text: string, base: number): boolean {
  // Fast path: to look for bytes takes a tenth of the time of a regex, in a text of MBs.
  if (['\n---', '\n...', '\n%'].some((mark) => text.includes(mark, base))) return true
  return text.includes('&', base) && ANCHOR.test(text.slice(base))
}

/** The list that a server answered with, in slices; source is `url:index`. Adds `__meta_url`. Throws TargetFileError. */
export function readTargetAnswer(text: string, url: string): Generator<undefined, TargetGroup[]> {
  return readJson(text, url, '__meta_url')
}

function* readJson(text: string, path: string, pathLabel = PATH_LABEL): Generator<undefined, TargetGroup[]> {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    const fault = jsonFault(text)
    const message = fault?.message ?? (cause instanceof Error ? cause.message : String(cause))
    throw jsonError(text, path, fault?.at ?? 0, message, cause)
  }
  // Programs in Go write an empty list so.
  if (content === null) return []
  if (!Array.isArray(content)) throw jsonError(text, path, 0, 'want a list of {targets, labels}')
  yield
  const groups: TargetGroup[] = []
  for (const [i, entry] of content.entries()) {
    const fail = (what: string): TargetFileError => jsonError(text, path, jsonItemPlaces(text)[i]!, `entry ${i + 1}: ${what}`)
    groups.push(withPath(jsonGroup(entry, `${path}:${i}`, fail), path, pathLabel))
    if (i % GROUPS_PER_SLICE === GROUPS_PER_SLICE - 1) yield
  }
  return groups
}

/** Some ms, if they have ten targets each. */
const GROUPS_PER_SLICE = 500

function jsonError(text: string, path: string, at: number, message: string, cause?: unknown): TargetFileError {
  return new TargetFileError(formatProblem(path, { ...placeOf(text, at), message }), cause === undefined ? {} : { cause })
}

function jsonGroup(entry: unknown, source: string, fail: (what: string) => TargetFileError): TargetGroup {
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
    source,
    targets: targets.map((address: unknown) => {
      if (typeof address !== 'string') throw fail('targets must be a list of "host:port"')
      return new Map([['__address__', address]])
    }),
    labels: common,
  }
}

const PATH_LABEL = '__meta_filepath'

function withPath(group: TargetGroup, path: string, label = PATH_LABEL): TargetGroup {
  return { ...group, labels: new Map([...group.labels, [label, path]]) }
}

/** 1-based line and column. */
function placeOf(text: string, at: number): { line: number, column: number } {
  let line = 1
  let from = 0
  for (let next = text.indexOf('\n'); next >= 0 && next < at; next = text.indexOf('\n', from)) {
    line++
    from = next + 1
  }
  return { line, column: Math.min(at, text.length) - from + 1 }
}
