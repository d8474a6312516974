// Requests of the dead man's switch, and errors in words.

/** POST of a body, else GET; with the name and password of a URL, which fetch refuses to send and names in its refusal. Any status but 2xx rejects. */
export async function ask(url: string, timeoutMs: number, body?: object): Promise<Response> {
  const { origin, pathname, search, username, password } = new URL(url)
  const headers = new Headers({ 'content-type': 'application/json' })
  if (username !== '') headers.set('authorization', `Basic ${Buffer.from(decodeURIComponent(`${username}:${password}`)).toString('base64')}`)
  const posted = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  const answer = await fetch(origin + pathname + search, { headers, signal: AbortSignal.timeout(timeoutMs), ...posted })
  if (!answer.ok) throw new Error(`status ${answer.status}`)
  return answer
}

export function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
