// Why an HTTP exchange failed, in the words Prometheus' users know from lastError.
import { statusName } from './http-status.ts'

export type HttpErrorCode =
  | 'TIMEOUT' | 'ABORTED' | 'CONNECT' | 'CLOSED' | 'RESET' | 'PROTOCOL' | 'HEADERS_TOO_LARGE' | 'BODY_TOO_LARGE'
  | 'BAD_ENCODING' | 'REDIRECT' | 'AUTH' | 'STATUS' | 'TLS'

/** An exchange that brought no usable answer. `cause` is the system's error where there is one. */
export class HttpError extends Error {
  readonly code: HttpErrorCode

  constructor(code: HttpErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause })
    this.code = code
  }
}

/** A connection that was closed before the answer was whole. */
export function closedError(hasHeaders: boolean, cause?: unknown): HttpError {
  return new HttpError('CLOSED', hasHeaders ? 'unexpected EOF: connection closed within the body' : 'EOF: connection closed without an answer', cause)
}

/** Names what undici or the system report; `hasHeaders` tells a closed connection from a cut body. */
export function toHttpError(error: unknown, hasHeaders: boolean): HttpError {
  if (error instanceof HttpError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const message = error instanceof Error ? error.message : String(error)
  switch (code) {
    case 'ECONNREFUSED': return new HttpError('CONNECT', 'connect: connection refused', error)
    case 'ENOTFOUND': case 'EAI_AGAIN': return new HttpError('CONNECT', `lookup failed: ${message}`, error)
    case 'EHOSTUNREACH': case 'ENETUNREACH': return new HttpError('CONNECT', `connect: no route to host: ${message}`, error)
    case 'UND_ERR_CONNECT_TIMEOUT': case 'ETIMEDOUT': return new HttpError('TIMEOUT', 'context deadline exceeded (connecting)', error)
    case 'UND_ERR_HEADERS_TIMEOUT': return new HttpError('TIMEOUT', 'context deadline exceeded (no answer)', error)
    case 'ECONNRESET': case 'EPIPE': return new HttpError('RESET', 'read: connection reset by peer', error)
    case 'UND_ERR_SOCKET': case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return closedError(hasHeaders, error)
    case 'UND_ERR_HEADERS_OVERFLOW': case 'HPE_HEADER_OVERFLOW':
      return new HttpError('HEADERS_TOO_LARGE', 'response headers are larger than 16 KiB', error)
    default: {
      const tls = tlsFault(code, error)
      if (tls !== '') return new HttpError('TLS', tls, error)
      // undici tells the status of a proxy that did not answer CONNECT with 200 in the message only.
      const refusal = code === 'UND_ERR_ABORTED' ? /^Proxy response \((\d{3})\)/.exec(message)?.[1] : undefined
      if (refusal !== undefined) return new HttpError('CONNECT', `proxyconnect: ${refusal} ${statusName(Number(refusal))}`.trim(), error)
      if (code.startsWith('HPE_') || (error instanceof Error && error.name === 'HTTPParserError')) {
        return new HttpError('PROTOCOL', `${hasHeaders ? 'malformed HTTP body' : 'malformed HTTP response'}: ${message}`, error)
      }
      return new HttpError('CONNECT', message, error)
    }
  }
}

const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_SIGNATURE_FAILURE', 'CERT_UNTRUSTED',
])

/** What is wrong with a server's certificate or handshake, in the words of Go; '' for an error that is not of TLS. */
function tlsFault(code: string, error: unknown): string {
  const given = error instanceof Error && 'reason' in error ? String(error.reason) : ''
  const unverified = 'tls: failed to verify certificate: x509:'
  if (UNKNOWN_AUTHORITY.has(code)) return `${unverified} certificate signed by unknown authority`
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return `${unverified} certificate has expired or is not yet valid`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `${unverified} ${given.replace(/[\s:]+$/, '')}`
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'tls: first record does not look like a TLS handshake'
  if (!code.startsWith('ERR_SSL_')) return ''
  const alert = /^(?:ssl|tls)v[\d.]+ alert (.*)$/.exec(given)
  return alert === null ? `tls: ${given}` : `remote error: tls: ${alert[1]}`
}
