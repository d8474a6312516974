// `email_configs` (alertmanager notify/email/config.go).
import { readTls } from '../http-client.ts'
import type { MapReader } from '../reader.ts'
import type { TlsOptions } from '../../std/http.ts'
import { readHostPort, type HostPort } from './host-port.ts'
import { isGiven, readSecret, type Secret } from './secret.ts'
import type { SectionContext } from './section.ts'
import type { ReceiverGlobals } from './globals.ts'

export interface EmailConfig {
  kind: 'email'
  isResolvedSent: boolean
  /** Templates of address lists. */
  to: string
  from: string
  hello: string
  smarthost: HostPort
  username: string
  password: Secret
  /** For CRAM-MD5. */
  secret: Secret
  identity: string
  /** Templates by canonical name. */
  headers: ReadonlyMap<string, string>
  /** Templates; '' for no such part. */
  html: string
  text: string
  isTlsRequired: boolean
  /** null: port 465 decides. */
  isTlsImplicit: boolean | null
  tls: TlsOptions | null
  /** References that keep a group's mails together; null for none. */
  threading: { isDaily: boolean } | null
}

const NOWHERE: HostPort = { host: '', port: 0 }
const HTML = '{{ template "email.default.html" . }}'
/** Alertmanager sends none: readers without HTML, and filters of spam, want one. */
const TEXT = '{{ template "email.default.text" . }}'

export function readEmail(reader: MapReader, { globals: { smtp }, folder }: SectionContext): EmailConfig {
  const config: EmailConfig = {
    ...defaultEmail(smtp),
    isResolvedSent: reader.bool('send_resolved', false),
    to: reader.text('to', ''),
    from: reader.text('from', '') || smtp.from,
    hello: reader.text('hello', '') || smtp.hello,
    smarthost: readHostPort(reader, 'smarthost') ?? smtp.smarthost ?? NOWHERE,
    username: reader.text('auth_username', '') || smtp.username,
    password: orElse(readSecret(reader, 'auth_password', folder), smtp.password),
    secret: orElse(readSecret(reader, 'auth_secret', folder), smtp.secret),
    identity: reader.text('auth_identity', '') || smtp.identity,
    headers: readMailHeaders(reader),
    html: reader.text('html', HTML),
    text: reader.text('text', TEXT),
    isTlsRequired: reader.bool('require_tls', smtp.isTlsRequired),
    isTlsImplicit: reader.has('force_implicit_tls') ? reader.bool('force_implicit_tls', false) : smtp.isTlsImplicit,
    tls: readTls(reader.map('tls_config'), folder) ?? smtp.tls,
  }
  config.threading = readThreading(reader, config.headers)
  if (config.to === '') reader.error('to', 'must be set')
  if (config.smarthost === NOWHERE && !reader.has('smarthost')) reader.error('smarthost', 'must be set here, or as smtp_smarthost for all')
  if (config.from === '') reader.error('from', 'must be set here, or as smtp_from for all')
  return config
}

/** A mail with the globals' sender and the default templates. */
export function defaultEmail(smtp: ReceiverGlobals['smtp']): EmailConfig {
  return {
    kind: 'email', isResolvedSent: true, to: '', from: smtp.from, hello: smtp.hello, smarthost: smtp.smarthost ?? NOWHERE,
    username: smtp.username, password: smtp.password, secret: smtp.secret, identity: smtp.identity, headers: new Map(),
    html: HTML, text: TEXT,
    isTlsRequired: smtp.isTlsRequired, isTlsImplicit: smtp.isTlsImplicit, tls: smtp.tls, threading: null,
  }
}

function orElse(secret: Secret, fallback: Secret): Secret {
  return isGiven(secret) ? secret : fallback
}

/** As net/textproto writes names of headers: `x-team` is `X-Team`. */
function canonicalHeader(name: string): string {
  return name.toLowerCase().replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase())
}

function readMailHeaders(reader: MapReader): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (const { name, text, keyAt } of reader.textMap('headers')) {
    const canonical = canonicalHeader(name)
    if (!/^[!-9;-~]+$/.test(name)) reader.problems.error(keyAt, `${reader.pathOf('headers')}: ${JSON.stringify(name)} is not the name of a mail header`)
    else if (headers.has(canonical)) reader.problems.error(keyAt, `${reader.pathOf('headers')}: header ${canonical} is given twice`)
    headers.set(canonical, text)
  }
  return headers
}

function readThreading(reader: MapReader, headers: ReadonlyMap<string, string>): EmailConfig['threading'] {
  const section = reader.map('threading')
  if (!section) return null
  const isEnabled = section.bool('enabled', false)
  const by = section.text('thread_by_date', '')
  section.finish()
  if (!isEnabled) return null
  for (const name of ['References', 'In-Reply-To']) if (headers.has(name)) reader.error('headers', `${name} must not be set beside threading`)
  if (by !== 'none' && by !== 'daily') section.error('thread_by_date', 'want none or daily')
  return { isDaily: by !== 'none' }
}
