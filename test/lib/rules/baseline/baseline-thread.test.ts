// The life of the thread that evaluates baselines.
import { describe, expect, it, onTestFinished } from 'vitest'
import { BaselineThread } from '../../../../lib/rules/baseline/baseline-thread.ts'
import { FakeClock } from '../../../../lib/std/clock.ts'
import { waitFor } from '../../../support/monitor-process.ts'

interface Fixture {
  clock: FakeClock
  answers: string[]
  ask: (text: string) => void
  thread: BaselineThread
  goneCount: () => number
  until: (count: number) => Promise<void>
}

function fixture(): Fixture {
  const clock = new FakeClock()
  const answers: string[] = []
  let gone = 0
  const thread = new BaselineThread({
    workerUrl: new URL('../../../support/echo-baseline-worker.ts', import.meta.url), workerData: {}, clock, queryTimeoutMs: 120_000, onGone: () => gone++,
  })
  onTestFinished(() => thread.stop())
  return {
    clock, answers, thread, goneCount: () => gone,
    ask: (text) => thread.ask({ text, atMs: 1 }, ({ error }) => answers.push(error)),
    until: async (count) => void await waitFor(`${count} answers`, () => Promise.resolve(answers.length === count)),
  }
}

describe('the thread of baselines', () => {
  it('evaluates one after the other, ends when it is idle, and is started again', async () => {
    const { clock, ask, answers, until, goneCount } = fixture()
    ask('a')
    ask('b')
    await until(2)
    expect(answers).toEqual(['of a', 'of b'])
    await clock.advance(9_999)
    expect(goneCount()).toBe(0)
    await clock.advance(1)
    // It is ending: the next one has to wait for its slot.
    ask('c')
    await until(3)
    expect(goneCount()).toBe(1)
    expect(answers[2]).toBe('of c')
  }, 120_000)

  it('says of what it died, and that one took too long; others go on in a new one', async () => {
    const { clock, ask, answers, until, goneCount } = fixture()
    ask('die')
    ask('a')
    await until(2)
    expect(answers).toEqual(['a fault of our own', 'of a'])
    ask('hang')
    ask('b')
    await clock.advance(129_999)
    expect(goneCount()).toBe(1)
    await clock.advance(1)
    await until(4)
    expect(answers.slice(2)).toEqual(['the thread of baselines was ended: it took too long', 'of b'])
  }, 120_000)

  it('forgets what an earlier thread of rules has asked for', async () => {
    const { ask, answers, until, thread } = fixture()
    ask('a')
    ask('b')
    thread.forget()
    ask('c')
    await until(2)
    expect(answers).toEqual(['of a', 'of c'])
  }, 120_000)
})
