// Records what Alertmanager sends for test/golden/notify/receivers.yml: once an alert of two fires, once both have ended.
//
//   node test/differential/record-alertmanager.ts ALERTMANAGER    writes test/golden/notify/requests.json
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { RECORDED_AT_MS, recordedAlerts, RECORDED_TEMPLATES, answerOf, type RecordedRequest } from '../support/recorded-requests.ts'

const [program] = process.argv.slice(2)
if (program === undefined) throw new Error('usage: record-alertmanager.ts ALERTMANAGER')
const golden = path.join(import.meta.dirname, '../golden/notify')
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'alertmanager-'))
let phase: RecordedRequest['phase'] | 'first' = 'first'
const requests: RecordedRequest[] = []
const server = createServer((incoming, response) => {
  let body = ''
  incoming.on('data', (chunk: Buffer) => (body += chunk.toString()))
  incoming.on('end', () => {
    const { authorization = '', 'x-auth-token': token = '', 'x-user-id': user = '', 'content-type': type = '' } = incoming.headers
    // The first alert of a group is told alone.
    if (phase !== 'first') requests.push({ phase, method: incoming.method!, path: incoming.url!, type, authorization: authorization.replace(/Signature=.*/, ''), token: `${String(token)}${String(user)}`, body })
    const [answerType, text] = answerOf(incoming.url!)
    response.writeHead(200, { 'content-type': answerType }).end(text)
  })
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const config = fs.readFileSync(path.join(golden, 'receivers.yml'), 'utf8').replaceAll('@URL@', url)
fs.writeFileSync(path.join(folder, 'own.tmpl'), RECORDED_TEMPLATES)
fs.writeFileSync(path.join(folder, 'alertmanager.yml'), `${config}\nroute: {receiver: team-x, group_by: [alertname], group_wait: 100ms, group_interval: 2s, repeat_interval: 1h}\ntemplates: ['${folder}/own.tmpl']\n`)
const api = '127.0.0.1:26093'
const monitor = spawn(program, [
  `--config.file=${folder}/alertmanager.yml`, `--storage.path=${folder}/data`, `--web.listen-address=${api}`, '--cluster.listen-address=', '--web.external-url=http://monitor.example:9090', '--web.route-prefix=/',
], { stdio: ['ignore', 'inherit', 'inherit'] })
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const post = async (hasEnded: boolean): Promise<void> => {
  const body = JSON.stringify(recordedAlerts().map(({ labels, annotations, startsAtMs, generatorUrl }) => ({
    labels: Object.fromEntries(labels), annotations: Object.fromEntries(annotations), startsAt: new Date(startsAtMs).toISOString(), generatorURL: generatorUrl,
    endsAt: new Date(hasEnded ? RECORDED_AT_MS - 1000 : Date.now() + 3_600_000).toISOString(),
  })))
  const answer = await fetch(`http://${api}/api/v2/alerts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  if (!answer.ok) throw new Error(await answer.text())
}
await pause(1500)
await post(false)
await pause(1000)
phase = 'firing'
await pause(3000)
phase = 'resolved'
await post(true)
await pause(4000)
monitor.kill()
server.closeAllConnections()
server.close()
fs.rmSync(folder, { recursive: true })
requests.sort((a, b) => (a.phase + a.path + a.method < b.phase + b.path + b.method ? -1 : 1))
fs.writeFileSync(path.join(golden, 'requests.json'), `${JSON.stringify(requests.map((one) => ({ ...one, path: one.path.replace(url, '@URL@') })), null, 1)}\n`)
console.log(`${requests.length} requests recorded`)
