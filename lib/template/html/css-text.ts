// Values in style sheets (html/template css.go).
import { FAILSAFE } from './url-text.ts'

/** A style sheet's escapes, undone. */
export function decodeCss(text: string): string {
  return text.replace(/\\(?:([0-9a-fA-F]{1,6})(?:\r\n|[\t\n\f\r ])?|([^]))|\\$/gu, (_, hex: string | undefined, rune: string | undefined) => {
    if (hex === undefined) return rune ?? ''
    const code = Number.parseInt(hex, 16)
    return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? '\ufffd' : String.fromCodePoint(code)
  })
}

const NAME_CHAR = /[a-zA-Z0-9_\u0080-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}-]$/u

/** Whether a style sheet ends with a keyword of its own. */
export function endsWithKeyword(css: string, keyword: string): boolean {
  return css.toLowerCase().endsWith(keyword) && !NAME_CHAR.test(css.slice(0, -keyword.length))
}

const ESCAPED = '\0\t\n\f\r"&\'()+/:;<>\\{}'

/** For a string of a style sheet. */
export function escapeCss(text: string): string {
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (!ESCAPED.includes(char)) out += char
    else if (char === '\\') out += '\\\\'
    else {
      const next = text[i + 1]
      // A space ends the number where what follows could belong to it.
      out += `\\${char.charCodeAt(0).toString(16)}${next === undefined || /[0-9a-fA-F\t\n\f\r ]/.test(next) ? ' ' : ''}`
    }
  }
  return out
}

/** A value of a property: names, numbers, colors; nothing that could end it or run. */
export function filterCssValue(text: string): string {
  const decoded = decodeCss(text)
  if (/[\0"'()/;@[\\\]`{}<>]|--/.test(decoded)) return FAILSAFE
  const name = decoded.replace(/[^a-zA-Z0-9_-]/g, '').toLowerCase()
  return name.includes('expression') || name.includes('mozbinding') ? FAILSAFE : decoded
}
