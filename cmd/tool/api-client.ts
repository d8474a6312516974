// Asks a server's HTTP API (Prometheus', Monitor's, any that speaks it) on behalf of a tool. Built on fetch, not on
// lib/std/http: that one is cut for scraping, drops the bodies of errors and has no POST.
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

/** Statuses with which a server or proxy says that it takes no POST here; then GET is tried. */
const NO_POST: ReadonlySet<number> = new Set([403, 405, 501])
/** Of certificates that nobody known has signed. */
const UNTRUSTED: ReadonlySet<string> = new Set(['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'])
/** What an error shows of a body that is not the API's. */
const SHOWN_CHARS = 200

/** A server as people write it: with or without scheme. Throws ToolFailure. */
export function serverUrl(text: string): URL {
  const whole = text.includes('://') ? text : `http://${text}`
  const url = URL.canParse(whole) ? new URL(whole) : null
  if (url === null || !/^https?:$/.test(url.protocol)) throw new ToolFailure(`${JSON.stringify(text)} is not a server's URL; give one such as http://localhost:9090`)
  return url
}

/** With what the URL says of who asks: `https://NAME:PASSWORD@HOST`. */
function withCredentials(headers: Headers, { username, password }: URL): Headers {
  if ((username === '' && password === '') || headers.has('Authorization')) return headers
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const all = new Headers(headers)
  all.set('Authorization', `Basic ${Buffer.from(credentials).toString('base64')}`)
  return all
}

/** POST as a form, or GET where POST is refused or `method` says so. Throws ToolFailure. */
export async function askServer(request: ApiRequest, method: 'GET' | 'POST' = 'POST'): Promise<ApiAnswer> {
  const { server, path, parameters, timeoutMs } = request
  const headers = withCredentials(request.headers, server)
  const url = new URL(server)
  ;[url.username, url.password] = ['', '']
  url.pathname = url.pathname.replace(/\/+$/, '') + path
  if (method === 'GET') url.search = parameters.toString()
  let response: Response
  let text: string
  try {
    const body = method === 'POST' ? { body: parameters } : {}
    response = await fetch(url, { method, headers, signal: AbortSignal.timeout(timeoutMs), ...body })
    text = await response.text()
  } catch (error) {
    throw new ToolFailure(describe(error, server, timeoutMs), { cause: error })
  }
  if (method === 'POST' && NO_POST.has(response.status)) return askServer(request, 'GET')
  return readAnswer(response, text)
}

function readAnswer(response: Response, text: string): ApiAnswer {
  let envelope: Envelope
  try {
    envelope = (JSON.parse(text) ?? {}) as Envelope
  } catch {
    if (response.status === 401) throw new ToolFailure(`the server asks for a name and a password, or has others: give them in the URL (${response.url.replace(/:\/\/([^/]*).*/s, '://NAME:PASSWORD@$1')}) or as --header=Authorization=…`)
    const shown = text.trim().slice(0, SHOWN_CHARS)
    throw new ToolFailure(`the server answers ${response.status} ${response.statusText} without JSON${shown === '' ? '' : `: ${shown}`}; is this the URL of a Prometheus API?`)
  }
  if (envelope.status === 'error') throw new ToolFailure(`${String(envelope.errorType)}: ${String(envelope.error)}`)
  if (envelope.status !== 'success' || !response.ok) throw new ToolFailure(`the server answers ${response.status} ${response.statusText} and JSON that is not its API's`)
  return { data: envelope.data, warnings: envelope.warnings ?? [], infos: envelope.infos ?? [] }
}

function describe(error: unknown, server: URL, timeoutMs: number): string {
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return `${server.host} does not answer within ${timeoutMs / 1000} s; give a longer --timeout`
  }
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (code === 'ECONNREFUSED') return `nothing listens on ${server.host}; is the server running there?`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `there is no host named ${server.hostname}`
  if (UNTRUSTED.has(code)) return `cannot trust ${server.host}: ${cause instanceof Error ? cause.message.replace(/;.*/s, '') : code}; name the file with its authority in the environment: NODE_EXTRA_CA_CERTS=ca.pem`
  return `cannot reach ${server.host}: ${cause instanceof Error ? cause.message : String(error)}`
}
