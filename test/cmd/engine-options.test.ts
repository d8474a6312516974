import { describe, expect, it } from 'vitest'
import { defaultHeadBytes } from '../../storage/head/shared-heap.ts'
import { queryBytesMax, queryThreads } from '../../cmd/engine-options.ts'
import { parseFlags, type Flags } from '../../cmd/flags.ts'
import { BACKTEST_SLOT, BASELINE_SLOT, RULES_SLOT } from '../../cmd/runners.ts'

const GIB = 2 ** 30

function flags(...argv: string[]): Flags {
  const parsed = parseFlags(argv, '0')
  if (parsed.kind === 'exit') throw new Error(parsed.stderr)
  return parsed.flags
}

describe('query workers', () => {
  it('are no more than have a reader slot that is nobody else\'s', () => {
    expect(queryThreads(flags('--threads=500'))).toBe(Math.min(RULES_SLOT, BACKTEST_SLOT, BASELINE_SLOT))
    expect(queryThreads(flags('--threads=3'))).toBe(3)
  })
})

it.each([[16 * GIB, 0, 4 * GIB], [4 * GIB, Infinity, 2.4 * GIB], [16 * GIB, GIB / 2, 0.3 * GIB]])('the head\'s memory is of the machine\'s %d bytes, or of the container\'s %d', (totalBytes, limitBytes, want) => {
  expect(defaultHeadBytes({ totalBytes, limitBytes })).toBe(Math.floor(want))
})

describe('the memory of a query', () => {
  it.each<[number, string[], number]>([
    [16 * GIB, ['--threads=4'], GIB],
    [16 * GIB, ['--threads=4', '--query.max-concurrency=2'], 2 * GIB],
    // Never less than a dashboard needs, never more than one worker should have.
    [2 * GIB, ['--threads=8'], GIB / 4],
    [64 * GIB, ['--threads=0'], 4 * GIB],
    [GIB / 2, ['--threads=2'], GIB / 16],
  ])('of %d bytes is shared by those that run at once: %s', (totalBytes, argv, want) => {
    expect(queryBytesMax(flags(...argv), { totalBytes, limitBytes: Infinity })).toBe(want)
  })

  it('is the container\'s where that has less; where the system knows of no limit it is the machine\'s', () => {
    const of = (limitBytes: number): number => queryBytesMax(flags('--threads=4'), { totalBytes: 16 * GIB, limitBytes })
    expect([of(8 * GIB), of(2 ** 64), of(0)]).toEqual([GIB / 2, GIB, GIB])
  })
})
