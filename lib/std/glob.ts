// Names of files by pattern, as Go's filepath.Glob: `*`, `?`, `[a-z]`, `[^a]` and `\x`, none of them across a slash. No
// pattern reaches RegExp: matching is greedy with one point of return, linear in practice.
import path from 'node:path'
import { DiskError, listFolder, pathExists } from './fs.ts'

/** A pattern that is none; Go calls it "syntax error in pattern". */
export class GlobError extends Error {
  readonly code = 'BAD_GLOB'
}

const MAGIC = /[*?[\\]/

/** Existing files and folders that match, sorted; none where a folder cannot be read. Throws GlobError. */
export function glob(pattern: string): string[] {
  checkPattern(pattern)
  return expand(path.normalize(pattern))
}

function expand(pattern: string): string[] {
  if (!MAGIC.test(pattern)) return pathExists(pattern) ? [pattern] : []
  const { dir, base } = path.parse(pattern)
  const folders = MAGIC.test(dir) ? expand(dir) : [dir]
  return folders.flatMap((folder) => namesIn(folder === '' ? '.' : folder).filter((name) => matchesGlob(base, name)).map((name) => path.join(folder, name)))
}

function namesIn(folder: string): string[] {
  try {
    return listFolder(folder).toSorted()
  } catch (error) {
    // As Go: what cannot be read has no files.
    if (error instanceof DiskError) return []
    throw error
  }
}

/** Every class must be closed and every backslash escape something. */
function checkPattern(pattern: string): void {
  for (let at = 0; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++
    else if (pattern[at] === '[') at = classEnd(pattern, at)
    if (at >= pattern.length) throw new GlobError(`syntax error in pattern ${JSON.stringify(pattern)}: a [ is not closed, or a \\ stands last`)
  }
}

/** Position of the bracket that closes the class at `at`; the length where none does. */
function classEnd(pattern: string, at: number): number {
  let i = at + (pattern[at + 1] === '^' ? 2 : 1)
  const first = i
  for (; i < pattern.length; i++) {
    if (pattern[i] === '\\') i++
    else if (pattern[i] === ']' && i > first) return i
  }
  return pattern.length
}

/** Whether one name matches one element of a pattern. */
export function matchesGlob(pattern: string, name: string): boolean {
  let [p, n] = [0, 0]
  /** Where to go on when what follows the last star does not fit. */
  let star = -1
  let starName = 0
  while (n < name.length) {
    const step = p < pattern.length ? oneMatches(pattern, p, name[n]!) : 0
    if (pattern[p] === '*') {
      star = p++
      starName = n
    } else if (step > 0) {
      p += step
      n++
    } else if (star >= 0) {
      p = star + 1
      n = ++starName
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

/** How much of the pattern the character takes, 0 where it does not fit. */
function oneMatches(pattern: string, p: number, char: string): number {
  const at = pattern[p]
  if (at === '*') return 0
  if (at === '?') return 1
  if (at === '\\') return pattern[p + 1] === char ? 2 : 0
  if (at !== '[') return at === char ? 1 : 0
  const end = classEnd(pattern, p)
  const isNegated = pattern[p + 1] === '^'
  let isIn = false
  for (let i = p + (isNegated ? 2 : 1); i < end; i++) {
    if (pattern[i] === '\\') i++
    const low = pattern[i]!
    let high = low
    if (pattern[i + 1] === '-' && i + 2 < end) {
      i += 2
      if (pattern[i] === '\\') i++
      high = pattern[i]!
    }
    if (char >= low && char <= high) isIn = true
  }
  return isIn !== isNegated ? end - p + 1 : 0
}
