// Scrapes that fail in every way that the scrape_* series can tell apart: what a target answers to each of its
// consecutive scrapes. Read by the recorder and by the test that compares with its recording.
import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** Consecutive scrapes of each case. */
export const SCRAPES = 4

/** What is recorded; scrape_duration_seconds is left out, since it is another each time. */
export const SERIES: readonly string[] = ['up', 'scrape_samples_scraped', 'scrape_samples_post_metric_relabeling', 'scrape_series_added']

/** Status 503. A connection that closes will not do: it is tried again where it had been used before. */
const NONE = null

export interface ScrapeCase {
  name: string
  /** Of the job, in the words of the configuration file. */
  config?: Record<string, unknown>
  contentType?: string
  status?: number
  /** One per scrape; `@+N` and `@-N` stand for Unix ms that many ms after and before the scrape. */
  bodies: readonly (string | null)[]
}

const always = (body: string | null): (string | null)[] => Array.from({ length: SCRAPES }, () => body)

const GOOD = 'a 1\nb 2\nc 3\n'
const BAD = 'a 1\nb 2\n???\nc 3\n'
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0'

export const CASES: readonly ScrapeCase[] = [
  { name: 'good', bodies: always(GOOD) },
  { name: 'status 503', bodies: always(NONE) },
  { name: 'status 503, then good', bodies: [NONE, GOOD, NONE, GOOD] },
  { name: 'good, then status 503', bodies: [GOOD, NONE, NONE, GOOD] },
  { name: 'status 500', status: 500, bodies: always(GOOD) },
  { name: 'wrong type', contentType: 'text/html', bodies: always(GOOD) },
  { name: 'empty body', bodies: always('') },
  { name: 'empty between', bodies: [GOOD, '', '', GOOD] },
  { name: 'comments between', bodies: [GOOD, '# nothing\n', '# nothing\n', GOOD] },
  { name: 'series come and go', bodies: ['a 1\nb 1\n', 'a 1\n', 'a 1\nb 1\n', 'a 1\nc 1\n'] },
  { name: 'other spelling', bodies: ['a{x="1",y="2"} 1\n', 'a{y="2",x="1"} 1\n', 'a{x="1",y="2"} 1\n', 'a{y="2",x="1",} 1\n'] },
  { name: 'parse error', bodies: always(BAD) },
  { name: 'parse error, then good', bodies: [BAD, GOOD, BAD, GOOD] },
  { name: 'parse error, status 503, parse error', bodies: [BAD, NONE, BAD, NONE] },
  { name: 'parse error, empty, parse error', bodies: [BAD, '', BAD, BAD] },
  { name: 'good, then parse errors', bodies: [GOOD, BAD, BAD, GOOD] },
  { name: 'parse errors that differ', bodies: ['a 1\n???\n', 'a 1\nb 1\n???\n', 'b 1\nc 1\n???\n', 'a 1\nb 1\nc 1\nd 1\n'] },
  { name: 'parse errors after good, that differ', bodies: [GOOD, 'd 1\na 1\n???\n', 'd 1\ne 1\n???\n', 'c 1\nd 1\ne 1\nf 1\n'] },
  { name: 'parse error in the first line', bodies: always('???\na 1\n') },
  { name: 'no newline at the end', bodies: always('a 1\nb 2') },
  { name: 'bad value', bodies: always('a 1\nb x\nc 3\n') },
  { name: 'bad timestamp', bodies: always('a 1\nb 1 x\nc 3\n') },
  { name: 'OpenMetrics without end', contentType: OPENMETRICS, bodies: always('a 1\nb 2\n') },
  { name: 'OpenMetrics, end missing later', contentType: OPENMETRICS, bodies: ['a 1\nb 2\n# EOF\n', 'a 1\nc 2\n', 'a 1\nc 2\n', 'a 1\nc 2\n# EOF\n'] },
  { name: 'label_limit', config: { label_limit: 3 }, bodies: always('a 1\nb{x="1",y="2"} 2\nc 3\n') },
  { name: 'label_limit in the first line', config: { label_limit: 1 }, bodies: always(GOOD) },
  { name: 'label_limit, then good', config: { label_limit: 3 }, bodies: ['a 1\nb{x="1",y="2"} 2\nc 3\n', GOOD, 'a 1\nd 1\nb{x="1",y="2"} 2\n', GOOD] },
  { name: 'label_name_length_limit', config: { label_name_length_limit: 9 }, bodies: always('a 1\nb{long_label="1"} 2\nc 3\n') },
  { name: 'label_value_length_limit', config: { label_value_length_limit: 30 }, bodies: always(`a 1\nb{x="${'y'.repeat(31)}"} 2\nc 3\n`) },
  { name: 'sample_limit', config: { sample_limit: 2 }, bodies: always('a 1\nb 2\nc 3\nd 4\n') },
  { name: 'sample_limit, then good', config: { sample_limit: 2 }, bodies: ['a 1\nb 2\nc 3\n', 'a 1\nb 2\n', 'c 1\nb 2\na 3\n', 'b 1\nc 3\n'] },
  { name: 'sample_limit and order', config: { sample_limit: 2 }, bodies: ['a 1\nb 2\nc 3\n', 'c 1\nb 2\na 3\n', 'a 1\nc 2\nb 3\n', 'c 1\nd 2\n'] },
  { name: 'sample_limit, then parse error', config: { sample_limit: 1 }, bodies: always('a 1\nb 2\n???\nc 3\n') },
  { name: 'sample_limit, then label_limit', config: { sample_limit: 1, label_limit: 3 }, bodies: always('a 1\nb 2\nc{x="1",y="2"} 3\nd 4\n') },
  { name: 'sample_limit and duplicates', config: { sample_limit: 2 }, bodies: ['a 1\na 1\nb 2\n', 'a 1\na 1\nb 2\n', 'a 1\na 1\nb 2\nc 3\nc 3\n', 'a 1\nc 3\nc 3\n'] },
  {
    name: 'sample_limit and relabeling',
    config: { sample_limit: 2, metric_relabel_configs: [{ source_labels: ['__name__'], regex: 'x.*', action: 'drop' }] },
    bodies: ['x1 1\na 1\nx2 1\nb 1\nc 2\nx3 1\n', 'x1 1\na 1\nx2 1\nb 1\nc 2\nx3 1\n', 'x1 1\na 1\nx2 1\nb 1\nx3 1\n', 'c 2\nx1 1\n'],
  },
  { name: 'body_size_limit', config: { body_size_limit: '16B' }, bodies: always('a 1\nb 2\nc 3\nd 4\ne 5\n') },
  { name: 'body_size_limit, then good', config: { body_size_limit: '16B' }, bodies: ['a 1\nb 2\nc 3\nd 4\ne 5\n', GOOD, 'a 1\nb 2\nc 3\nd 4\ne 5\n', GOOD] },
  { name: 'duplicates', bodies: always('a 1\na 2\nb 1\na 1\n') },
  { name: 'duplicates of old series', bodies: ['a 1\nb 1\n', 'a 1\na 2\nb 1\n', 'b 1\na 1\na 1\n', 'c 1\nc 1\n'] },
  { name: 'duplicates before a parse error', bodies: always('a 1\na 2\n???\n') },
  { name: 'relabeling drops', config: { metric_relabel_configs: [{ source_labels: ['__name__'], regex: 'b', action: 'drop' }] }, bodies: [GOOD, BAD, BAD, GOOD] },
  { name: 'relabeling drops the name', config: { metric_relabel_configs: [{ regex: '__name__', action: 'labeldrop' }] }, bodies: always('a{x="1"} 1\n') },
  { name: 'timestamps', bodies: ['a 1 @-1000\nb 1 @-0\n', 'a 1 @-1000\nb 1 @-0\n', 'a 1\nb 1 @-500\n', 'a 1 @-0\nb 1\n'] },
  { name: 'two timestamps of one series', bodies: always('a 1 @-500\na 2 @-0\n') },
  { name: 'future timestamps', bodies: always('a 1\nb 1 @+3600000\n') },
  { name: 'future, then present', bodies: ['b 1 @+3600000\n', 'b 1 @+3600000\n', 'b 1\n', 'b 1 @+3600000\n'] },
  { name: 'late timestamps', bodies: ['a 1 @-0\n', 'a 1 @-60000\n', 'a 1 @-120000\nb 1 @-60000\n', 'a 1 @-0\nb 1 @-0\n'] },
  { name: 'repeated label', bodies: always('a 1\nb{x="1",x="2"} 1\nc 1\n') },
  { name: 'empty label name', bodies: always('a 1\n{"b",""="1"} 1\n') },
  { name: 'honor_timestamps off', config: { honor_timestamps: false }, bodies: always('a 1 @+3600000\nb 1 @-0\n') },
  { name: 'bad UTF-8', bodies: always('a 1\nb{x="\xff"} 2\nc 1\n') },
]

/** Answers a case's path with the body of that case's next scrape, and with the last one from then on. */
export async function caseServer(now: () => number): Promise<{ server: http.Server, address: string }> {
  const answered = new Map<string, number>()
  const server = http.createServer((request, response) => {
    const { name, bodies, contentType = 'text/plain; version=0.0.4', status = 200 } = caseAt(request.url!)
    const index = answered.get(name) ?? 0
    answered.set(name, index + 1)
    const body = bodies[Math.min(index, bodies.length - 1)]!
    response.writeHead(body === NONE ? 503 : status, { 'content-type': contentType })
    response.end(body === NONE ? '' : Buffer.from(body.replaceAll(/@([+-]\d+)/g, (_, ms: string) => String(now() + Number(ms))), 'latin1'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, address: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Where a case's target is, as metrics_path has it. */
export function casePath({ name }: ScrapeCase): string {
  return `/${name.replaceAll(/[^A-Za-z0-9]+/g, '-')}`
}

function caseAt(path: string): ScrapeCase {
  const found = CASES.find((one) => casePath(one) === path)
  if (found === undefined) throw new Error(`no case at ${path}`)
  return found
}
