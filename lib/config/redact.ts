// The configuration as it may be shown: everything secret replaced, the rest as written.
import { Document, isMap, isPair, isScalar, isSeq, parseDocument, visit, type Node } from 'yaml'

const SECRET = '<secret>'
const SECRET_KEYS: ReadonlySet<string> = new Set([
  'password', 'credentials', 'client_secret', 'key', 'bearer_token', 'secret', 'secrets', 'token', 'secret_key',
  'smtp_auth_password', 'smtp_auth_secret', 'auth_password', 'auth_secret', 'slack_api_url', 'slack_app_token', 'app_token',
  'opsgenie_api_key', 'victorops_api_key', 'api_key', 'telegram_bot_token', 'bot_token', 'routing_key', 'service_key', 'user_key',
  'wechat_api_secret', 'api_secret', 'webhook_url', 'mattermost_webhook_url', 'rocketchat_token', 'rocketchat_token_id', 'token_id',
  'sms_auth_token', 'auth_token', 'alert_source_token',
])
/** Secrets only below one key: a webhook's URL is its password. */
const SECRET_PLACES: readonly (readonly [section: string, key: string])[] = [['webhook_configs', 'url'], ['slack_configs', 'api_url'], ['sms_configs', 'url']]
/** Below these, every value is a secret: whoever sets a header by hand often sets a token. */
const SECRET_MAPS: ReadonlySet<string> = new Set(['http_headers', 'proxy_connect_header', 'headers'])
const USER_INFO = /^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i

/** YAML with `<secret>` in place of passwords, tokens, header values and user names in URLs. Comments are dropped. */
export function redactYaml(text: string): string {
  // The text was loaded, so its keys are unique; checking again takes the package quadratic time.
  return redacted(parseDocument(text, { uniqueKeys: false }))
}

/** The same of an alertmanager.yml without Monitor's own keys: what reads it for Alertmanager's (amtool) refuses others. */
export function redactAlertmanager(text: string): string {
  return redacted(withoutOwnKeys(parseDocument(text, { uniqueKeys: false })))
}

/** The same of some keys of one section alone, as a text of its own; '' where the section is not there. */
export function redactAlertmanagerSection(text: string, section: string, keys: readonly string[]): string {
  const whole = parseDocument(text, { uniqueKeys: false }).toJS({ maxAliasCount: ALIASES_MAX }) as Record<string, Record<string, unknown> | null> | null
  const found = whole?.[section]
  return found === null || found === undefined ? '' : redacted(withoutOwnKeys(new Document(Object.fromEntries(Object.entries(found).filter(([key]) => keys.includes(key))))))
}

/** Monitor's own keys of an alertmanager.yml, by the keys that they stand below; routes stand in each other. */
const OWN_KEYS: readonly (readonly [below: string, key: RegExp])[] = [
  ['', /^(escalations|fallback)$/], ['route', /^escalation$/], ['receivers', /^(sms|webpush)_configs$/], ['receivers.pushover_configs', /^api_url$/],
  ['global', /^(sms_.*|webpush_subject|webhook_allow_private)$/],
]

function withoutOwnKeys(document: Document): Document {
  visit(document, {
    Pair(_, pair, path) {
      const keys = path.filter((above) => isPair(above)).map((above) => (isScalar(above.key) ? String(above.key.value) : ''))
      const below = keys.filter((key, i) => i === 0 || key !== 'routes').join('.')
      const key = isScalar(pair.key) ? String(pair.key.value) : ''
      return OWN_KEYS.some(([place, own]) => place === below && own.test(key)) ? visit.REMOVE : undefined
    },
  })
  return document
}

/** The package counts what aliases expand to, and throws beyond it. */
const ALIASES_MAX = 10_000

function redacted(document: Document): string {
  document.commentBefore = null
  visit(document, {
    Pair(_, pair, path) {
      const key = isScalar(pair.key) ? String(pair.key.value) : ''
      const isSecretHere = SECRET_PLACES.some(([section, secret]) => secret === key && path.some((above) => isPair(above) && isScalar(above.key) && above.key.value === section))
      if (SECRET_KEYS.has(key) || SECRET_MAPS.has(key) || isSecretHere) hide(pair.value as Node | null)
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
