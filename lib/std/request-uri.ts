// Which texts are addresses for go-openapi: what Go's url.ParseRequestURI takes without a fragment, which is an address with a scheme,
// or a path from the root. Spaces in a path are fine, stray percent signs are not (net/url of Go 1.26).
const SCHEME = /^[a-z][a-z0-9+.-]*:/i
const CONTROL = /(?=\p{ASCII})\p{Cc}/u
const BAD_ESCAPE = /%(?![0-9a-f]{2})/i
const USER_INFO = /^(?:[\w.~!$&'()*+,;=:@-]|%[0-9a-f]{2})*$/i
/** What stands in a host's name, with its escapes: those of bytes outside ASCII, and that of the percent sign. */
const HOST = /^(?:[\w.~!$&'()*+,;=:[\]<>"-]|\P{ASCII}|%[89a-f][0-9a-f]|%25)*$/iu
const BRACKETED = /^\[([^\]]*)\]((?::\d*)?)$/
const PORT = /^:\d*$/

export function isRequestUri(given: string): boolean {
  const text = given.split('#', 1)[0]!
  if (text === '' || CONTROL.test(text)) return false
  if (text === '*') return true
  const scheme = SCHEME.exec(text)?.[0] ?? ''
  const rest = text.slice(scheme.length).split('?', 1)[0]!
  if (!rest.startsWith('/')) return scheme !== ''
  if (scheme === '' || !rest.startsWith('//')) return !BAD_ESCAPE.test(rest)
  const slash = rest.indexOf('/', 2)
  const [authority, path] = slash < 0 ? [rest.slice(2), ''] : [rest.slice(2, slash), rest.slice(slash)]
  return isAuthority(authority) && !BAD_ESCAPE.test(path)
}

function isAuthority(text: string): boolean {
  const at = text.lastIndexOf('@')
  if (at >= 0 && !USER_INFO.test(text.slice(0, at))) return false
  const host = text.slice(at + 1)
  if (host.startsWith('[')) return BRACKETED.test(host) && HOST.test(host)
  const colon = host.lastIndexOf(':')
  return (colon < 0 || PORT.test(host.slice(colon))) && HOST.test(host)
}
