// Re-records what promtool prints of a server's answers:
//
//   node test/golden/record-promtool.ts PROMTOOL http://HOST:PORT
//
// HOST is a Prometheus that has scraped itself as job "prometheus" every second for a minute, native histograms on.
// promtool-query.json holds each command line, the server's body and promtool's two outputs.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'

const [promtool, server] = process.argv.slice(2)
if (promtool === undefined || server === undefined) throw new Error('usage: node test/golden/record-promtool.ts PROMTOOL http://HOST:PORT')

const end = Math.floor(Date.now() / 1000) - 2
const instants = [
  '1', '0-1e-7', '1e22', 'vector(1e-7)', 'vector(NaN)', 'vector(-Inf)', 'time()', 'up', 'up == 7', 'topk(3, prometheus_http_requests_total)',
  'label_replace(up, "x", "a\\"b<c>é\\n\\\\", "job", ".*")', 'sum by (nothing) (up)', 'prometheus_http_request_duration_seconds{handler="/metrics"}',
  'histogram_count(prometheus_http_request_duration_seconds{handler="/metrics"})', 'up[5s]', 'prometheus_http_request_duration_seconds{handler="/metrics"}[3s]',
  'label_replace(vector(1), "a", "1", "", "") or label_replace(vector(2), "b", "1", "", "")', 'vector(123456789.25)',
]
const ranges = ['1', 'up', 'sort(prometheus_build_info)', 'count({__name__=~"prometheus_.*"}) by (job)', 'topk(2, prometheus_http_requests_total)',
  'label_replace(up, "b", "2", "", "") or label_replace(up, "a", "1", "", "") or label_replace(up, "__name__", "zup", "", "") or vector(time()/3)',
  'prometheus_http_request_duration_seconds{handler="/metrics"}']

interface Case {
  args: string[]
  path: string
  parameters: [string, string][]
}
const cases: Case[] = [
  ...instants.map((query) => ({ args: ['instant', `--time=${end}`, 'SERVER', query], path: '/api/v1/query', parameters: [['query', query], ['time', String(end)]] as [string, string][] })),
  ...ranges.map((query) => ({
    args: ['range', `--start=${end - 9}`, `--end=${end}.5`, '--step=3s', 'SERVER', query], path: '/api/v1/query_range',
    parameters: [['query', query], ['start', String(end - 9)], ['end', `${end}.5`], ['step', '3']] as [string, string][],
  })),
  { args: ['series', '--match=up', '--match={__name__=~"prometheus_tsdb_.*",le=~"1|2.*"}', 'SERVER'], path: '/api/v1/series', parameters: [['match[]', 'up'], ['match[]', '{__name__=~"prometheus_tsdb_.*",le=~"1|2.*"}']] },
  { args: ['series', '--match=nothing', 'SERVER'], path: '/api/v1/series', parameters: [['match[]', 'nothing']] },
  { args: ['labels', 'SERVER', 'handler'], path: '/api/v1/label/handler/values', parameters: [] },
  { args: ['labels', '--match=up', 'SERVER', 'job'], path: '/api/v1/label/job/values', parameters: [['match[]', 'up']] },
  { args: ['labels', 'SERVER', 'nothing'], path: '/api/v1/label/nothing/values', parameters: [] },
]
const lines: string[] = []
for (const { args, path: urlPath, parameters } of cases) {
  const run = (format: string): string => execFileSync(promtool, ['query', `--format=${format}`, ...args.map((arg) => (arg === 'SERVER' ? server : arg))], { encoding: 'utf8' })
  const url = new URL(urlPath, server)
  url.search = new URLSearchParams(parameters).toString()
  const response = await fetch(url)
  lines.push(JSON.stringify({ args, path: urlPath, body: await response.text(), promql: run('promql'), json: run('json') }))
}
writeFileSync(path.join(import.meta.dirname, 'promtool-query.json'), `[\n${lines.join(',\n')}\n]\n`)
console.log(`${lines.length} command lines`)
