// The JSON envelope of Prometheus' HTTP API, and what its error types mean in HTTP.
import type { FastifyReply } from 'fastify'
import { ERROR_STATUS, type QueryErrorType } from '../../lang/exec/query-error.ts'

export type ErrorType = QueryErrorType | 'not_found'
const STATUS: Readonly<Record<ErrorType, number>> = { ...ERROR_STATUS, not_found: 404 }

/** An answer other than success; thrown by handlers, sent by the server's error handler. */
export class ApiError extends Error {
  readonly code: ErrorType
  readonly status: number

  /** `status` where HTTP wants another than the type has (405, 413, 415). */
  constructor(code: ErrorType, message: string, status: number = STATUS[code]) {
    super(message)
    this.code = code
    this.status = status
  }
}

export function badParameter(name: string, why: string): ApiError {
  return new ApiError('bad_data', `invalid parameter ${JSON.stringify(name)}: ${why}`)
}

/** As bytes: to the type of a text Fastify adds a charset, which neither Prometheus nor Alertmanager says. */
export function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.type('application/json').send(Buffer.from(JSON.stringify(value)))
}

export function sendData(reply: FastifyReply, data: unknown): FastifyReply {
  return sendJson(reply, { status: 'success', data })
}

export function sendError(reply: FastifyReply, error: ApiError): FastifyReply {
  return sendJson(reply.code(error.status), errorOf(error))
}

export function errorBody(error: ApiError): string {
  return JSON.stringify(errorOf(error))
}

function errorOf({ code, message }: ApiError): object {
  return { status: 'error', errorType: code, error: message }
}
