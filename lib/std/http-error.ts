// Why an HTTP exchange failed, in the words Prometheus' users know from lastError.

export type HttpErrorCode =
  | 'TIMEOUT' | 'ABORTED' | 'CONNECT' | 'CLOSED' | 'RESET' | 'PROTOCOL' | 'HEADERS_TOO_LARGE' | 'BODY_TOO_LARGE'
  | 'BAD_ENCODING' | 'REDIRECT' | 'AUTH' | 'STATUS'

/** An exchange that brought no usable answer. `cause` is the system's error where there is one. */
export class HttpError extends Error {
  readonly code: HttpErrorCode

  constructor(code: HttpErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause })
    this.code = code
  }
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
    case 'ECONNRESET': return new HttpError('RESET', 'read: connection reset by peer', error)
    case 'UND_ERR_SOCKET': case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return new HttpError('CLOSED', hasHeaders ? 'unexpected EOF: connection closed within the body' : 'EOF: connection closed without an answer', error)
    case 'UND_ERR_HEADERS_OVERFLOW': case 'HPE_HEADER_OVERFLOW':
      return new HttpError('HEADERS_TOO_LARGE', 'response headers exceed the size limit', error)
    default: {
      if (code.startsWith('HPE_') || (error instanceof Error && error.name === 'HTTPParserError')) {
        return new HttpError('PROTOCOL', `${hasHeaders ? 'malformed HTTP body' : 'malformed HTTP response'}: ${message}`, error)
      }
      return new HttpError('CONNECT', message, error)
    }
  }
}
