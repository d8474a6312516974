import { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import { LineSink } from '../../../lib/std/line-sink.ts'

/** A stream that takes what it is given when `go` is called. */
function slowStream(): { stream: Writable; taken: string[]; go: () => void } {
  const taken: string[] = []
  const waiting: (() => void)[] = []
  const stream = new Writable({ decodeStrings: false, write: (text: string, _, done) => void (taken.push(text), waiting.push(done)) })
  const go = (): void => {
    for (let done = waiting.shift(); done !== undefined; done = waiting.shift()) done()
  }
  return { stream, taken, go }
}

it('keeps a megabyte for a reader that is stuck, leaves the rest out, and says so once it reads again', async () => {
  const { stream, taken, go } = slowStream()
  const sink = new LineSink(stream)
  const line = `${'x'.repeat(1023)}\n`
  for (let i = 0; i < 5000; i++) sink.write(line)
  expect(stream.writableLength).toBe((1 << 20) + 1024)
  while (stream.writableLength > 0) {
    go()
    await new Promise((resolve) => setImmediate(resolve))
  }
  sink.write('next\n')
  sink.write('last\n')
  while (stream.writableLength > 0) {
    go()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(taken.length).toBe(1025 + 3)
  expect(taken.slice(-3)).toEqual(['3975 lines were left out here: whoever reads them was too slow\n', 'next\n', 'last\n'])
})

it('outlives a reader that is gone', async () => {
  const stream = new Writable({ write: (_, __, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })) })
  const sink = new LineSink(stream)
  for (let i = 0; i < 3; i++) {
    sink.write('x\n')
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(stream.errored).toBeInstanceOf(Error)
})
