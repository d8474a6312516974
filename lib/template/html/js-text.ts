// Values in scripts (html/template js.go): as JSON where a value stands, escaped within strings, template literals and regexps.
import type { Value } from '../value.ts'
import type { JsContext } from './context.ts'

const REGEXP_KEYWORDS = new Set(['break', 'case', 'continue', 'delete', 'do', 'else', 'finally', 'in', 'instanceof', 'return', 'throw', 'try', 'typeof', 'void'])
const SPACES = '\t\n\f\r \u2028\u2029'

/** What a slash would be behind this script, given what it was before. */
export function nextJsContext(script: string, before: JsContext): JsContext {
  let end = script.length
  while (end > 0 && SPACES.includes(script[end - 1]!)) end--
  if (end === 0) return before
  const last = script[end - 1]!
  if (last === '+' || last === '-') {
    let start = end - 1
    while (start > 0 && script[start - 1] === last) start--
    // `x++ /` divides, `x + /` does not.
    return (end - start) % 2 === 1 ? 'regexp' : 'divOp'
  }
  if (last === '.') return end > 1 && /\d/.test(script[end - 2]!) ? 'divOp' : 'regexp'
  if (',<>=*%&|^?!~([:;{}'.includes(last)) return 'regexp'
  const word = /[$\w]*$/.exec(script.slice(0, end))![0]
  return REGEXP_KEYWORDS.has(word) ? 'regexp' : 'divOp'
}

const u4 = (rune: string): string => `\\u${rune.codePointAt(0)!.toString(16).padStart(4, '0')}`
const CONTROLS: ReadonlyMap<string, string> = new Map([['\t', '\\t'], ['\n', '\\n'], ['\f', '\\f'], ['\r', '\\r']])

/** Replaces control characters, line separators, and what `own` has. */
function replaced(text: string, own: (rune: string) => string | undefined): string {
  let out = ''
  for (const rune of text) {
    if (rune < ' ') out += CONTROLS.get(rune) ?? u4(rune)
    else if (rune === '\u2028' || rune === '\u2029') out += u4(rune)
    else out += own(rune) ?? rune
  }
  return out
}

function inString(rune: string): string | undefined {
  if ('"`&\'+<>'.includes(rune)) return u4(rune)
  return rune === '/' || rune === '\\' ? `\\${rune}` : undefined
}

export function escapeJsString(text: string): string {
  return replaced(text, inString)
}

export function escapeJsTemplate(text: string): string {
  return replaced(text, (rune) => ('${}'.includes(rune) ? u4(rune) : inString(rune)))
}

export function escapeJsRegexp(text: string): string {
  const escaped = replaced(text, (rune) => {
    if ('"&\'+<>'.includes(rune)) return u4(rune)
    return '$()*-./?[\\]^{|}'.includes(rune) ? `\\${rune}` : undefined
  })
  // An empty one would begin a comment.
  return escaped === '' ? '(?:)' : escaped
}

/** A value as an expression; `toJson` throws CallError for what has no JSON. */
export function jsValue(value: Value, toJson: (value: Value) => string): string {
  const json = toJson(value)
  // No keyword or name beside it may run into it.
  return /^[$\w]|[$\w]$/.test(json) ? ` ${json} ` : json
}

const JS_TYPES = new Set([
  '', 'application/ecmascript', 'application/javascript', 'application/json', 'application/ld+json', 'application/x-ecmascript', 'application/x-javascript', 'module',
  'text/ecmascript', 'text/javascript', 'text/javascript1.0', 'text/javascript1.1', 'text/javascript1.2', 'text/javascript1.3', 'text/javascript1.4', 'text/javascript1.5',
  'text/jscript', 'text/livescript', 'text/x-ecmascript', 'text/x-javascript',
])

/** Whether a script element of this type is run. */
export function isJsType(mimeType: string): boolean {
  return JS_TYPES.has(mimeType.split(';')[0]!.toLowerCase().trim())
}
