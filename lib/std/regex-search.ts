// Patterns searched for inside a text, as Go's regexp.MatchString and ReplaceAllString do it, for templates. Linear in the
// text; lib/std/regex is for patterns that must match as a whole.
import { compileRe2 } from './regex.ts'
import { expandTemplate, parseTemplate } from './regex-template.ts'

/** Whether the pattern matches anywhere. Throws RegexError. */
export function matchesAnywhere(source: string, text: string): boolean {
  return compileRe2(source).re2.matcher(text).find()
}

/** Each match replaced by the template with its groups filled in (`$1`, `${name}`). Throws RegexError. */
export function replaceAll(source: string, template: string, text: string): string {
  const { re2, groupNames } = compileRe2(source)
  const parts = parseTemplate(template)
  const matcher = re2.matcher(text)
  let out = ''
  let at = 0
  let lastEnd = -1
  while (matcher.find()) {
    const [start, end] = [matcher.start(), matcher.end()]
    // An empty match right behind a match is none, as in Go.
    if (start === end && start === lastEnd) continue
    out += text.slice(at, start) + expandTemplate(parts, groupNames, (group) => matcher.group(group))
    at = lastEnd = end
  }
  return out + text.slice(at)
}
