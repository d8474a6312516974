// /federate: the newest samples of chosen series, for another Prometheus to scrape. Source: prometheus web/federate.go; its
// Accept header is read as github.com/munnerz/goautoneg and expfmt.Negotiate read it.
import type { FastifyInstance } from 'fastify'
import type { NameEscaping } from '../../lib/model/escaped-name.ts'
import { compareText } from '../../lib/model/labels.ts'
import type { ServerParts } from '../parts.ts'
import { Params } from './params.ts'
import type { ReplySender } from './reply-sender.ts'
import { addRoute } from './router.ts'

export const FEDERATION_PATH = '/federate'

const TYPES = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  protobuf: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
} as const
const ESCAPINGS: readonly NameEscaping[] = ['allow-utf-8', 'underscores', 'dots', 'values']

export function addFederationRoute(app: FastifyInstance, parts: ServerParts, sender: ReplySender): void {
  addRoute(app, ['GET'], FEDERATION_PATH, (request, reply) => {
    const endMs = parts.clock.now()
    const { format, escaping } = negotiated(String(request.headers.accept ?? ''))
    return sender.answer(reply, request, {
      kind: 'federate', matches: new Params(request).all('match[]'), startMs: endMs - parts.options.lookbackMs, endMs,
      externalLabels: labelsFor(parts.config.externalLabels()), format, escaping, limit: 0, timeoutMs: parts.options.queryTimeoutMs,
    }, `${TYPES[format]}; escaping=${escaping}`)
  })
}

/** Sorted and flat; what has no instance says so, or the scraping side would put its own there. */
function labelsFor(external: ReadonlyMap<string, string>): string[] {
  const all = new Map([['instance', ''], ...external])
  return [...all.keys()].toSorted(compareText).flatMap((name) => [name, all.get(name)!])
}

interface Clause {
  type: string
  params: ReadonlyMap<string, string>
  weight: number
}

/** The first clause that names a format decides; the last escaping named up to there holds. Other formats than ours are passed over. */
function negotiated(accept: string): { format: keyof typeof TYPES; escaping: NameEscaping } {
  let escaping: NameEscaping = 'underscores'
  for (const { type, params } of clausesOf(accept)) {
    escaping = ESCAPINGS.find((one) => one === params.get('escaping')) ?? escaping
    if (type === 'application/vnd.google.protobuf' && params.get('proto') === 'io.prometheus.client.MetricFamily' && params.get('encoding') === 'delimited') return { format: 'protobuf', escaping }
    if (type === 'text/plain' && ['', '0.0.4'].includes(params.get('version') ?? '')) return { format: 'text', escaping }
  }
  return { format: 'text', escaping }
}

/** By falling weight. */
function clausesOf(accept: string): Clause[] {
  const clauses = accept.split(',').map((text): Clause => {
    const [type = '', ...rest] = text.split(';').map((part) => part.trim())
    const params = new Map(rest.map((part): [string, string] => {
      const at = part.indexOf('=')
      return [part.slice(0, at).trim(), part.slice(at + 1).trim()]
    }))
    const weight = params.get('q')
    return { type, params, weight: weight === undefined ? 1 : Number(weight) || 0 }
  })
  return clauses.toSorted((a, b) => b.weight - a.weight)
}
