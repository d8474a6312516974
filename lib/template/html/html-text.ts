// Values in text and attributes (html/template html.go).
import { attrType } from './attr-types.ts'
import { DELIM_ENDS, indexOfAny, isInTag, TEXT, type Context } from './context.ts'
import { transition } from './transition.ts'
import { FAILSAFE } from './url-text.ts'

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['\0', '\ufffd'], ['"', '&#34;'], ['&', '&amp;'], ["'", '&#39;'], ['+', '&#43;'], ['<', '&lt;'], ['>', '&gt;'],
])
const NOSPACE: ReadonlyMap<string, string> = new Map([
  ...ENTITIES, ['\0', '&#xfffd;'], ['\t', '&#9;'], ['\n', '&#10;'], ['\v', '&#11;'], ['\f', '&#12;'], ['\r', '&#13;'], [' ', '&#32;'], ['=', '&#61;'], ['`', '&#96;'],
])

/** `areEntitiesKept`: what is HTML already keeps its ampersands. */
export function escapeText(text: string, areEntitiesKept = false): string {
  return text.replace(/[\0"&'+<>]/g, (char) => (areEntitiesKept && char === '&' ? char : ENTITIES.get(char)!))
}

/** For a value without quotes. */
export function escapeNospace(text: string, areEntitiesKept = false): string {
  if (text === '') return FAILSAFE
  return text.replace(/[\0\t-\r "&'+<=>`\ufdd0-\ufdef\ufff0-\uffff]/g, (char) => {
    if (areEntitiesKept && char === '&') return char
    return NOSPACE.get(char) ?? `&#x${char.charCodeAt(0).toString(16)};`
  })
}

/** For a name of an attribute: letters and digits, and none that does more than say something. */
export function filterName(text: string): string {
  const name = text.toLowerCase()
  return /^[0-9a-z]+$/.test(name) && attrType(name) === 'plain' ? name : FAILSAFE
}

/** The text of HTML, without its tags and comments. */
export function stripTags(html: string): string {
  let out = ''
  let context: Context = TEXT
  let i = 0
  while (i < html.length) {
    if (context.delim !== 'none') {
      const end = indexOfAny(html, DELIM_ENDS[context.delim], i)
      if (end < 0) return out
      i = context.delim === 'space' ? end : end + 1
      context = { ...TEXT, state: 'tag', element: context.element }
      continue
    }
    const state = context.element !== 'none' && !isInTag(context.state) ? 'rcdata' : context.state
    const [next, count] = transition(context, html.slice(i), state)
    if (context.state === 'text' || context.state === 'rcdata') {
      const end = i + count
      const open = next.state === context.state ? -1 : html.lastIndexOf('<', end - 1)
      out += html.slice(i, open >= i ? open : end)
    }
    context = next
    i += count
  }
  return out
}
