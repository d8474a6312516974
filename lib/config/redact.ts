// The configuration as it may be shown: everything secret replaced, the rest as written.
import { isMap, isScalar, isSeq, parseDocument, visit, type Node } from 'yaml'

const SECRET = '<secret>'
const SECRET_KEYS: ReadonlySet<string> = new Set([
  'password', 'credentials', 'client_secret', 'key', 'bearer_token', 'secret', 'secrets', 'token', 'secret_key',
])
/** Below these, every value is a secret: whoever sets a header by hand often sets a token. */
const SECRET_MAPS: ReadonlySet<string> = new Set(['http_headers', 'proxy_connect_header', 'headers'])
const USER_INFO = /^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i

/** YAML with `<secret>` in place of passwords, tokens, header values and user names in URLs. Comments are dropped. */
export function redactYaml(text: string): string {
  // The text was loaded, so its keys are unique; checking again takes the package quadratic time.
  const document = parseDocument(text, { uniqueKeys: false })
  document.commentBefore = null
  visit(document, {
    Pair(_, pair) {
      const key = isScalar(pair.key) ? String(pair.key.value) : ''
      if (SECRET_KEYS.has(key)) hide(pair.value as Node | null)
      else if (SECRET_MAPS.has(key)) hide(pair.value as Node | null)
    },
    Scalar(_, scalar) {
      scalar.comment = null
      scalar.commentBefore = null
      if (typeof scalar.value === 'string') scalar.value = scalar.value.replace(USER_INFO, `$1${SECRET}@`)
    },
  })
  return document.toString()
}

/** Every text inside becomes `<secret>`; keys stay. */
function hide(node: Node | null): void {
  if (isScalar(node)) {
    if (node.value !== null && node.value !== '') node.value = SECRET
  } else if (isSeq(node)) {
    for (const item of node.items) hide(item as Node)
  } else if (isMap(node)) {
    for (const pair of node.items) hide(pair.value as Node | null)
  }
}
