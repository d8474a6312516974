// Re-records alertmanager-story.json:
//
//   node test/golden/record-alertmanager-story.ts ALERTMANAGER
//
// ALERTMANAGER is the program, of version 0.35; it is started over a folder of its own.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { byGroup, STORY, storyConfig, told } from './alertmanager-story.ts'

const [program] = process.argv.slice(2)
if (program === undefined) throw new Error('usage: node test/golden/record-alertmanager-story.ts ALERTMANAGER')

const messages: { to: string; message: unknown }[] = []
const hook = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    messages.push(told(request.url!.slice(1), JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>))
    response.end()
  })
})
await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
const folder = mkdtempSync(path.join(os.tmpdir(), 'alertmanager-story-'))
writeFileSync(`${folder}/am.yml`, storyConfig(`http://127.0.0.1:${(hook.address() as AddressInfo).port}`))
const port = 25_055
const manager = spawn(program, [`--config.file=${folder}/am.yml`, `--storage.path=${folder}`, `--web.listen-address=127.0.0.1:${port}`, '--cluster.listen-address='], { stdio: 'ignore' })
const post = async (where: string, body: unknown): Promise<void> => {
  const { ok } = await fetch(`http://127.0.0.1:${port}/api/v2/${where}`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
  if (!ok) throw new Error(`${where} was refused`)
}
try {
  await sleep(2000)
  const fromMs = Date.now()
  const annotations = { summary: 'it is so' }
  for (const { at, fire = [], end = [], silence } of STORY) {
    await sleep(Math.max(0, fromMs + at * 1000 - Date.now()))
    await post('alerts', [...fire.map((labels) => ({ labels, annotations, endsAt: '2099-01-01T00:00:00Z' })), ...end.map((labels) => ({ labels, annotations, endsAt: new Date().toISOString() }))])
    if (silence !== undefined) {
      await post('silences', { matchers: [{ name: silence.name, value: silence.value, isRegex: false }], startsAt: new Date().toISOString(), endsAt: new Date(Date.now() + silence.seconds * 1000).toISOString(), createdBy: 'me', comment: 'c' })
    }
  }
} finally {
  manager.kill()
  hook.close()
  rmSync(folder, { recursive: true })
}
writeFileSync(path.join(import.meta.dirname, 'alertmanager-story.json'), `${JSON.stringify(byGroup(messages), null, 1)}\n`)
console.log(`${messages.length} messages`)
