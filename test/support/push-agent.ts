// An agent as its host runs it: scrapes targets, keeps what it read in a queue, and pushes it by remote write until it is taken.
//
//   node push-agent.ts http://monitor/api/v1/write INTERVAL_MS TARGET_URL…
import { setTimeout as wait } from 'node:timers/promises'
import { writeBody, type BodySeries } from './remote-write-body.ts'

const RETRY_MS = 500
const QUEUE_SERIES_MAX = 100_000

const [pushUrl = '', interval = '', ...targets] = process.argv.slice(2)
const intervalMs = Number(interval)
const queue: BodySeries[] = []
await Promise.all([push(), ...targets.map((target, i) => scrape(target, (intervalMs * i) / targets.length))])

async function scrape(target: string, offsetMs: number): Promise<never> {
  await wait(offsetMs)
  for (;;) {
    const next = wait(intervalMs)
    const timeMs = Date.now()
    const text = await fetch(target).then((answer) => answer.text(), () => '')
    for (const [, name, labels, value] of text.matchAll(/^(\w+)\{(.*)\} (\S+)$/gm)) {
      const pairs = Array.from(labels!.matchAll(/(\w+)="([^"]*)"/g), ([, label, text]) => [label!, text!] as const)
      queue.push({ labels: [['__name__', name!], ...pairs, ['path', new URL(target).pathname]], samples: [[Number(value), timeMs]] })
    }
    queue.splice(0, queue.length - QUEUE_SERIES_MAX)
    await next
  }
}

async function push(): Promise<never> {
  for (;;) {
    const batch = queue.slice(0)
    const isTaken = batch.length > 0 && await fetch(pushUrl, {
      method: 'POST', body: Buffer.from(writeBody(batch)), headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' },
    }).then(({ status }) => status < 500 && status !== 429, () => false)
    if (isTaken) queue.splice(0, batch.length)
    else await wait(RETRY_MS)
  }
}
