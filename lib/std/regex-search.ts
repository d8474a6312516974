// Patterns searched for inside a text, as Go's regexp.MatchString and ReplaceAllString do it, for templates. Linear in the
// text; lib/std/regex is for patterns that must match as a whole.
import { compileRe2 } from './regex.ts'
import { parseTemplate } from './regex-template.ts'

/** Whether the pattern matches anywhere. Throws RegexError. */
export function matchesAnywhere(source: string, text: string): boolean {
  return compileRe2(source).matcher(text).find()
}

/** Each match replaced by the template with its groups filled in (`$1`, `${name}`). Throws RegexError. */
export function replaceAll(source: string, template: string, text: string): string {
  const automaton = compileRe2(source)
  const parts = parseTemplate(template)
  const names = automaton.namedGroups()
  const groupMax = automaton.groupCount()
  const matcher = automaton.matcher(text)
  let out = ''
  let at = 0
  let lastEnd = -1
  while (matcher.find()) {
    const [start, end] = [matcher.start(), matcher.end()]
    // An empty match right behind a match is none, as in Go.
    if (start === end && start === lastEnd) continue
    out += text.slice(at, start)
    for (const part of parts) {
      if (typeof part === 'string') out += part
      else {
        const group = 'group' in part ? part.group : Object.hasOwn(names, part.name) ? names[part.name]! : Infinity
        if (group <= groupMax) out += matcher.group(group) ?? ''
      }
    }
    at = lastEnd = end
  }
  return out + text.slice(at)
}
