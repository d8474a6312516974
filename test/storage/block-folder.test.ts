// change.json, which says what of the head is in blocks: what it says is believed, or noticed to be damaged.
import fs from 'node:fs'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { assert } from '../../lib/std/assert.ts'
import { BlockFolder, parseChange } from '../../storage/block-folder.ts'
import { BlockError } from '../../storage/errors.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Random } from '../../lib/std/random.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { open } from './store.ts'
import { ALL, HOUR, MINUTE, T0, fill, lookAt, settled } from './tier-rows.ts'

function written(): string {
  const folder = tempFolder()
  const blocks = new BlockFolder(folder, () => undefined)
  blocks.commit({ cover: { generation: 7, t: 472_222 * HOUR }, droppedT: 472_000 * HOUR, due: { '1m': [[472_218 * HOUR, 472_222 * HOUR]], '1h': [] }, install: [], remove: [] })
  return path.join(folder, 'change.json')
}

describe('change.json', () => {
  it('is never believed to say another thing for a flipped bit', () => {
    const file = written()
    const bytes = fs.readFileSync(file)
    const want = parseChange(bytes.toString('utf8'), file)
    let noticed = 0
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >>> 3]! ^= 1 << (bit & 7)
      try {
        assert(isDeepStrictEqual(parseChange(flipped.toString('utf8'), file), want), `bit ${bit}`)
      } catch (error) {
        if (!(error instanceof BlockError)) throw error
        noticed++
      }
    }
    expect(noticed).toBeGreaterThan(bytes.length * 4)
    // Without a checksum it is of before there was one, unless that one's name is damaged.
    const text = bytes.toString('utf8')
    expect(() => parseChange(text.replace('crc32', 'src32'), file)).toThrow('its fields do not match their checksum')
    expect(parseChange(text.replace(/,\s*"crc32": \d+/, ''), file)).toEqual(want)
  })

  it('that cannot be read does not make raw samples seem to be there that were let go', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T0)
    const options = { clock, retentionMs: 3 * HOUR, minuteRetentionMs: 1000 * HOUR }
    let db = open(folder, options)
    fill(db, clock, T0, T0 + 11 * HOUR, new Random(1))
    await settled(db)
    await clock.advance(61 * MINUTE)
    await settled(db)
    const rawFrom = (): number => {
      const queryable = new StoreQueryable(db.handle(), 1)
      const querier = queryable.querier()
      const { from } = querier.buckets.tiers(ALL).find(({ name }) => name === 'raw')!
      querier.close()
      queryable.close()
      return from
    }
    const before = rawFrom()
    expect(before).toBeGreaterThan(T0 + HOUR)
    await db.close()
    fs.writeFileSync(`${folder}/blocks/change.json`, '{')
    db = open(folder, options)
    expect(Math.abs(rawFrom() - before)).toBeLessThan(MINUTE)
    await settled(db)
    expect(lookAt(db, '1m').rows.size, 'rows of what is gone').toBeGreaterThan(1000)
    await db.close()
  })

  it('of folders from before there was a checksum is read', () => {
    const file = written()
    const text = fs.readFileSync(file, 'utf8')
    const old = text.replace(/,\s*"crc32": \d+/, '')
    expect(old).not.toContain('crc32')
    expect(parseChange(old, file)).toEqual(parseChange(text, file))
  })
})
