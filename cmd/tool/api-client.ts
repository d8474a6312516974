// Asks a server's HTTP API (Prometheus', Monitor's, any that speaks it) on behalf of a tool.
import type { HttpClientConfig } from '../../lib/config/http-client.ts'
import { systemClock } from '../../lib/std/clock.ts'
import { HttpClient, HttpError, type HttpResponse } from '../../lib/std/http.ts'
import { ToolFailure } from './tool-io.ts'

export interface ApiAnswer {
  data: unknown
  warnings: readonly string[]
  infos: readonly string[]
}

export interface ApiRequest {
  server: URL
  /** Below the server's own path: `/api/v1/query`. */
  path: string
  parameters: URLSearchParams
  /** Sent along as they are. */
  headers: Headers
  /** How the server is asked: who asks, whom it trusts. */
  client: HttpClientConfig
  timeoutMs: number
}

interface Envelope {
  status?: unknown
  errorType?: unknown
  error?: unknown
  data?: unknown
  warnings?: readonly string[]
  infos?: readonly string[]
}

/** Statuses with which a server or proxy says that it takes no POST here; then GET is tried, which also follows redirects. */
const NO_POST: ReadonlySet<number> = new Set([403, 405, 501])
/** What an error shows of a body that is not the API's. */
const SHOWN_CHARS = 200

/** A server as people write it: with or without scheme. Throws ToolFailure. */
export function serverUrl(text: string): URL {
  const whole = text.includes('://') ? text : `http://${text}`
  const url = URL.canParse(whole) ? new URL(whole) : null
  if (url === null || !/^https?:$/.test(url.protocol)) throw new ToolFailure(`${JSON.stringify(text)} is not a server's URL; give one such as http://localhost:9090`)
  return url
}

/** A header of who asks counts before the file, and the file before the URL (`https://NAME:PASSWORD@HOST`). */
function clientOf({ client, server: { username, password }, headers }: ApiRequest): HttpClientConfig {
  const httpHeaders = new Map([...client.httpHeaders, ...[...headers].map(([name, value]): [string, string[]] => [name, [value]])])
  if (headers.has('Authorization')) return { ...client, basicAuth: null, authorization: null, oauth2: null, httpHeaders }
  const isSaid = client.basicAuth !== null || client.authorization !== null || client.oauth2 !== null || (username === '' && password === '')
  return { ...client, httpHeaders, basicAuth: isSaid ? client.basicAuth : { username: decodeURIComponent(username), password: decodeURIComponent(password), usernameFile: '', passwordFile: '' } }
}

/** POST as a form, or GET where POST is refused or `method` says so. Throws ToolFailure. */
export async function askServer(request: ApiRequest, method: 'GET' | 'POST' = 'POST'): Promise<ApiAnswer> {
  const { server, timeoutMs } = request
  const client = new HttpClient(clientOf(request), systemClock, timeoutMs)
  try {
    const answer = method === 'POST' ? await post(client, request) : await get(client, request)
    return readAnswer(answer, server)
  } catch (error) {
    if (!(error instanceof HttpError)) throw error
    throw new ToolFailure(describe(error, server, timeoutMs), { cause: error })
  } finally {
    await client.close()
  }
}

async function post(client: HttpClient, request: ApiRequest): Promise<HttpResponse> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'accept-encoding': 'gzip' }
  const answer = await client.post({ ...limitsOf(request), url: urlOf(request), headers, body: request.parameters.toString() })
  return NO_POST.has(answer.status) || answer.location !== '' ? get(client, request) : answer
}

function get(client: HttpClient, request: ApiRequest): Promise<HttpResponse> {
  const url = urlOf(request)
  url.search = request.parameters.toString()
  return client.get({ ...limitsOf(request), url, headers: { 'accept-encoding': 'gzip' } })
}

function limitsOf({ timeoutMs }: ApiRequest): { timeoutMs: number; signal: null; bodyBytesMax: number; bodyBytesHint: number; isEveryBodyKept: true } {
  return { timeoutMs, signal: null, bodyBytesMax: 0, bodyBytesHint: 0, isEveryBodyKept: true }
}

function urlOf({ server, path }: ApiRequest): URL {
  const url = new URL(server)
  ;[url.username, url.password] = ['', '']
  url.pathname = url.pathname.replace(/\/+$/, '') + path
  return url
}

function readAnswer({ status, statusText, body }: HttpResponse, server: URL): ApiAnswer {
  const text = new TextDecoder().decode(body)
  let envelope: Envelope
  try {
    envelope = (JSON.parse(text) ?? {}) as Envelope
  } catch {
    if (status === 401) throw new ToolFailure(`the server asks for a name and a password, or has others: give them in the URL (${server.protocol}//NAME:PASSWORD@${server.host}) or in a file: --http.config.file`)
    const shown = text.trim().slice(0, SHOWN_CHARS)
    throw new ToolFailure(`the server answers ${statusText} without JSON${shown === '' ? '' : `: ${shown}`}; is this the URL of a Prometheus API?`)
  }
  if (envelope.status === 'error') throw new ToolFailure(`${String(envelope.errorType)}: ${String(envelope.error)}`)
  if (envelope.status !== 'success' || status < 200 || status > 299) throw new ToolFailure(`the server answers ${statusText} and JSON that is not its API's`)
  return { data: envelope.data, warnings: envelope.warnings ?? [], infos: envelope.infos ?? [] }
}

function describe({ code, message, cause }: HttpError, server: URL, timeoutMs: number): string {
  if (code === 'TIMEOUT') return `${server.host} does not answer within ${timeoutMs / 1000} s; give a longer --timeout`
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (reason === 'ECONNREFUSED') return `nothing listens on ${server.host}; is the server running there?`
  if (reason === 'ENOTFOUND' || reason === 'EAI_AGAIN') return `there is no host named ${server.hostname}`
  if (message.includes('unknown authority')) return `cannot trust ${server.host}: ${message}; name the file with its authority: tls_config.ca_file of --http.config.file, or NODE_EXTRA_CA_CERTS=ca.pem in the environment`
  return `cannot reach ${server.host}: ${message}`
}
