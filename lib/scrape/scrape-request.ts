// What a scrape asks for and which parser the answer gets: Accept, Content-Type, fallback. After prometheus
// scrape.go acceptHeader and textparse.New.
import type { ScrapeConfig, ScrapeProtocol } from '../config/scrape-config.ts'
import type { ExpositionFormat } from '../format/exposition-entry.ts'
import type { HttpResponse } from '../std/http.ts'
import type { Target } from './target.ts'

const MEDIA_TYPES: Readonly<Record<ScrapeProtocol, string>> = {
  PrometheusProto: 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
  'PrometheusText0.0.4': 'text/plain;version=0.0.4',
  'PrometheusText1.0.0': 'text/plain;version=1.0.0',
  'OpenMetricsText0.0.1': 'application/openmetrics-text;version=0.0.1',
  'OpenMetricsText1.0.0': 'application/openmetrics-text;version=1.0.0',
}

/** The answer is not one a scrape can use. */
export class ResponseError extends Error {
  readonly code: 'STATUS' | 'CONTENT_TYPE'

  constructor(code: 'STATUS' | 'CONTENT_TYPE', message: string) {
    super(message)
    this.code = code
  }
}

export function requestHeaders(target: Target, config: ScrapeConfig, version: string): Record<string, string> {
  return {
    accept: acceptHeader(config),
    'accept-encoding': config.enableCompression ? 'gzip' : 'identity',
    'user-agent': `Monitor/${version}`,
    'x-prometheus-scrape-timeout-seconds': String(target.timeoutMs / 1000),
  }
}

/** Preferences descend; escaping belongs to the two 1.0.0 types only. */
function acceptHeader(config: ScrapeConfig): string {
  let weight = Object.keys(MEDIA_TYPES).length + 1
  const values = config.scrapeProtocols.map((protocol) => {
    const escaping = protocol.endsWith('1.0.0') ? `;escaping=${config.metricNameEscapingScheme}` : ''
    return `${MEDIA_TYPES[protocol]}${escaping};q=0.${weight--}`
  })
  return [...values, `*/*;q=0.${weight}`].join(',')
}

/** The format of a good answer. Throws ResponseError for another status than 200 and for types no parser reads. */
export function responseFormat(response: HttpResponse, config: ScrapeConfig): ExpositionFormat {
  if (response.status !== 200) throw new ResponseError('STATUS', `server returned HTTP status ${response.statusText}`)
  const given = mediaType(response.contentType)
  const known = formatOf(given ?? '')
  if (known !== null) return known
  const fallback = config.fallbackScrapeProtocol
  const fallbackFormat = fallback === null ? null : formatOf(MEDIA_TYPES[fallback].split(';')[0]!)
  if (fallbackFormat !== null) return fallbackFormat
  const shown = JSON.stringify(response.contentType.slice(0, 200))
  throw new ResponseError('CONTENT_TYPE', response.contentType === ''
    ? 'non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target'
    : given === null
      ? `cannot parse Content-Type ${shown} and no fallback_scrape_protocol for target`
      : `received unsupported Content-Type ${shown} and no fallback_scrape_protocol specified for target`)
}

function formatOf(type: string): ExpositionFormat | null {
  switch (type) {
    case 'text/plain': return 'text'
    case 'application/openmetrics-text': return 'openmetrics'
    case 'application/vnd.google.protobuf': return 'protobuf'
    default: return null
  }
}

/** Type and subtype in lower case; null where the header is no media type (RFC 2045 tokens). */
function mediaType(header: string): string | null {
  const [type = '', ...parameters] = header.split(';')
  const isType = MEDIA_TYPE.test(type.trim())
  const areParameters = parameters.every((parameter) => parameter.trim() === '' || PARAMETER.test(parameter.trim()))
  return isType && areParameters ? type.trim().toLowerCase() : null
}

const MEDIA_TYPE = /^[!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+$/
const PARAMETER = /^[!#$%&'*+.^_`|~\w-]+\s*=\s*(?:[!#$%&'*+.^_`|~\w-]+|"(?:[^"\\]|\\.)*")$/
