// The escapers of a place, at the end of a pipeline (html/template escape.go, ensurePipelineContains).
import { toJson } from '../alertmanager-funcs.ts'
import { nodeText, type ActionNode, type CommandNode, type PipeNode } from '../node.ts'
import { sprint } from '../print.ts'
import { ANY, GoFunction, GoText, type Value } from '../value.ts'
import { isComment, type Context } from './context.ts'
import { escapeCss, filterCssValue } from './css-text.ts'
import { escapeNospace, escapeText, filterName, stripTags } from './html-text.ts'
import { escapeJsRegexp, escapeJsString, escapeJsTemplate, jsValue } from './js-text.ts'
import { encodeUrl, filterSrcset, filterUrl } from './url-text.ts'

type Content = 'plain' | 'html' | 'url'

/** What a template says is HTML or an address (safeHtml, safeUrl) is known as such. */
function contentOf(args: readonly Value[]): [string, Content] {
  const [only] = args
  if (args.length === 1 && only instanceof GoText) {
    if (only.typeName === 'template.HTML') return [only.text, 'html']
    if (only.typeName === 'template.URL') return [only.text, 'url']
  }
  return [sprint(args.filter((arg) => arg !== undefined)), 'plain']
}

const escaper = (escape: (text: string, content: Content) => string): GoFunction => new GoFunction([ANY], (...args) => escape(...contentOf(args)), true)

/** By the names that they have in messages. */
export const ESCAPERS: ReadonlyMap<string, GoFunction> = new Map([
  ['_html_template_htmlescaper', escaper((text, content) => (content === 'html' ? text : escapeText(text)))],
  ['_html_template_rcdataescaper', escaper((text, content) => escapeText(text, content === 'html'))],
  ['_html_template_attrescaper', escaper((text, content) => (content === 'html' ? escapeText(stripTags(text), true) : escapeText(text)))],
  ['_html_template_nospaceescaper', escaper((text, content) => (content === 'html' ? escapeNospace(stripTags(text), true) : escapeNospace(text)))],
  ['_html_template_htmlnamefilter', escaper(filterName)],
  ['_html_template_commentescaper', escaper(() => '')],
  ['_html_template_urlfilter', escaper((text, content) => (content === 'url' ? text : filterUrl(text)))],
  ['_html_template_urlnormalizer', escaper((text) => encodeUrl(text, true))],
  ['_html_template_urlescaper', escaper((text, content) => encodeUrl(text, content === 'url'))],
  ['_html_template_srcsetescaper', escaper((text, content) => (content === 'url' ? encodeUrl(text, true).replaceAll(',', '%2c') : filterSrcset(text)))],
  ['_html_template_cssescaper', escaper(escapeCss)],
  ['_html_template_cssvaluefilter', escaper(filterCssValue)],
  ['_html_template_jsvalescaper', new GoFunction([ANY], (...args) => jsValue(args.length === 1 ? args[0] : sprint(args), toJson), true)],
  ['_html_template_jsstrescaper', escaper(escapeJsString)],
  ['_html_template_jstmpllitescaper', escaper(escapeJsTemplate)],
  ['_html_template_jsregexpescaper', escaper(escapeJsRegexp)],
])

/** The escapers of a place, in their order; an error's text where none is right. */
function escapersOf({ state, delim, urlPart }: Context): string[] | string {
  const names: string[] = []
  if (['url', 'cssDqStr', 'cssSqStr', 'cssDqUrl', 'cssSqUrl', 'cssUrl'].includes(state)) {
    if (urlPart === 'unknown') return 'appears in an ambiguous context within a URL'
    if (urlPart === 'none') names.push('urlfilter')
    names.push(urlPart === 'queryOrFragment' ? 'urlescaper' : state === 'cssDqStr' || state === 'cssSqStr' ? 'cssescaper' : 'urlnormalizer')
  } else if (isComment(state)) names.push('commentescaper')
  else {
    const own = OWN[state]
    if (own !== undefined) names.push(own)
  }
  if (delim !== 'none') names.push(delim === 'space' ? 'nospaceescaper' : 'attrescaper')
  return names.map((name) => `_html_template_${name}`)
}

const OWN: Readonly<Record<string, string>> = {
  metaContentUrl: 'urlfilter', js: 'jsvalescaper', jsDqStr: 'jsstrescaper', jsSqStr: 'jsstrescaper', jsTmplLit: 'jstmpllitescaper', jsRegexp: 'jsregexpescaper',
  css: 'cssvaluefilter', text: 'htmlescaper', rcdata: 'rcdataescaper', attrName: 'htmlnamefilter', tag: 'htmlnamefilter', srcset: 'srcsetescaper',
}
/** Escapers that a template may call itself, and those here that do the same. */
const PREDEFINED = ['html', 'urlquery']
const SAME: Readonly<Record<string, string>> = {
  _html_template_attrescaper: 'html', _html_template_htmlescaper: 'html', _html_template_rcdataescaper: 'html',
  _html_template_urlescaper: 'urlquery', _html_template_urlnormalizer: 'urlquery',
}
/** What has nothing left to do behind another. */
const REDUNDANT: Readonly<Record<string, readonly string[]>> = {
  _html_template_commentescaper: ['_html_template_attrescaper', '_html_template_htmlescaper'], _html_template_cssescaper: ['_html_template_attrescaper'],
  _html_template_jsregexpescaper: ['_html_template_attrescaper'], _html_template_jsstrescaper: ['_html_template_attrescaper'],
  _html_template_jstmpllitescaper: ['_html_template_attrescaper'], _html_template_urlescaper: ['_html_template_urlnormalizer'],
}

function calleeOf({ args: [first] }: CommandNode): string | null {
  return first?.kind === 'identifier' ? first.name : null
}

/** The pipeline with the escapers of its place; what is wrong with it, else. */
export function withEscapers(context: Context, node: ActionNode): PipeNode | string {
  const { pipe } = node
  const wrong = pipe.commands.findIndex((command, i) => {
    const name = calleeOf(command) ?? ''
    const isUnquoted = context.state === 'attr' && context.delim === 'space' && name === 'html'
    return PREDEFINED.includes(name) && (i < pipe.commands.length - 1 || isUnquoted)
  })
  if (wrong >= 0) return `predefined escaper ${JSON.stringify(calleeOf(pipe.commands[wrong]!))} disallowed in template`
  const escapers = escapersOf(context)
  if (typeof escapers === 'string') return `${nodeText(node)} ${escapers}`
  return { ...pipe, commands: appended(pipe, escapers) }
}

function appended({ commands, pos }: PipeNode, escapers: readonly string[]): CommandNode[] {
  const made = [...commands]
  const last = made.at(-1)!
  const own = calleeOf(last)
  let wanted = escapers
  if (own !== null && PREDEFINED.includes(own)) {
    // `{{ html .X }}` is `{{ .X | html }}`, so that the rest can stand behind it or in its place.
    const isOwnEnough = escapers.some((name) => SAME[name] === own)
    wanted = escapers.map((name) => (SAME[name] === own ? own : name))
    if (isOwnEnough && last.args.length === 1) made.pop()
    else if (isOwnEnough) wanted = wanted.filter((name) => name !== own)
  }
  const present = new Set(made.map((command) => calleeOf(command)).filter((name) => name !== null).map((name) => SAME[name] ?? name))
  for (const name of wanted) {
    if (present.has(SAME[name] ?? name)) continue
    const before = made.length === 0 ? null : calleeOf(made.at(-1)!)
    if (before !== null && REDUNDANT[before]?.includes(name) === true) continue
    made.push({ kind: 'command', pos, args: [{ kind: 'identifier', pos, name }] })
  }
  return made
}
