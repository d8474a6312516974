// Re-records alertmanager-random.json, a minute:
//
//   node test/golden/record-alertmanager-random.ts ALERTMANAGER
//
// ALERTMANAGER is the program, of version 0.35; one is started for each story, over a folder of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { linesByGroup, randomStory } from './alertmanager-random-story.ts'

const STORIES = 48
/** Side by side: more would be late. */
const TOGETHER = 16
const PORT = 25_060

const [program] = process.argv.slice(2)
if (program === undefined) throw new Error('usage: node test/golden/record-alertmanager-random.ts ALERTMANAGER')
type Message = Parameters<typeof linesByGroup>[0][number]
const messages = Array.from({ length: STORIES }, (): Message[] => [])
const hook = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const [, seed, to] = request.url!.split('/')
    messages[Number(seed)]!.push({ to: to!, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as Message['body'] })
    response.end()
  })
})
await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))

async function record(seed: number): Promise<void> {
  const { config, steps } = randomStory(seed)
  const folder = mkdtempSync(path.join(os.tmpdir(), 'alertmanager-random-'))
  writeFileSync(`${folder}/am.yml`, config(`http://127.0.0.1:${(hook.address() as AddressInfo).port}/${seed}`))
  const port = PORT + seed
  const manager = spawn(program!, [`--config.file=${folder}/am.yml`, `--storage.path=${folder}`, `--web.listen-address=127.0.0.1:${port}`, '--cluster.listen-address='], { stdio: 'ignore' })
  try {
    await sleep(4000)
    const fromMs = Date.now()
    for (const { at, fire = [], end = [] } of steps) {
      await sleep(Math.max(0, fromMs + at * 1000 - Date.now()))
      const body = JSON.stringify([...fire.map((labels) => ({ labels, endsAt: '2099-01-01T00:00:00Z' })), ...end.map((labels) => ({ labels, endsAt: new Date().toISOString() }))])
      const { ok } = await fetch(`http://127.0.0.1:${port}/api/v2/alerts`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
      if (!ok) throw new Error('alerts were refused')
    }
  } finally {
    manager.kill('SIGKILL')
    await once(manager, 'exit')
    rmSync(folder, { recursive: true, force: true })
  }
}

for (let from = 0; from < STORIES; from += TOGETHER) await Promise.all(Array.from({ length: TOGETHER }, (_, k) => record(from + k)))
hook.close()
writeFileSync(path.join(import.meta.dirname, 'alertmanager-random.json'), `[\n${messages.map((all) => JSON.stringify(linesByGroup(all))).join(',\n')}\n]\n`)
console.log(`${messages.reduce((sum, { length }) => sum + length, 0)} messages`)
