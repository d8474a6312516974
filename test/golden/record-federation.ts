// Records what a real Prometheus answers on /federate, for each case of federation-cases.ts. The tests need no Prometheus.
//
//   PROMETHEUS=path/to/prometheus node test/golden/record-federation.ts > test/golden/federation.json
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CASES, EXTERNAL_LABELS, ask, pushed } from './federation-cases.ts'

const program = process.env['PROMETHEUS']
if (program === undefined) throw new Error('PROMETHEUS must name the program to record')
const port = Number(process.env['PORT'] ?? 19191)
const base = `http://127.0.0.1:${port}`
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'federation-'))
fs.writeFileSync(path.join(folder, 'p.yml'), JSON.stringify({ global: { external_labels: EXTERNAL_LABELS }, storage: { tsdb: { out_of_order_time_window: '30m' } } }))
process.on('exit', () => child.kill('SIGKILL'))
const child = spawn(program, [`--config.file=${folder}/p.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`, '--web.enable-remote-write-receiver'], { stdio: ['ignore', 'ignore', 'ignore'] })
for (let i = 0; i < 200 && !(await fetch(`${base}/-/ready`).then(({ ok }) => ok, () => false)); i++) await delay(100)

const nowMs = Math.floor(Date.now() / 1000) * 1000
const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' }
const reply = await fetch(`${base}/api/v1/write`, { method: 'POST', body: Buffer.from(pushed(nowMs)), headers })
if (reply.status !== 204) throw new Error(`refused: ${reply.status} ${await reply.text()}`)
const answers = []
for (const one of CASES) answers.push(await ask(base, one))
process.stdout.write(`${JSON.stringify({ nowMs, answers }, null, 1)}\n`)
fs.rmSync(folder, { recursive: true })
process.exit(0)
