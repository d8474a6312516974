// Deadlines and signals of exchanges, by a clock that is turned by hand.
import { describe, expect, it } from 'vitest'
import { FakeClock, type Timer } from '../../../lib/std/clock.ts'
import { Endings, type Ending } from '../../../lib/std/http-endings.ts'

class CountingClock extends FakeClock {
  timers = 0

  override after(delayMs: number, f: () => void): Timer {
    this.timers++
    return super.after(delayMs, f)
  }
}

function story(): { clock: CountingClock; endings: Endings; told: string[]; ending: (name: string, deadlineMs: number, signal?: AbortSignal) => Ending } {
  const clock = new CountingClock()
  const endings = new Endings(clock)
  const told: string[] = []
  const ending = (name: string, deadlineMs: number, signal: AbortSignal | null = null): Ending => {
    const one: Ending = {
      deadlineMs, signal,
      expire: () => {
        told.push(`${name} expired at ${clock.monotonic()}`)
        endings.remove(one)
      },
      abort: () => {
        told.push(`${name} aborted`)
        endings.remove(one)
      },
    }
    endings.add(one)
    return one
  }
  return { clock, endings, told, ending }
}

describe('endings', () => {
  it('come at each deadline, whatever their order, and not once removed', async () => {
    const { clock, endings, told, ending } = story()
    ending('late', 300)
    ending('early', 100)
    const met = ending('met', 200)
    ending('same', 100)
    ending('past', -5)
    endings.remove(met)
    await clock.advance(0)
    expect(told).toEqual(['past expired at 0'])
    await clock.advance(1000)
    expect(told.slice(1).toSorted()).toEqual(['early expired at 100', 'late expired at 300', 'same expired at 100'])
    ending('next', 1500)
    await clock.advance(1000)
    expect(told.at(-1)).toBe('next expired at 1500')
  })

  it('take one timer for many deadlines that are met', async () => {
    const { clock, endings, told, ending } = story()
    for (let i = 0; i < 1000; i++) {
      endings.remove(ending('met', clock.monotonic() + 5000))
      await clock.advance(10)
    }
    expect([clock.timers, told]).toEqual([2, []])
  })

  it('come with their signal, each its own, whose listener is one', () => {
    const { endings, told, ending } = story()
    const [mine, other] = [new AbortController(), new AbortController()]
    let listeners = 0
    const add = mine.signal.addEventListener.bind(mine.signal)
    mine.signal.addEventListener = (...args: Parameters<typeof add>): void => {
      listeners++
      add(...args)
    }
    for (let i = 0; i < 10; i++) endings.remove(ending(`done ${i}`, 100, mine.signal))
    ending('a', 100, mine.signal)
    ending('b', 100, mine.signal)
    ending('c', 100, other.signal)
    mine.abort()
    expect([told, listeners]).toEqual([['a aborted', 'b aborted'], 1])
  })
})
