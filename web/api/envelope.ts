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

export function sendData(reply: FastifyReply, data: unknown): FastifyReply {
  return reply.type('application/json').send(JSON.stringify({ status: 'success', data }))
}

export function sendError(reply: FastifyReply, error: ApiError): FastifyReply {
  return reply.code(error.status).type('application/json').send(errorBody(error))
}

export function errorBody(error: ApiError): string {
  return JSON.stringify({ status: 'error', errorType: error.code, error: error.message })
}
