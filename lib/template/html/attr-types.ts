// What the value of an attribute is, by its name (html/template attr.go): plain text unless it is known, or looks, as if it could do more.

export type AttrType = 'plain' | 'unsafe' | 'url' | 'css' | 'js' | 'srcset' | 'html'

const words = (text: string): string[] => text.split(' ')
const TYPES: ReadonlyMap<string, AttrType> = new Map<string, AttrType>([
  ...words('action archive background cite classid codebase data formaction href icon longdesc manifest poster profile src usemap xmlns').map((name) => [name, 'url'] as const),
  ...words('accept-charset async challenge charset content crossorigin defer enctype form formenctype formmethod formnovalidate http-equiv keytype language method novalidate pattern rel sandbox type value')
    .map((name) => [name, 'unsafe'] as const),
  ...words('accept alt autocomplete autofocus autoplay border checked class cols colspan contenteditable contextmenu controls coords datetime default dir dirname disabled draggable dropzone for formtarget')
    .map((name) => [name, 'plain'] as const),
  ...words('headers height hidden high hreflang id ismap kind label lang list loop low max maxlength media mediagroup min multiple name open optimum placeholder preload pubdate radiogroup readonly required')
    .map((name) => [name, 'plain'] as const),
  ...words('reversed rows rowspan spellcheck scope scoped seamless selected shape size sizes span srclang start step tabindex target title width wrap').map((name) => [name, 'plain'] as const),
  ['srcdoc', 'html'], ['srcset', 'srcset'], ['style', 'css'],
])

/** `name` in lower case. */
export function attrType(name: string): AttrType {
  let own = name
  if (name.startsWith('data-')) own = name.slice(5)
  else if (name.includes(':')) {
    if (name.startsWith('xmlns:')) return 'url'
    own = name.slice(name.indexOf(':') + 1)
  }
  const known = TYPES.get(own)
  if (known !== undefined) return known
  if (own.startsWith('on')) return 'js'
  return /src|uri|url/.test(own) ? 'url' : 'plain'
}
