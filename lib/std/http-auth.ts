// Credentials of an HTTP client: basic_auth, authorization, oauth2. Secrets in files are read again, at most once a
// second, so that rotation needs no reload.
import type { Clock } from './clock.ts'
import { readRegularUtf8 } from './fs.ts'
import { HttpError } from './http-error.ts'

interface BasicAuthOptions {
  username: string
  password: string
  usernameFile: string
  passwordFile: string
}

interface AuthorizationOptions {
  type: string
  credentials: string
  credentialsFile: string
}

interface OAuth2Options {
  clientId: string
  clientSecret: string
  clientSecretFile: string
  scopes: readonly string[]
  tokenUrl: string
  endpointParams: ReadonlyMap<string, string>
}

export interface AuthOptions {
  basicAuth: BasicAuthOptions | null
  authorization: AuthorizationOptions | null
  oauth2: OAuth2Options | null
}

/** Posts a form and returns status and body; the client's own transport, without credentials. */
export type PostForm = (url: string, form: string, authorization: string) => Promise<{ status: number; body: Uint8Array }>

const FILE_AGE_MS_MAX = 1000
/** A token is renewed this long before it ends, as Go's oauth2 does. */
const TOKEN_EARLY_MS = 10_000

export class Authorizer {
  readonly #options: AuthOptions
  readonly #clock: Clock
  readonly #files = new Map<string, { text: string; readAtMs: number }>()
  #token = ''
  #tokenUntilMs = -Infinity
  #pending: Promise<string> | null = null

  constructor(options: AuthOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** The Authorization header, '' for none. A promise only while an OAuth2 token is fetched. Throws HttpError AUTH. */
  header(post: PostForm): string | Promise<string> {
    const { basicAuth, authorization, oauth2 } = this.#options
    if (basicAuth !== null) {
      const user = this.#secret(basicAuth.username, basicAuth.usernameFile)
      const password = this.#secret(basicAuth.password, basicAuth.passwordFile)
      return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    }
    if (authorization !== null) {
      return `${authorization.type || 'Bearer'} ${this.#secret(authorization.credentials, authorization.credentialsFile)}`
    }
    if (oauth2 === null) return ''
    if (this.#clock.monotonic() < this.#tokenUntilMs) return `Bearer ${this.#token}`
    this.#pending ??= this.#fetchToken(oauth2, post).finally(() => (this.#pending = null))
    return this.#pending
  }

  #secret(inline: string, file: string): string {
    if (file === '') return inline
    const nowMs = this.#clock.monotonic()
    const known = this.#files.get(file)
    if (known !== undefined && nowMs - known.readAtMs < FILE_AGE_MS_MAX) return known.text
    try {
      const text = readRegularUtf8(file).trim()
      this.#files.set(file, { text, readAtMs: nowMs })
      return text
    } catch (error) {
      throw new HttpError('AUTH', `unable to read credentials file ${file}: ${error instanceof Error ? error.message : String(error)}`, error)
    }
  }

  async #fetchToken(oauth2: OAuth2Options, post: PostForm): Promise<string> {
    const form = new URLSearchParams([['grant_type', 'client_credentials'], ...oauth2.endpointParams])
    if (oauth2.scopes.length > 0) form.set('scope', oauth2.scopes.join(' '))
    const secret = this.#secret(oauth2.clientSecret, oauth2.clientSecretFile)
    const basic = `Basic ${Buffer.from(`${encodeURIComponent(oauth2.clientId)}:${encodeURIComponent(secret)}`).toString('base64')}`
    const { status, body } = await post(oauth2.tokenUrl, form.toString(), basic)
    const answer = parseToken(body)
    if (status !== 200 || answer === null) throw new HttpError('AUTH', `oauth2: cannot fetch token: status ${status}`)
    this.#token = answer.token
    this.#tokenUntilMs = this.#clock.monotonic() + answer.lifeMs - TOKEN_EARLY_MS
    return `Bearer ${answer.token}`
  }
}

function parseToken(body: Uint8Array): { token: string; lifeMs: number } | null {
  let answer: unknown
  try {
    answer = JSON.parse(Buffer.from(body).toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
  if (typeof answer !== 'object' || answer === null || !('access_token' in answer) || typeof answer.access_token !== 'string') return null
  const seconds = 'expires_in' in answer ? Number(answer.expires_in) : NaN
  return { token: answer.access_token, lifeMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : Infinity }
}
