// Asks Alertmanager's API all cases of test/golden/alertmanager-api-cases.ts, one after the other.
import { API_CASES, normalized } from '../golden/alertmanager-api-cases.ts'

export interface ApiAnswer {
  /** The request, for people. */
  asked: string
  status: number
  /** Keys in order; what differs from run to run is named. */
  body: unknown
  /** Of HEAD and OPTIONS, what is allowed instead. */
  allow?: string | null
}

export async function askAll(base: string): Promise<ApiAnswer[]> {
  const seen = new Map<string, string>()
  let firstId = ''
  const answers: ApiAnswer[] = []
  for (const { method = 'GET', path, body, type = 'application/json' } of API_CASES) {
    const response = await fetch(`${base}${path.replace('$1', firstId)}`, { method, ...(method === 'POST' && { body: body ?? '', headers: { 'content-type': type } }) })
    const text = await response.text()
    firstId ||= /"silenceID":"([^"]+)"/.exec(text)?.[1] ?? ''
    const allow = method === 'HEAD' || method === 'OPTIONS' ? { allow: response.headers.get('allow') } : {}
    const isJson = (response.headers.get('content-type') ?? '').startsWith('application/json')
    answers.push({ asked: `${method} ${path} ${body ?? ''}`.trim(), status: response.status, body: isJson && text !== '' ? sorted(JSON.parse(normalized(text, seen))) : text, ...allow })
  }
  return answers
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]))
}
