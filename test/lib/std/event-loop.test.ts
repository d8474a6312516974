import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../../lib/std/clock.ts'
import { StallWatch } from '../../../lib/std/event-loop.ts'
import { Metrics } from '../../../lib/std/metrics.ts'

const tick = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('StallWatch', () => {
  it('shows a stall of the event loop, on /metrics too, and forgets it after a minute', async () => {
    const metrics = new Metrics()
    const clock = new FakeClock()
    const watch = new StallWatch(clock, metrics)
    await tick(50)
    const until = performance.now() + 250
    while (performance.now() < until);
    await tick(50)
    const longestMs = watch.longestMs()
    expect(longestMs).toBeGreaterThan(150)
    const text = await metrics.registry.metrics()
    expect(Number(/^monitor_event_loop_stall_seconds (\S+)/m.exec(text)?.[1])).toBeGreaterThan(0.15)
    for (let window = 0; window < 8; window++) {
      await tick(20)
      await clock.advance(10_000)
    }
    // A machine at work has stalls of its own.
    expect(watch.longestMs()).toBeLessThan(longestMs)
    watch.stop()
  })

  it('shows that the process, or its machine, was stopped', async () => {
    // What a stopped process sees when it goes on: its timers are late.
    class StoppedClock extends FakeClock {
      stoppedMs = 0
      override monotonic(): number {
        return super.monotonic() + this.stoppedMs
      }
    }
    const clock = new StoppedClock()
    const watch = new StallWatch(clock, new Metrics())
    await clock.advance(3500)
    expect(watch.longestMs()).toBeLessThan(5000)
    clock.stoppedMs = 30_000
    await clock.advance(1000)
    expect(watch.longestMs()).toBeGreaterThanOrEqual(30_000)
    await clock.advance(75_000)
    expect(watch.longestMs()).toBeLessThan(5000)
    watch.stop()
  })
})
