import { describe, expect, it } from 'vitest'
import { HeadWatch } from '../../cmd/head-watch.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Logger } from '../../lib/std/log.ts'
import { NOW, open, series } from '../storage/store.ts'
import { tempFolder } from '../support/temp-folder.ts'

describe('the watch over the head\'s memory', () => {
  it('warns once when 80 % are used', async () => {
    const db = open(tempFolder(), { headBytesMax: 4 << 20 })
    const clock = new FakeClock(NOW)
    const lines: string[] = []
    const logger = new Logger({ level: 'info', format: 'logfmt', write: (line) => lines.push(line) })
    const watch = new HeadWatch(() => db.headFill, clock, logger)
    let count = 0
    const fillTo = (share: number): void => {
      while (db.headFill.usedBytes < db.headFill.sizeBytes * share) db.series(series(count++))
    }
    fillTo(0.6)
    await clock.advance(60_000)
    expect(lines).toEqual([])
    fillTo(0.8)
    await clock.advance(15_000)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/level=WARN msg="the head runs out of memory; .* raise --storage.head.memory, .*" used=8\d% of=4MB/)
    fillTo(0.9)
    await clock.advance(600_000)
    expect(lines).toHaveLength(1)
    watch.stop()
    await db.close()
  })
})
