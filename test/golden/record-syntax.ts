// Re-records what Prometheus makes of query texts, without evaluating them:
//
//   node test/golden/record-syntax.ts http://HOST:PORT
//
// promql-format.json (/api/v1/format_query) and promql-parse-query.json (/api/v1/parse_query) keep their queries and get
// new answers. HOST is a Prometheus 3.14 with promql-experimental-functions, promql-extended-range-selectors and
// promql-binop-fill-modifiers on; older ones refuse part of the queries.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const [server] = process.argv.slice(2)
if (server === undefined) throw new Error('usage: node test/golden/record-syntax.ts http://HOST:PORT')

for (const [name, endpoint] of [['promql-format.json', 'format_query'], ['promql-parse-query.json', 'parse_query']] as const) {
  const file = path.join(import.meta.dirname, name)
  const rows = JSON.parse(readFileSync(file, 'utf8')) as { query: string }[]
  const lines: string[] = []
  for (const { query } of rows) {
    const response = await fetch(new URL(`/api/v1/${endpoint}`, server), { method: 'POST', body: new URLSearchParams({ query }) })
    const { data, error } = await response.json() as { data?: unknown; error?: string }
    lines.push(JSON.stringify(error === undefined ? { query, data } : { query, error }))
  }
  writeFileSync(file, `[\n${lines.join(',\n')}\n]\n`)
  console.log(`${name}: ${lines.length} queries`)
}
