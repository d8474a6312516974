// The HTTP client fields of a scrape config: who we are, whom we trust, which way the request goes. Source: prometheus/
// common config/http_config.go, with its mutual exclusions. Secrets never enter a message.
import path from 'node:path'
import type { MapReader } from './reader.ts'
import type { HttpClientOptions, TlsOptions } from '../std/http.ts'

const TLS_VERSIONS = ['TLS10', 'TLS11', 'TLS12', 'TLS13'] as const
/** Headers that belong to the request itself: set by its other settings, or not at all. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'authorization', 'host', 'content-encoding', 'content-length', 'content-type', 'user-agent', 'connection',
  'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'www-authenticate', 'accept-encoding',
  'x-prometheus-remote-write-version',
  'x-prometheus-remote-read-version', 'x-prometheus-scrape-timeout-seconds',
  'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256',
])

/** What a configuration says of a client. */
export type HttpClientConfig = Omit<HttpClientOptions, 'isPrivateRefused'>

/** Reads the client's fields out of the section they stand in. Relative paths start from `folder`. */
export function readHttpClient(reader: MapReader, folder: string): HttpClientConfig {
  const credentials = ['basic_auth', 'authorization', 'oauth2', 'bearer_token', 'bearer_token_file']
  atMostOne(reader, credentials)
  reader.notBuilt('sigv4', 'azuread', 'google_iam')
  const bearer = { token: reader.text('bearer_token', ''), file: fileOf(reader, 'bearer_token_file', folder) }
  const hasBearer = bearer.token !== '' || bearer.file !== ''
  const proxy = readProxy(reader)
  return {
    basicAuth: readBasicAuth(reader.map('basic_auth'), folder),
    authorization: readAuthorization(reader.map('authorization'), folder)
      ?? (hasBearer ? { type: 'Bearer', credentials: bearer.token, credentialsFile: bearer.file } : null),
    oauth2: readOAuth2(reader.map('oauth2'), folder),
    tls: readTls(reader.map('tls_config'), folder),
    followRedirects: reader.bool('follow_redirects', true),
    enableHttp2: reader.bool('enable_http2', true),
    ...proxy,
    httpHeaders: readHeaders(reader),
  }
}

/** A path of the configuration, from the folder of its file; '' stays ''. */
export function fileOf(reader: MapReader, key: string, folder: string): string {
  const file = reader.text(key, '')
  return file === '' ? '' : path.resolve(folder, file)
}

/** Whether `text` is an absolute http or https URL (others by `schemes`). */
export function isUrl(text: string, schemes: readonly string[] = ['http:', 'https:']): boolean {
  const url = URL.parse(text)
  return url !== null && schemes.includes(url.protocol) && url.host !== ''
}

function atMostOne(reader: MapReader, keys: readonly string[]): void {
  const given = keys.filter((key) => reader.has(key))
  if (given.length < 2) return
  reader.error(given[1]!, `at most one of ${keys.join(', ')} may be set, got ${given.join(' and ')}`)
}

function readBasicAuth(reader: MapReader | null, folder: string): HttpClientConfig['basicAuth'] {
  if (!reader) return null
  atMostOne(reader, ['username', 'username_file', 'username_ref'])
  atMostOne(reader, ['password', 'password_file', 'password_ref'])
  const auth = {
    username: reader.text('username', ''),
    password: reader.text('password', ''),
    usernameFile: fileOf(reader, 'username_file', folder),
    passwordFile: fileOf(reader, 'password_file', folder),
  }
  reader.notBuilt('username_ref', 'password_ref')
  reader.finish()
  return auth
}

function readAuthorization(reader: MapReader | null, folder: string): HttpClientConfig['authorization'] {
  if (!reader) return null
  atMostOne(reader, ['credentials', 'credentials_file', 'credentials_ref'])
  const type = reader.text('type', '').trim() || 'Bearer'
  if (type.toLowerCase() === 'basic') reader.error('type', 'must not be "basic"; use basic_auth instead')
  const authorization = {
    type,
    credentials: reader.text('credentials', ''),
    credentialsFile: fileOf(reader, 'credentials_file', folder),
  }
  reader.notBuilt('credentials_ref')
  reader.finish()
  return authorization
}

function readOAuth2(reader: MapReader | null, folder: string): HttpClientConfig['oauth2'] {
  if (!reader) return null
  atMostOne(reader, ['client_secret', 'client_secret_file', 'client_secret_ref'])
  const oauth2 = {
    clientId: reader.text('client_id', ''),
    clientSecret: reader.text('client_secret', ''),
    clientSecretFile: fileOf(reader, 'client_secret_file', folder),
    scopes: (reader.texts('scopes') ?? []).map(({ text }) => text),
    tokenUrl: reader.text('token_url', ''),
    endpointParams: new Map(reader.textMap('endpoint_params').map(({ name, text }) => [name, text])),
  }
  if (oauth2.clientId === '') reader.error('client_id', 'must be set')
  if (oauth2.tokenUrl === '') reader.error('token_url', 'must be set')
  else if (!isUrl(oauth2.tokenUrl)) reader.error('token_url', 'want a URL that begins with http:// or https://')
  reader.notBuilt(
    'client_secret_ref', 'tls_config', 'proxy_url', 'no_proxy', 'proxy_from_environment', 'proxy_connect_header',
    'grant_type', 'client_certificate_key', 'client_certificate_key_file', 'client_certificate_key_ref',
    'client_certificate_key_id', 'signature_algorithm', 'iss', 'audience', 'claims',
  )
  reader.finish()
  return oauth2
}

export function readTls(reader: MapReader | null, folder: string): TlsOptions | null {
  if (!reader) return null
  for (const name of ['ca', 'cert', 'key']) atMostOne(reader, [name, `${name}_file`, `${name}_ref`])
  const tls = {
    ca: reader.text('ca', ''),
    caFile: fileOf(reader, 'ca_file', folder),
    cert: reader.text('cert', ''),
    certFile: fileOf(reader, 'cert_file', folder),
    key: reader.text('key', ''),
    keyFile: fileOf(reader, 'key_file', folder),
    serverName: reader.text('server_name', ''),
    insecureSkipVerify: reader.bool('insecure_skip_verify', false),
    minVersion: readTlsVersion(reader, 'min_version'),
    maxVersion: readTlsVersion(reader, 'max_version'),
  }
  reader.notBuilt('ca_ref', 'cert_ref', 'key_ref')
  const hasCert = tls.cert !== '' || tls.certFile !== '' || reader.has('cert_ref')
  const hasKey = tls.key !== '' || tls.keyFile !== '' || reader.has('key_ref')
  if (hasCert && !hasKey) reader.error('cert_file', 'a client certificate also wants key or key_file')
  if (hasKey && !hasCert) reader.error('key_file', 'a client key also wants cert or cert_file')
  if (tls.minVersion !== '' && tls.maxVersion !== '' && tls.minVersion > tls.maxVersion) {
    reader.error('min_version', `is above max_version ${tls.maxVersion}`)
  }
  reader.finish()
  return tls
}

/** '' where any will do. */
function readTlsVersion(reader: MapReader, key: string): TlsOptions['minVersion'] {
  return reader.has(key) ? reader.oneOf(key, TLS_VERSIONS, 'TLS12') : ''
}

type Proxy = Pick<HttpClientConfig, 'proxyUrl' | 'noProxy' | 'proxyFromEnvironment' | 'proxyConnectHeader'>

function readProxy(reader: MapReader): Proxy {
  const given = reader.text('proxy_url', '')
  const proxy = {
    // `proxy:3128` is usual in the environment, and taken here as Go takes it there.
    proxyUrl: given === '' || given.includes('://') ? given : `http://${given}`,
    noProxy: reader.text('no_proxy', ''),
    proxyFromEnvironment: reader.bool('proxy_from_environment', false),
    proxyConnectHeader: reader.textsMap('proxy_connect_header'),
  }
  if (proxy.proxyUrl !== '' && !isUrl(proxy.proxyUrl, ['http:', 'https:', 'socks5:', 'socks5h:'])) {
    reader.error('proxy_url', 'want a URL that begins with http://, https:// or socks5://, such as http://proxy:3128')
  }
  if (proxy.proxyFromEnvironment) {
    const why = 'must not be set beside proxy_from_environment'
    if (proxy.proxyUrl !== '') reader.error('proxy_url', why)
    if (proxy.noProxy !== '') reader.error('no_proxy', why)
  }
  if (proxy.proxyUrl === '' && !proxy.proxyFromEnvironment) {
    if (proxy.noProxy !== '') reader.error('no_proxy', 'also wants proxy_url')
    if (proxy.proxyConnectHeader.size > 0) {
      reader.error('proxy_connect_header', 'also wants proxy_url or proxy_from_environment')
    }
  }
  return proxy
}

function readHeaders(reader: MapReader): Map<string, readonly string[]> {
  const section = reader.map('http_headers')
  const headers = new Map<string, readonly string[]>()
  for (const { key, keyAt, path } of section?.entries() ?? []) {
    if (RESERVED_HEADERS.has(key.toLowerCase())) {
      section!.problems.error(keyAt, `${path}: setting this header is not allowed`)
      continue
    }
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(key)) {
      section!.problems.error(keyAt, `${path}: is not the name of an HTTP header`)
    }
    const header = section!.map(key)
    if (!header) continue
    const values = [...(header.texts('values') ?? []), ...(header.texts('secrets') ?? [])]
    for (const value of values) {
      if (/[\r\n\0]/.test(value.text)) section!.problems.error(value.at, `${value.path}: a header must be one line`)
    }
    header.notBuilt('files')
    header.finish()
    headers.set(key, values.map(({ text }) => text))
  }
  return headers
}
