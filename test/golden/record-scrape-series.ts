// Records what a real Prometheus says of scrapes that fail: `up` and the scrape_* counts over consecutive scrapes of
// one target, for each case of scrape-series-cases.ts. Writes scrape-series.json, which the test compares with; the
// test itself needs no Prometheus.
//
//   PROMETHEUS=path/to/prometheus node test/golden/record-scrape-series.ts > test/golden/scrape-series.json
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { CASES, SCRAPES, SERIES, casePath, caseServer } from './scrape-series-cases.ts'

const program = process.env['PROMETHEUS']
if (program === undefined) throw new Error('PROMETHEUS must name the program to record')
const port = Number(process.env['PORT'] ?? 19190)
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scrape-series-'))
const { server, address } = await caseServer(() => Date.now())
const jobs = CASES.map((one) => ({
  job_name: one.name, metrics_path: casePath(one), static_configs: [{ targets: [address] }], ...one.config,
}))
const global = { scrape_interval: '1s', scrape_timeout: '1s' }
fs.writeFileSync(path.join(folder, 'p.yml'), JSON.stringify({ global, scrape_configs: jobs }))
const flags = [`--config.file=${folder}/p.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`]
// Whatever fails here must not leave the program running.
process.on('exit', () => child.kill('SIGKILL'))
const child = spawn(program, [...(process.env['ARGUMENTS']?.split(' ') ?? []), ...flags], { stdio: ['ignore', 'ignore', 'inherit'] })

interface Answer {
  data: { result: { metric: Record<string, string>, values: [number, string][] }[], version: string }
}
const ask = async (url: string): Promise<Answer> => (await (await fetch(`http://127.0.0.1:${port}/api/v1/${url}`)).json()) as Answer

// Prometheus waits 5 s before it takes its first targets.
await new Promise((resolve) => setTimeout(resolve, (SCRAPES + 8) * 1000))
const query = `query=${encodeURIComponent(`{__name__=~"${SERIES.join('|')}"}[1m]`)}`
const { result } = (await ask(`query?${query}`)).data
const { version } = (await ask('status/buildinfo')).data
child.kill('SIGTERM')
if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve))
server.closeAllConnections()
server.close()
fs.rmSync(folder, { recursive: true })

const answers: Record<string, Record<string, number[]>> = {}
for (const { name } of CASES) {
  answers[name] = {}
  for (const series of SERIES) {
    const found = result.find(({ metric }) => metric['job'] === name && metric['__name__'] === series)
    if (found === undefined || found.values.length < SCRAPES) throw new Error(`too few scrapes of ${name}`)
    answers[name][series] = found.values.slice(0, SCRAPES).map(([, value]) => Number(value))
  }
}
const rows = Object.entries(answers).map(([name, row]) => `    ${JSON.stringify(name)}: ${JSON.stringify(row)}`)
process.stdout.write(`{\n  "version": ${JSON.stringify(version)},\n  "cases": {\n${rows.join(',\n')}\n  }\n}\n`)
