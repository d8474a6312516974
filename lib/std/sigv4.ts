// AWS Signature Version 4 for one request, headers signed (docs.aws.amazon.com, "Authenticating Requests: Using the
// Authorization Header"):
//
//   canonical request ─sha256─▶ string to sign ─HMAC with a key of (secret, day, region, service)─▶ Authorization
//
// All headers that are sent are signed. The path is given as it is sent: S3 encodes each byte once.
import { createHash, createHmac } from 'node:crypto'

export interface Credentials {
  accessKey: string
  secretKey: string
  /** '' for keys that do not expire. */
  sessionToken: string
}

export interface ToSign {
  method: string
  /** Its query by `queryOf`. */
  url: URL
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>
  body: Uint8Array | null
}

export interface SignedPlace {
  region: string
  /** As AWS calls it: `s3`, `sns`. */
  service: string
}

/** The headers to send, `authorization` included. `nowMs`: Unix ms; the server refuses what is 15 min off. */
export function signedHeaders({ method, url, headers, body }: ToSign, credentials: Credentials, place: SignedPlace, nowMs: number): Record<string, string> {
  const time = `${new Date(nowMs).toISOString().replace(/[-:]/g, '').slice(0, 15)}Z`
  const scope = `${time.slice(0, 8)}/${place.region}/${place.service}/aws4_request`
  const payload = sha256(body ?? '')
  const all: Record<string, string> = { ...headers, 'host': url.host, 'x-amz-date': time, 'x-amz-content-sha256': payload }
  if (credentials.sessionToken !== '') all['x-amz-security-token'] = credentials.sessionToken
  const names = Object.keys(all).toSorted()
  const canonical = [
    method, url.pathname, url.search.slice(1), ...names.map((name) => `${name}:${all[name]!.trim().replace(/ +/g, ' ')}`), '', names.join(';'), payload,
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')
  const key = scope.split('/').reduce<string | Buffer>((k, part) => hmac(k, part), `AWS4${credentials.secretKey}`)
  const signature = hmac(key, toSign).toString('hex')
  return { ...all, authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKey}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}` }
}

/** Encodes a text for a path or a query as S3 wants it: all but unreserved characters, `/` too. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** A query as S3 wants it, in the order it is signed in: by name. */
export function queryOf(parameters: Readonly<Record<string, string>>): string {
  const names = Object.keys(parameters).toSorted()
  return names.map((name) => `${uriEncode(name)}=${uriEncode(parameters[name]!)}`).join('&')
}

function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: Buffer | string, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}
