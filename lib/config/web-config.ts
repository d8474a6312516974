// The file of --web.config.file: TLS, passwords and headers of the web server, in Prometheus' format. Source: prometheus/
// exporter-toolkit web/tls_config.go. What Prometheus takes and then passes over (a `cert` beside `cert_file`, authorities that
// nobody is checked against) is refused here: it is about who gets in.
import path from 'node:path'
import { fileOf } from './http-client.ts'
import { ConfigError, describe, formatProblem, MapReader, Problems } from './reader.ts'
import { isNull, parseYaml } from './yaml-node.ts'

export type ClientAuthType = '' | 'NoClientCert' | 'RequestClientCert' | 'RequireAnyClientCert' | 'VerifyClientCertIfGiven' | 'RequireAndVerifyClientCert'

const CLIENT_AUTH_TYPES: readonly ClientAuthType[] = ['', 'NoClientCert', 'RequestClientCert', 'RequireAnyClientCert', 'VerifyClientCertIfGiven', 'RequireAndVerifyClientCert']
const TLS_VERSIONS = ['TLS10', 'TLS11', 'TLS12', 'TLS13'] as const
const CURVES = ['CurveP256', 'CurveP384', 'CurveP521', 'X25519'] as const
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
] as const
/** With the values that Prometheus takes; none: any. */
const HEADERS: readonly (readonly [name: string, values: readonly string[]])[] = [
  ['Strict-Transport-Security', []], ['X-Content-Type-Options', ['nosniff']], ['X-Frame-Options', ['deny', 'sameorigin']], ['X-XSS-Protection', []], ['Content-Security-Policy', []],
]
const NANOSECONDS_MS = 1e-6
/** `$2y$10$`, 22 characters of salt, 31 of hash: as htpasswd -B and Go's golang.org/x/crypto/bcrypt make them. */
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/
const BCRYPT_COST_MIN = 4
const BCRYPT_COST_MAX = 31
/** From here on a password takes seconds: 2^17 rounds some 10 s, and each more twice that. */
const BCRYPT_COST_SLOW = 17

export interface WebTls {
  cert: string
  certFile: string
  key: string
  keyFile: string
  clientAuth: ClientAuthType
  clientCa: string
  clientCaFile: string
  /** One of them must stand in the client's certificate; none: any may come. */
  clientAllowedSans: readonly string[]
  /** Go's names; none: the library's choice. */
  cipherSuites: readonly string[]
  curves: readonly string[]
  prefersServerCiphers: boolean
  minVersion: string
  maxVersion: string
}

export interface WebConfig {
  /** null: plain HTTP. */
  tls: WebTls | null
  headers: ReadonlyMap<string, string>
  /** bcrypt hashes by name; none: nobody is asked. */
  users: ReadonlyMap<string, string>
  /** A request each `intervalMs`, `burst` of them at once; null: no limit. */
  rateLimit: { intervalMs: number; burst: number } | null
  /** What is taken but hardly meant, with its place. */
  warnings: readonly string[]
}

/** Reads and checks the text; relative paths start from the file's folder. Throws ConfigError. */
export function loadWebConfig(text: string, fileName: string): WebConfig {
  const faults: [number, string][] = []
  const { root, position } = parseYaml(text, (at, message) => faults.push([at, message]))
  const problems = new Problems(position, true)
  for (const [at, message] of faults) problems.error(at, message)
  if (root && root.kind !== 'map' && !isNull(root)) problems.error(root.at, `want keys such as tls_server_config and basic_auth_users, got ${describe(root)}`)
  const reader = new MapReader(problems, root?.kind === 'map' ? root : null, '')
  const config: Omit<WebConfig, 'warnings'> = {
    tls: readTls(reader.map('tls_server_config'), path.dirname(path.resolve(fileName))),
    headers: readHttp(reader.map('http_server_config')),
    users: readUsers(reader),
    rateLimit: readRateLimit(reader.map('rate_limit')),
  }
  reader.finish()
  const errors = problems.errors()
  if (errors.length > 0) throw new ConfigError(fileName, errors)
  return { ...config, warnings: problems.warnings().map((warning) => formatProblem(fileName, warning)) }
}

/** An empty section asks for nothing, as in Prometheus. */
function readTls(reader: MapReader | null, folder: string): WebTls | null {
  if (!reader) return null
  for (const name of ['cert', 'key', 'client_ca']) {
    if (reader.text(name, '') !== '' && reader.text(`${name}_file`, '') !== '') reader.error(name, `is given beside ${name}_file; leave one of them out`)
  }
  const oneOf = <T extends string>(key: string, choices: readonly T[]): string[] => {
    const texts = reader.texts(key) ?? []
    for (const { text, at, path: where } of texts) if (!(choices as readonly string[]).includes(text)) reader.problems.error(at, `${where}: want one of ${choices.join(', ')}, got ${JSON.stringify(text)}`)
    return texts.map(({ text }) => text)
  }
  const tls: WebTls = {
    cert: reader.text('cert', ''), certFile: fileOf(reader, 'cert_file', folder),
    key: reader.text('key', ''), keyFile: fileOf(reader, 'key_file', folder),
    clientAuth: reader.oneOf('client_auth_type', CLIENT_AUTH_TYPES, ''),
    clientCa: reader.text('client_ca', ''), clientCaFile: fileOf(reader, 'client_ca_file', folder),
    clientAllowedSans: (reader.texts('client_allowed_sans') ?? []).map(({ text }) => text),
    cipherSuites: oneOf('cipher_suites', CIPHERS),
    curves: oneOf('curve_preferences', CURVES),
    prefersServerCiphers: reader.bool('prefer_server_cipher_suites', true),
    minVersion: reader.oneOf('min_version', TLS_VERSIONS, 'TLS12'), maxVersion: reader.oneOf('max_version', TLS_VERSIONS, 'TLS13'),
  }
  checkTls(tls, reader)
  reader.finish()
  return tls.cert === '' && tls.certFile === '' ? null : tls
}

function checkTls(tls: WebTls, reader: MapReader): void {
  const [hasCert, hasKey] = [tls.cert !== '' || tls.certFile !== '', tls.key !== '' || tls.keyFile !== '']
  const hasAuthority = tls.clientCa !== '' || tls.clientCaFile !== ''
  if (hasCert && !hasKey) reader.error('cert_file', 'a certificate also wants key_file (or key)')
  if (!hasCert && (hasKey || hasAuthority || tls.clientAuth !== '')) reader.error('cert_file', 'must be set, with the certificate of this server (or cert)')
  const verifies = tls.clientAuth === 'VerifyClientCertIfGiven' || tls.clientAuth === 'RequireAndVerifyClientCert'
  const isAsked = tls.clientAuth !== '' && tls.clientAuth !== 'NoClientCert'
  if (hasAuthority && !isAsked) reader.error('client_auth_type', 'client_ca_file has no effect; set client_auth_type to RequireAndVerifyClientCert (or VerifyClientCertIfGiven) too')
  if (verifies && !hasAuthority) reader.error('client_auth_type', `${tls.clientAuth} also wants client_ca_file, with the authority that signs the certificates of clients`)
  if (tls.clientAllowedSans.length > 0 && !isAsked) reader.error('client_allowed_sans', 'has no effect; set client_auth_type to RequireAndVerifyClientCert too')
  if (tls.minVersion > tls.maxVersion) reader.error('min_version', `is above max_version ${tls.maxVersion}`)
}

/** HTTP/1.1 is served whatever `http2` says: clients that speak both agree on it. */
function readHttp(reader: MapReader | null): Map<string, string> {
  if (!reader) return new Map()
  reader.bool('http2', true)
  const section = reader.map('headers')
  const headers = new Map<string, string>()
  for (const [name, values] of HEADERS) {
    const value = section?.text(name, '') ?? ''
    if (value === '') continue
    if (values.length > 0 && !values.includes(value)) section!.error(name, `want ${values.join(' or ')}, got ${JSON.stringify(value)}`)
    else if (/[^\t\x20-\x7e]/.test(value)) section!.error(name, 'a header must be one line of ASCII')
    headers.set(name, value)
  }
  section?.finish()
  reader.finish()
  return headers
}

function readUsers(reader: MapReader): Map<string, string> {
  return new Map(reader.textMap('basic_auth_users').map(({ name, text, keyAt, at }) => {
    if (name === '' || name.includes(':')) reader.problems.error(keyAt, `basic_auth_users: ${JSON.stringify(name)} cannot be a name: want one without a colon`)
    const costText = BCRYPT.exec(text)?.[1]
    const cost = Number(costText)
    const where = `basic_auth_users.${name}`
    if (costText === undefined) reader.problems.error(at, `${where}: want the bcrypt hash of a password, which begins with $2a, $2b or $2y and has 60 characters; htpasswd -nB USER makes one`)
    else if (cost < BCRYPT_COST_MIN || cost > BCRYPT_COST_MAX) reader.problems.error(at, `${where}: want a cost of ${BCRYPT_COST_MIN} to ${BCRYPT_COST_MAX}, got ${cost}`)
    else if (cost >= BCRYPT_COST_SLOW) reader.problems.warn(at, `${where}: with a cost of ${cost} each new password is looked at for many seconds, and others wait behind it; htpasswd -nB -C 12 USER makes a hash that takes some 0.3 s`)
    return [name, text]
  }))
}

/** Go's duration may also be a plain number there, of nanoseconds. */
function readRateLimit(reader: MapReader | null): WebConfig['rateLimit'] {
  if (!reader) return null
  const interval = reader.text('interval', '0')
  const intervalMs = /^\d+$/.test(interval) ? Number(interval) * NANOSECONDS_MS : reader.durationMs('interval', 0)
  const burst = reader.count('burst', 0)
  reader.finish()
  if (intervalMs === 0) return null
  if (burst === 0) reader.error('burst', 'want 1 or more: with 0 no request would be answered')
  return { intervalMs, burst }
}
