// Lines of what comes again and again: the first at once, then fewer and fewer that say how many they stand for.
import { expect, it } from 'vitest'
import { FakeClock } from '../../../lib/std/clock.ts'
import { Logger } from '../../../lib/std/log.ts'

function world(): { clock: FakeClock; logger: Logger; lines: () => string[] } {
  const clock = new FakeClock(0)
  const lines: string[] = []
  const logger = new Logger({ level: 'warn', format: 'logfmt', clock, write: (line) => void lines.push(line.trim().replace(/level=WARN msg=/, '')) })
  return { clock, logger: logger.with('rules'), lines: () => lines.splice(0) }
}

it('tells a cause that lasts at once, and then after a minute, two, four, up to an hour', async () => {
  const { clock, logger, lines } = world()
  for (let second = 0; second < 86_400; second += 5) {
    // Of a thousand rules, each at its evaluation.
    for (let rule = 0; rule < 3; rule++) logger.repeated('warn', 'failed', { rule, err: new Error(`no space for ${second} bytes`) })
    await clock.advance(5000)
  }
  const told = lines()
  expect(told[0]).toBe('time=1970-01-01T00:00:00.000Z failed component=rules rule=0 err="no space for 0 bytes"')
  expect(told[1]).toBe('time=1970-01-01T00:01:00.000Z failed component=rules rule=0 err="no space for 60 bytes" times=36')
  expect(told.slice(1, 9).map((line) => line.slice(16, 24))).toEqual(['00:01:00', '00:03:00', '00:07:00', '00:15:00', '00:31:00', '01:03:00', '02:03:00', '03:03:00'])
  expect(told).toHaveLength(29)
  // Each stands for all since the one before.
  expect(told.reduce((sum, line) => sum + Number(/times=(\d+)/.exec(line)?.[1] ?? 1), 0)).toBe((3 * 82_980) / 5 + 1)
})

it('keeps causes apart, also those of others', () => {
  const { logger, lines } = world()
  for (let i = 0; i < 2; i++) {
    logger.repeated('warn', 'failed', { err: 'disk' })
    logger.repeated('warn', 'failed', { err: 'network' })
    logger.repeated('warn', 'failed', { err: 'disk' }, 'mail')
    for (const receiver of ['ops/webhook/0', 'ops/webhook/1', 'ops2/webhook/0']) logger.repeated('warn', 'failed', { err: `disk ${i}` }, receiver)
    logger.with('scrape').repeated('warn', 'failed', { err: 'disk' })
    logger.repeated('warn', 'refused', { why: 'disk' })
  }
  expect(lines()).toHaveLength(8)
})

it('tells at once what comes again after it was over', async () => {
  const { clock, logger, lines } = world()
  const fail = (): void => logger.repeated('warn', 'failed', { err: 'disk' })
  for (let minute = 0; minute < 20; minute++) {
    fail()
    await clock.advance(60_000)
  }
  lines()
  await clock.advance(3_600_000)
  fail()
  await clock.advance(59_000)
  fail()
  await clock.advance(1000)
  fail()
  expect(lines().map((line) => /times=\d+/.exec(line)?.[0])).toEqual(['times=5', 'times=2'])
})
