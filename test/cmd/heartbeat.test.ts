import { expect, it, onTestFinished } from 'vitest'
import { Heartbeats, type Component, type Probe } from '../../cmd/heartbeat.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Logger } from '../../lib/std/log.ts'
import { Metrics } from '../../lib/std/metrics.ts'

it('sets the heartbeat of each part that works, and leaves those of parts that hang, fail or say no', async () => {
  const clock = new FakeClock(1_700_000_000_000)
  const metrics = new Metrics()
  const log: string[] = []
  const ok: Probe = () => Promise.resolve(true)
  const probes: Record<Component, Probe> = {
    scrape: () => true, ingest: () => false, log: () => Promise.reject(new Error('disk on fire')), head: ok, query: () => new Promise(() => undefined), rules: ok, notify: ok, maintenance: ok,
  }
  const heartbeats = new Heartbeats(probes, { clock, metrics, logger: new Logger({ level: 'info', format: 'logfmt', write: (line) => log.push(line) }) })
  onTestFinished(() => heartbeats.stop())
  await clock.advance(30_000)
  const text = await metrics.registry.metrics()
  const beats = Object.fromEntries(Array.from(text.matchAll(/^monitor_heartbeat_timestamp_seconds\{component="(\w+)"\} (\S+)$/gm), ([, component, at]) => [component, Number(at) - 1_700_000_000]))
  expect(beats).toEqual({ scrape: 30, ingest: 0, log: 0, head: 30, query: 0, rules: 30, notify: 30, maintenance: 30 })
  expect(log[0]).toContain('disk on fire')
})
