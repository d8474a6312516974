// Microseconds to parse typical dashboard queries, warm: `node test/bench/parse.bench.ts`.
import { parseExpr } from '../../lang/parse/parse.ts'

const QUERIES = [
  'up',
  'sum by (job) (rate(http_requests_total{job="api",code=~"5.."}[5m]))',
  'histogram_quantile(0.99, sum by (le, handler) (rate(http_request_duration_seconds_bucket{job=~"api|web"}[5m])))',
  '100 - (avg by (instance) (rate(node_cpu_seconds_total{mode="idle",instance=~"$node"}[1m])) * 100)',
  '(node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes) / node_memory_MemTotal_bytes * 100 > 90 and on(instance) up == 1',
  'max_over_time(sum without (cpu) (irate(node_cpu_seconds_total[1m]))[1h:30s] offset 1d) / on(instance) group_left(nodename) node_uname_info',
]
const ROUNDS = 5
const REPEATS = 1_000

for (const query of QUERIES) {
  const micros: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    for (let i = 0; i < REPEATS; i++) parseExpr(query)
    micros.push(((performance.now() - start) * 1000) / REPEATS)
  }
  micros.sort((a, b) => a - b)
  console.log(`${micros[ROUNDS >> 1]!.toFixed(1).padStart(7)} µs  (${query.length} chars)  ${query.slice(0, 80)}`)
}
