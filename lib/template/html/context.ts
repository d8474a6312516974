// Where in a page a place of a template is: in text, in which kind of attribute, in a script's string … (html/template context.go).

export type State =
  | 'text' | 'tag' | 'attrName' | 'afterName' | 'beforeValue' | 'htmlComment' | 'rcdata' | 'attr' | 'url' | 'srcset' | 'metaContent' | 'metaContentUrl'
  | 'js' | 'jsDqStr' | 'jsSqStr' | 'jsTmplLit' | 'jsRegexp' | 'jsBlockComment' | 'jsLineComment' | 'jsHtmlOpenComment' | 'jsHtmlCloseComment'
  | 'css' | 'cssDqStr' | 'cssSqStr' | 'cssDqUrl' | 'cssSqUrl' | 'cssUrl' | 'cssBlockComment' | 'cssLineComment'
  | 'error' | 'dead'
export type Delim = 'none' | '"' | "'" | 'space'
export type UrlPart = 'none' | 'preQuery' | 'queryOrFragment' | 'unknown'
/** Whether a slash begins a regexp or divides. */
export type JsContext = 'regexp' | 'divOp' | 'unknown'
export type AttrKind = 'none' | 'script' | 'scriptType' | 'style' | 'url' | 'srcset' | 'metaContent'
export type Element = 'none' | 'script' | 'style' | 'textarea' | 'title' | 'meta'

export interface Context {
  readonly state: State
  readonly delim: Delim
  readonly urlPart: UrlPart
  readonly jsContext: JsContext
  /** Of each open `${` of template literals, how many braces are open in it. */
  readonly braces: readonly number[]
  readonly attr: AttrKind
  readonly element: Element
  /** What is wrong; '' unless the state is `error`. */
  readonly error: string
}

export const TEXT: Context = { state: 'text', delim: 'none', urlPart: 'none', jsContext: 'regexp', braces: [], attr: 'none', element: 'none', error: '' }

export function failed(error: string): Context {
  return { ...TEXT, state: 'error', error }
}

/** Names the context; equal ones have equal names. */
export function contextKey({ state, delim, urlPart, jsContext, braces, attr, element, error }: Context): string {
  return [state, delim, urlPart, jsContext, braces.join('.'), attr, element, error].join('_')
}

export function isSame(a: Context, b: Context): boolean {
  return contextKey(a) === contextKey(b)
}

export function isComment(state: State): boolean {
  return state.endsWith('Comment')
}

export function isInTag(state: State): boolean {
  return ['tag', 'attrName', 'afterName', 'beforeValue', 'attr'].includes(state)
}

export function isInScriptLiteral(state: State): boolean {
  return ['jsDqStr', 'jsSqStr', 'jsTmplLit', 'jsRegexp'].includes(state)
}

/** What a value of an attribute begins as. */
export const ATTR_START: { readonly [kind in AttrKind]: State } = {
  none: 'attr', script: 'js', scriptType: 'attr', style: 'css', url: 'url', srcset: 'srcset', metaContent: 'metaContent',
}
/** Characters that end a value. */
export const DELIM_ENDS: { readonly [delim in Exclude<Delim, 'none'>]: string } = { '"': '"', "'": "'", 'space': ' \t\n\f\r>' }

/** Place of the first of some characters, -1 for none. */
export function indexOfAny(text: string, chars: string, from = 0): number {
  for (let i = from; i < text.length; i++) if (chars.includes(text[i]!)) return i
  return -1
}
