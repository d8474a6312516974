// The only door of the pages to the server's HTTP API. Knows the envelope
// ({status, data, errorType, error, warnings, infos}) and turns every failure into an ApiError. Used on the page and
// in the worker; URLs are taken relative to the base given, so that the app works under a path prefix.

import { noteAnswerDate } from '../shell/server-clock.ts'

/** What went wrong: the server's errorType, or `network` (no answer) or `protocol` (an answer that is not the API's). */
export class ApiError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface Answer<T> {
  data: T
  /** Warnings, then infos, in the server's words. */
  notes: string[]
}

export interface ApiRequest {
  /** Below the base: `api/v1/query`. */
  path: string
  params: readonly (readonly [string, string])[]
  /** POST sends a form: for queries, which may be longer than a URL may be. */
  method: 'GET' | 'POST'
}

/**
 * Asks the API. The shape of `data` is the caller's knowledge of the endpoint. Throws ApiError; when `signal` aborts,
 * its reason (a DOMException called AbortError).
 */
export async function fetchApi<T>(base: string, request: ApiRequest, signal: AbortSignal | null): Promise<Answer<T>> {
  const form = new URLSearchParams(request.params.map(([name, value]) => [name, value]))
  const url = new URL(request.path, base)
  if (request.method === 'GET') url.search = form.toString()
  const headers = { Accept: 'application/json' }
  let status: number
  let text: string
  const askedMs = Date.now()
  try {
    const response = await fetch(url, request.method === 'GET' ? { headers, signal } : { method: 'POST', headers, body: form, signal })
    noteAnswerDate(response.headers.get('Date'), askedMs)
    status = response.status
    text = await response.text()
  } catch (error) {
    signal?.throwIfAborted()
    throw new ApiError('network', 'cannot reach the server', { cause: error })
  }
  return readEnvelope<T>(status, text)
}

function readEnvelope<T>(status: number, text: string): Answer<T> {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    throw new ApiError('protocol', `the server answered ${status} with something that is not JSON`, { cause: error })
  }
  if (typeof body !== 'object' || body === null || !('status' in body)) {
    throw new ApiError('protocol', `the server answered ${status} without an API envelope`)
  }
  const envelope = body as { status: unknown; data?: T; errorType?: string; error?: string; warnings?: string[]; infos?: string[] }
  if (envelope.status !== 'success' || envelope.data === undefined) {
    throw new ApiError(envelope.errorType ?? 'protocol', envelope.error ?? `the server answered ${status} without data`)
  }
  return { data: envelope.data, notes: [...(envelope.warnings ?? []), ...(envelope.infos ?? [])] }
}

/** True for the rejection of a request that was cancelled. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}
