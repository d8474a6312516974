// How the context changes along the text of a page (html/template transition.go): each state reads what is its own and says where it
// ends.
import { attrType } from './attr-types.ts'
import { ATTR_START, failed, indexOfAny, isComment, isInScriptLiteral, TEXT, type AttrKind, type Context, type Element, type State } from './context.ts'
import { decodeCss, endsWithKeyword } from './css-text.ts'
import { nextJsContext } from './js-text.ts'

/** The context behind what was read, and how many characters that were. */
export type Step = readonly [Context, number]

const SPACE = /[ \t\n\f\r]*/y
const ELEMENTS: ReadonlyMap<string, Element> = new Map([['script', 'script'], ['style', 'style'], ['textarea', 'textarea'], ['title', 'title'], ['meta', 'meta']])
const CONTENT: { readonly [element in Element]: State } = { none: 'text', script: 'js', style: 'css', textarea: 'rcdata', title: 'rcdata', meta: 'text' }

/** Reads `text` as `state`, the context's own unless another is given. */
export function transition(context: Context, text: string, state: State = context.state): Step {
  switch (state) {
    case 'text': return inText(context, text)
    case 'tag': return inTag(context, text)
    case 'attrName': return inAttrName(context, text)
    case 'afterName': return inAfterName(context, text)
    case 'beforeValue': return inBeforeValue(context, text)
    case 'htmlComment': return inHtmlComment(context, text)
    case 'rcdata': return toTagEnd(context, text)
    case 'attr': case 'error': case 'dead': return [context, text.length]
    case 'url': case 'srcset': return inUrl(context, text)
    case 'metaContent': return inMetaContent(context, text)
    case 'metaContentUrl': return text.includes(';') ? [{ ...context, state: 'metaContent' }, text.indexOf(';') + 1] : [context, text.length]
    case 'js': return inJs(context, text)
    case 'jsDqStr': case 'jsSqStr': case 'jsRegexp': return inJsDelimited(context, text)
    case 'jsTmplLit': return inJsTemplate(context, text)
    case 'jsBlockComment': case 'cssBlockComment': return inBlockComment(context, text)
    case 'jsLineComment': case 'jsHtmlOpenComment': case 'jsHtmlCloseComment': return inLineComment(context, text, '\n\r\u2028\u2029', 'js')
    case 'cssLineComment': return inLineComment(context, text, '\n\f\r', 'css')
    case 'css': return inCss(context, text)
    case 'cssDqStr': case 'cssSqStr': case 'cssDqUrl': case 'cssSqUrl': case 'cssUrl': return inCssString(context, text)
  }
}

function skipSpace(text: string, from = 0): number {
  SPACE.lastIndex = from
  return from + SPACE.exec(text)![0].length
}

function inText(context: Context, text: string): Step {
  for (let from = 0; ;) {
    const open = text.indexOf('<', from)
    if (open < 0 || open + 1 === text.length) return [context, text.length]
    if (text.startsWith('<!--', open)) return [{ ...TEXT, state: 'htmlComment' }, open + 4]
    const isEnd = text[open + 1] === '/'
    const start = open + (isEnd ? 2 : 1)
    if (start === text.length) return [context, text.length]
    const name = /^[a-zA-Z](?:[a-zA-Z0-9]|[:-](?=[a-zA-Z0-9]))*/.exec(text.slice(start))?.[0] ?? ''
    if (name !== '') return [{ ...TEXT, state: 'tag', element: isEnd ? 'none' : (ELEMENTS.get(name.toLowerCase()) ?? 'none') }, start + name.length]
    from = start
  }
}

/** Where a name of an attribute ends; a text says what is wrong. */
function attrNameEnd(text: string, from: number): number | string {
  const end = indexOfAny(text, ' \t\n\f\r=>\'"<', from)
  if (end < 0) return text.length
  return '\'"<'.includes(text[end]!) ? `${JSON.stringify(text[end])} in attribute name: ${JSON.stringify(text.slice(0, 32))}` : end
}

function inTag(context: Context, text: string): Step {
  const start = skipSpace(text)
  if (start === text.length) return [context, text.length]
  const { element } = context
  if (text[start] === '>') return [element === 'meta' ? TEXT : { ...TEXT, state: CONTENT[element], element }, start + 1]
  const end = attrNameEnd(text, start)
  if (typeof end === 'string') return [failed(end), text.length]
  if (end === start) return [failed(`expected space, attr name, or end of tag, but got ${JSON.stringify(text.slice(start))}`), text.length]
  const attr = attrKind(element, text.slice(start, end).toLowerCase())
  return [{ ...TEXT, state: end === text.length ? 'attrName' : 'afterName', element, attr }, end]
}

function attrKind(element: Element, name: string): AttrKind {
  if (element === 'script' && name === 'type') return 'scriptType'
  if (element === 'meta' && name === 'content') return 'metaContent'
  switch (attrType(name)) {
    case 'url': return 'url'
    case 'css': return 'style'
    case 'js': return 'script'
    case 'srcset': return 'srcset'
    case 'plain': case 'unsafe': case 'html': return 'none'
  }
}

function inAttrName(context: Context, text: string): Step {
  const end = attrNameEnd(text, 0)
  if (typeof end === 'string') return [failed(end), text.length]
  return [end === text.length ? context : { ...context, state: 'afterName' }, end]
}

function inAfterName(context: Context, text: string): Step {
  const at = skipSpace(text)
  if (at === text.length) return [context, text.length]
  return text[at] === '=' ? [{ ...context, state: 'beforeValue' }, at + 1] : [{ ...context, state: 'tag' }, at]
}

function inBeforeValue(context: Context, text: string): Step {
  const at = skipSpace(text)
  if (at === text.length) return [context, text.length]
  const quote = text[at] === '"' || text[at] === "'" ? text[at] : null
  return [{ ...context, state: ATTR_START[context.attr], delim: quote ?? 'space' }, quote === null ? at : at + 1]
}

function inHtmlComment(context: Context, text: string): Step {
  const end = text.indexOf('-->')
  return end < 0 ? [context, text.length] : [TEXT, end + 3]
}

/** To the end tag of an element that holds no others; 0 characters where the text begins with it. */
export function toTagEnd(context: Context, text: string): Step {
  const { element, state } = context
  if (element === 'none' || (element === 'script' && (isInScriptLiteral(state) || isComment(state)))) return [context, text.length]
  const name = element === 'meta' ? '' : element
  for (let at = text.indexOf('</'); at >= 0; at = text.indexOf('</', at + 2)) {
    const end = at + 2 + name.length
    if (text.slice(at + 2, end).toLowerCase() === name && end < text.length && '> \t\n\f/'.includes(text[end]!)) return [TEXT, at]
  }
  return [context, text.length]
}

function inUrl(context: Context, text: string): Step {
  if (/[#?]/.test(text)) return [{ ...context, urlPart: 'queryOrFragment' }, text.length]
  return [context.urlPart === 'none' && skipSpace(text) !== text.length ? { ...context, urlPart: 'preQuery' } : context, text.length]
}

function inMetaContent(context: Context, text: string): Step {
  const url = /url[ \t\n\f\r]*=/i.exec(text)
  return url === null ? [context, text.length] : [{ ...context, state: 'metaContentUrl' }, url.index + url[0].length]
}

function inJs(context: Context, text: string): Step {
  const at = indexOfAny(text, '"`\'/{}<-#')
  if (at < 0) return [{ ...context, jsContext: nextJsContext(text, context.jsContext) }, text.length]
  const jsContext = nextJsContext(text.slice(0, at), context.jsContext)
  const here: Context = { ...context, jsContext }
  const into = (state: State, length = 1): Step => [{ ...here, state }, at + length]
  const next = text.slice(at)
  switch (text.charAt(at)) {
    case '"': return [{ ...here, state: 'jsDqStr', jsContext: 'regexp' }, at + 1]
    case "'": return [{ ...here, state: 'jsSqStr', jsContext: 'regexp' }, at + 1]
    case '`': return [{ ...here, state: 'jsTmplLit', jsContext: 'regexp' }, at + 1]
    case '/':
      if (next[1] === '/') return into('jsLineComment', 2)
      if (next[1] === '*') return into('jsBlockComment', 2)
      if (jsContext === 'regexp') return into('jsRegexp')
      if (jsContext === 'divOp') return [{ ...here, jsContext: 'regexp' }, at + 1]
      return [failed(`'/' could start a division or regexp: ${JSON.stringify(next.slice(0, 32))}`), text.length]
    case '<': return next.startsWith('<!--') ? into('jsHtmlOpenComment', 4) : into('js')
    case '-': return next.startsWith('-->') ? into('jsHtmlCloseComment', 3) : into('js')
    case '#': return next[1] === '!' ? into('jsLineComment', 2) : into('js')
    default: return atBrace(here, next[0]!, at)
  }
}

/** Braces count inside `${…}`: the one that closes it leads back into the literal. */
function atBrace(context: Context, brace: string, at: number): Step {
  const { braces } = context
  const jsContext = nextJsContext(brace, context.jsContext)
  if (braces.length === 0) return [{ ...context, jsContext }, at + 1]
  const depth = braces.at(-1)! + (brace === '{' ? 1 : -1)
  if (depth >= 0) return [{ ...context, jsContext, braces: [...braces.slice(0, -1), depth] }, at + 1]
  return [{ ...context, state: 'jsTmplLit', braces: braces.slice(0, -1) }, at + 1]
}

const unfinished = (language: string, text: string): Step => [failed(`unfinished escape sequence in ${language} string: ${JSON.stringify(text)}`), text.length]

function inJsTemplate(context: Context, text: string): Step {
  for (let at = indexOfAny(text, '`\\$'); at >= 0; at = indexOfAny(text, '`\\$', at + 1)) {
    if (text[at] === '`') return [{ ...context, state: 'js' }, at + 1]
    if (text[at] === '$' && text[at + 1] === '{') return [{ ...context, state: 'js', braces: [...context.braces, 0] }, at + 2]
    if (text[at] === '\\' && ++at === text.length) return unfinished('JS', text)
  }
  return [context, text.length]
}

function inJsDelimited(context: Context, text: string): Step {
  const specials = context.state === 'jsSqStr' ? "\\'" : context.state === 'jsRegexp' ? '\\/[]' : '\\"'
  const end = (at: number): Step => [{ ...context, state: 'js', jsContext: 'divOp' }, at + 1]
  let isInCharset = false
  for (let at = indexOfAny(text, specials); at >= 0; at = indexOfAny(text, specials, at + 1)) {
    switch (text.charAt(at)) {
      case '\\':
        if (++at === text.length) return unfinished('JS', text)
        break
      case '[': isInCharset = true; break
      case ']': isInCharset = false; break
      case '/':
        // A tag's end within a regexp is written with an escape, not ended by.
        if (at > 0 && text.slice(at - 1, at + 7).toLowerCase() === '</script') at++
        else if (!isInCharset) return end(at)
        break
      default: if (!isInCharset) return end(at)
    }
  }
  return isInCharset ? [failed(`unfinished JS regexp charset: ${JSON.stringify(text)}`), text.length] : [context, text.length]
}

function inBlockComment(context: Context, text: string): Step {
  const end = text.indexOf('*/')
  return end < 0 ? [context, text.length] : [{ ...context, state: context.state === 'jsBlockComment' ? 'js' : 'css' }, end + 2]
}

function inLineComment(context: Context, text: string, ends: string, state: State): Step {
  const end = indexOfAny(text, ends)
  return end < 0 ? [context, text.length] : [{ ...context, state }, end]
}

function inCss(context: Context, text: string): Step {
  for (let at = indexOfAny(text, '("\'/'); at >= 0; at = indexOfAny(text, '("\'/', at + 1)) {
    const next = text[at + 1]
    if (text[at] === '"') return [{ ...context, state: 'cssDqStr' }, at + 1]
    if (text[at] === "'") return [{ ...context, state: 'cssSqStr' }, at + 1]
    if (text[at] === '/' && next === '/') return [{ ...context, state: 'cssLineComment' }, at + 2]
    if (text[at] === '/' && next === '*') return [{ ...context, state: 'cssBlockComment' }, at + 2]
    if (text[at] === '(' && endsWithKeyword(text.slice(0, at).trimEnd(), 'url')) {
      const inside = skipSpace(text, at + 1)
      if (text[inside] === '"') return [{ ...context, state: 'cssDqUrl' }, inside + 1]
      if (text[inside] === "'") return [{ ...context, state: 'cssSqUrl' }, inside + 1]
      return [{ ...context, state: 'cssUrl' }, inside]
    }
  }
  return [context, text.length]
}

function inCssString(context: Context, text: string): Step {
  const { state } = context
  const specials = state === 'cssUrl' ? '\\\t\n\f\r )' : state === 'cssSqStr' || state === 'cssSqUrl' ? "\\'" : '\\"'
  let from = 0
  let here = context
  for (;;) {
    let at = indexOfAny(text, specials, from)
    if (at < 0) return [inUrl(here, decodeCss(text.slice(from)))[0], text.length]
    if (text[at] !== '\\') return [{ ...here, state: 'css' }, at + 1]
    if (++at === text.length) return unfinished('CSS', text)
    here = inUrl(here, decodeCss(text.slice(0, at + 1)))[0]
    from = at + 1
  }
}
