// The ways in which a query ends without an answer, as Prometheus' API names them (web/api/v1: errorType).
//
// Parse errors come from lang/parse with their own class; the engine maps all of them to an HTTP answer.

/** errorType of Prometheus' envelope. */
export type QueryErrorType = 'bad_data' | 'execution' | 'timeout' | 'canceled' | 'unavailable' | 'internal'

/** What each is in HTTP. */
export const ERROR_STATUS: Readonly<Record<QueryErrorType, number>> = {
  bad_data: 400, execution: 422, timeout: 503, canceled: 499, unavailable: 503, internal: 500,
}

/** An expected end of a query; `message` is what the user reads, in Prometheus' words where it has them. */
export class QueryError extends Error {
  readonly code: QueryErrorType

  constructor(code: QueryErrorType, message: string) {
    super(message)
    this.code = code
  }
}

/** The query is well formed but cannot be evaluated on this data: 422. */
export class ExecutionError extends QueryError {
  constructor(message: string) {
    super('execution', message)
  }
}

/** What to do about the memory limit. */
export const LESS_OR_MORE = 'select fewer series, or fewer steps by a shorter range or a larger step, or raise --query.max-memory'

/** It would take more than one query may have. */
export class LimitError extends ExecutionError {}

/** The deadline passed: 503. */
export class QueryTimeout extends QueryError {
  constructor() {
    super('timeout', 'query timed out in query execution')
  }
}

/** Whoever asked has gone: 499. */
export class QueryCanceled extends QueryError {
  constructor() {
    super('canceled', 'query was canceled in query execution')
  }
}
