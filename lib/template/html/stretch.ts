// A stretch of a page's own text (html/template escape.go, escapeText): the context behind it, and the text without comments, with
// lone `<` as entities, and without what would end a script early.
import { DELIM_ENDS, failed, indexOfAny, isComment, isInScriptLiteral, TEXT, type Context } from './context.ts'
import { isJsType } from './js-text.ts'
import { toTagEnd, transition, type Step } from './transition.ts'

export function escapeStretch(context: Context, text: string): readonly [Context, string] {
  let here = context
  let out = ''
  let written = 0
  for (let i = 0; i < text.length;) {
    const [next, count] = after(here, text.slice(i))
    const end = i + count
    if (here.state === 'text' || here.state === 'rcdata') {
      const tag = next.state === here.state ? -1 : text.lastIndexOf('<', end - 1)
      const stop = tag >= i ? tag : end
      for (let j = i; j < stop; j++) {
        if (text[j] !== '<' || text.slice(j, j + 9).toUpperCase() === '<!DOCTYPE') continue
        out += `${text.slice(written, j)}&lt;`
        written = j + 1
      }
    } else if (isComment(here.state) && here.delim === 'none') {
      // A comment of a script may end a statement, or part two words.
      if (here.state === 'jsBlockComment') out += /[\n\r\u2028\u2029]/.test(text.slice(written, end)) ? '\n' : ' '
      else if (here.state === 'cssBlockComment') out += ' '
      written = end
    }
    if (next.state !== here.state && isComment(next.state) && next.delim === 'none') {
      const mark = next.state === 'htmlComment' || next.state === 'jsHtmlOpenComment' ? 4 : next.state === 'jsHtmlCloseComment' ? 3 : 2
      out += text.slice(written, end - mark)
      written = end
    }
    if (isInScriptLiteral(here.state) && /<(?:script|\/script|!--)/i.test(text.slice(i, end))) {
      out += text.slice(written, i) + text.slice(i, end).replace(/<(script|\/script|!--)/gi, '\\x3C$1')
      written = end
    }
    here = next
    i = end
  }
  const isHidden = isComment(here.state) && here.delim === 'none' && written > 0
  return [here, here.state === 'error' || isHidden ? out : out + text.slice(written)]
}

const ENTITY = /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(lt|gt|amp|quot|apos));/gi
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

function unescaped(text: string): string {
  return text.replace(ENTITY, (_, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return NAMED[name.toLowerCase()]!
    const code = decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
  })
}

function after(context: Context, text: string): Step {
  const { delim, element } = context
  if (delim === 'none') {
    const [inside, count] = toTagEnd(context, text)
    // The end tag begins here.
    return count === 0 ? [inside, 0] : transition(context, text.slice(0, count))
  }
  const found = indexOfAny(text, DELIM_ENDS[delim])
  const value = text.slice(0, found < 0 ? text.length : found)
  const odd = delim === 'space' ? indexOfAny(value, '"\'<=`') : -1
  if (odd >= 0) return [failed(`${JSON.stringify(value[odd])} in unquoted attr: ${JSON.stringify(value)}`), text.length]
  if (found < 0) {
    let here = context
    for (let rest = unescaped(text); rest !== '';) {
      const [next, count] = transition(here, rest)
      here = next
      rest = rest.slice(count)
    }
    return [here, text.length]
  }
  const isOther = context.state === 'attr' && element === 'script' && context.attr === 'scriptType' && !isJsType(value)
  return [{ ...TEXT, state: 'tag', element: isOther ? 'none' : element }, delim === 'space' ? found : found + 1]
}
