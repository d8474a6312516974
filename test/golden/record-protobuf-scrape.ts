// Records what a real Prometheus answers after scrapes, for each case of protobuf-scrape-cases.ts, or of type-unit-cases.ts if
// `type-unit` is asked for. Writes what the tests compare with; they themselves need no Prometheus.
//
//   PROMETHEUS=path/to/prometheus node test/golden/record-protobuf-scrape.ts > test/golden/protobuf-scrape.json.gz
//   PROMETHEUS=path/to/prometheus node test/golden/record-protobuf-scrape.ts type-unit > test/golden/type-unit.json.gz
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import zlib from 'node:zlib'
import { CASES as PROTOBUF_CASES, SCRAPES, STEP_MS, casePath, caseServer, queriesOf } from './protobuf-scrape-cases.ts'
import { plainAnswer, plainExemplars, type PrometheusAnswer } from './protobuf-scrape-answers.ts'
import { CASES as TYPE_UNIT_CASES } from './type-unit-cases.ts'

const isTypeUnit = process.argv[2] === 'type-unit'
const CASES = isTypeUnit ? TYPE_UNIT_CASES : PROTOBUF_CASES

const program = process.env['PROMETHEUS']
if (program === undefined) throw new Error('PROMETHEUS must name the program to record')
const port = Number(process.env['PORT'] ?? 19191)
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'protobuf-scrape-'))
const baseMs = Math.floor(Date.now() / 1000) * 1000
const { server, address, accepts } = await caseServer(CASES, baseMs)
const jobs = CASES.map((one) => ({ job_name: one.name, metrics_path: casePath(one), static_configs: [{ targets: [address] }], ...one.config }))
fs.writeFileSync(path.join(folder, 'p.yml'), JSON.stringify({ global: { scrape_interval: '2s', scrape_timeout: '2s' }, storage: { exemplars: { max_exemplars: 100_000 } }, scrape_configs: jobs }))
const flags = [`--config.file=${folder}/p.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`, `--enable-feature=exemplar-storage${isTypeUnit ? ',type-and-unit-labels' : ''}`]
// Whatever fails here must not leave the program running.
process.on('exit', () => child.kill('SIGKILL'))
const child = spawn(program, flags, { stdio: ['ignore', 'ignore', 'inherit'] })

interface MetadataAnswer {
  data?: { metric: string; type: string; help: string; unit: string }[]
}
const get = (url: string): Promise<unknown> => fetch(`http://127.0.0.1:${port}/api/v1/${url}`).then((response) => response.json())
const instant = (query: string, timeMs: number): Promise<PrometheusAnswer> => get(`query?query=${encodeURIComponent(query)}&time=${timeMs / 1000}`) as Promise<PrometheusAnswer>

// Prometheus waits 5 s before it takes its first targets.
await new Promise((resolve) => setTimeout(resolve, (SCRAPES * 2 + 10) * 1000))
const nowMs = Date.now()
const cases: Record<string, unknown> = {}
for (const one of CASES) {
  const job = JSON.stringify(one.name)
  const ups = (await instant(`up{job=${job}}[5m]`, nowMs)).data.result[0]?.values ?? []
  if (ups.length < SCRAPES) throw new Error(`too few scrapes of ${one.name}`)
  const answers: Record<string, string[]> = {}
  for (const [i, query] of queriesOf(one).entries()) {
    answers[query] = []
    for (let scrape = 0; scrape < SCRAPES; scrape++) {
      const upMs = Math.round(ups[scrape]![0] * 1000)
      // What the scrape itself tells has the time of the scrape.
      answers[query].push(plainAnswer(await instant(query, one.isTimed && i >= 4 ? baseMs + scrape * STEP_MS : upMs)))
    }
  }
  const { data: metadata = [] } = (await get(`targets/metadata?match_target=${encodeURIComponent(`{job=${job}}`)}`)) as MetadataAnswer
  const exemplars = await get(`query_exemplars?query=${encodeURIComponent(`{job=${job}}`)}&start=${(baseMs - 60_000) / 1000}&end=${(baseMs + 60_000) / 1000}`)
  cases[one.name] = {
    accept: accepts.get(one.name), answers, exemplars: one.isTimed ? plainExemplars(exemplars, baseMs) : [],
    metadata: metadata.map(({ metric, type, help, unit }) => [metric, type, help, unit].join(' | ')).toSorted(),
  }
}
child.kill('SIGTERM')
if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve))
server.closeAllConnections()
server.close()
fs.rmSync(folder, { recursive: true })
process.stdout.write(zlib.gzipSync(JSON.stringify(cases), { level: 9 }))
