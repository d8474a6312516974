// The relational store's thread where it cannot start, or dies over a call: tried again, more and more seldom, and whoever asks is told.
import fs from 'node:fs'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { MetaMetrics } from '../../../lib/meta/meta-metrics.ts'
import { ThreadChannel } from '../../../lib/meta/thread-channel.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { Logger } from '../../../lib/std/log.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { waitFor } from '../../support/monitor-process.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const ENTRY = new URL('../../../cmd/meta-worker.ts', import.meta.url)

function openOver(entry: URL): { channel: ThreadChannel; clock: FakeClock; logged: string[]; hasEnded: (times: number) => Promise<unknown> } {
  const clock = new FakeClock()
  const logged: string[] = []
  const logger = new Logger({ level: 'info', format: 'logfmt', clock, write: (line) => logged.push(line) })
  const channel = new ThreadChannel({ folder: `${tempFolder()}/meta`, clock, logger, metrics: new MetaMetrics(new Metrics()), workerUrl: entry })
  return { channel, clock, logged, hasEnded: (times) => waitFor(`end ${times}`, async () => logged.length >= times) }
}

const delays = (logged: readonly string[]): number[] => logged.map((line) => Number(/delay_ms=(\d+)/.exec(line)?.[1]))

describe('the thread of the relational store', () => {
  it('is started more and more seldom where it cannot start; calls are refused, and taken once it can', async () => {
    const file = `${tempFolder()}/entry.ts`
    const { channel, clock, logged, hasEnded } = openOver(pathToFileURL(file))
    const first = channel.send({ method: 'silences', args: [] })
    for (let times = 1; times <= 3; times++) {
      await hasEnded(times)
      await clock.advance(delays(logged).at(-1)!)
    }
    expect((await first).error).toMatch(/cannot silences: the thread of the relational store does not start \(.*entry\.ts.*\); it is tried again/)
    expect((await channel.send({ method: 'silences', args: [] })).error).toContain('does not start')
    for (let times = 4; times <= 7; times++) {
      await hasEnded(times)
      await clock.advance(delays(logged).at(-1)!)
    }
    await hasEnded(8)
    expect(delays(logged)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
    fs.writeFileSync(file, `await import(${JSON.stringify(ENTRY.href)})\n`)
    await clock.advance(30_000)
    await waitFor('an answer', async () => (await channel.send({ method: 'silences', args: [] })).error === null)
    await channel.close()
  })

  it('can be closed while it does not start', async () => {
    const { channel, hasEnded } = openOver(pathToFileURL(`${tempFolder()}/entry.ts`))
    const call = channel.send({ method: 'silences', args: [] })
    await hasEnded(1)
    await channel.close()
    expect((await call).error).toBe('cannot silences: Monitor ends')
  })

  it('gives a call up that thread after thread dies over, and answers others', async () => {
    const file = `${tempFolder()}/entry.ts`
    fs.writeFileSync(file, `import { parentPort } from 'node:worker_threads'
parentPort.on('message', ({ call }) => { if (call?.method === 'forget') process.exit(3) })
await import(${JSON.stringify(ENTRY.href)})\n`)
    const { channel, clock, logged, hasEnded } = openOver(pathToFileURL(file))
    const deadly = channel.send({ method: 'forget', args: [{ resolvedBeforeMs: 0, nowMs: 0 }] })
    for (let times = 1; times <= 3; times++) {
      await hasEnded(times)
      await clock.advance(delays(logged).at(-1)!)
    }
    expect((await deadly).error).toContain('the thread of the relational store ended while it was at it')
    expect(await channel.send({ method: 'silences', args: [] })).toEqual({ value: [], error: null })
    await channel.close()
  })
})
