// Blocks written, compacted and deleted from on a disk that ends at each of its calls in turn, or refuses one: what has a
// block's name is whole, nothing that was there before is gone, and the next try succeeds.
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DiskError, listFolder, makeFolder, useDisk } from '../../lib/std/fs.ts'
import { Random } from '../../lib/std/random.ts'
import { parseBlockName } from '../../storage/block/block-meta.ts'
import { BlockReader } from '../../storage/block/block-reader.ts'
import { compactBlocks } from '../../storage/block/compact.ts'
import { PageCache } from '../../storage/block/page-cache.ts'
import { readTombstones, writeTombstones } from '../../storage/block/tombstones.ts'
import { verifyBlock } from '../../storage/block/verify.ts'
import { named, writeBlock, type TestGroup } from '../storage/block/block-data.ts'
import { SimDisk, type SimDiskOptions } from './sim-disk.ts'
import { SimNames } from './sim-names.ts'

const FOLDER = '/data/blocks'
const T0 = 1_700_000_000_000

function groups(k: number): TestGroup[] {
  const times = Array.from({ length: 30 }, (_, i) => T0 + (k * 30 + i) * 1000)
  return [{ times, series: [1, 2, 3].map((ref) => ({ ref, labels: named('up', { i: String(ref) }), cells: times.map((_, i) => i / 10 + ref) })) }]
}

function use(options: Omit<SimDiskOptions, 'random'>, seed: number = 1): SimDisk {
  const disk = new SimDisk({ random: new Random(seed), ...options })
  const before = useDisk(disk)
  onTestFinished(() => void useDisk(before))
  return disk
}

/** A disk with blocks 1 and 2, synced. */
async function withTwoBlocks(): Promise<SimNames> {
  const { names } = use({ names: new SimNames() })
  makeFolder(FOLDER)
  await writeBlock(FOLDER, groups(0), 1)
  await writeBlock(FOLDER, groups(1), 2)
  return names
}

/** Names of the blocks that are there; each must be whole. */
function blocks(): string[] {
  const found = listFolder(FOLDER).filter((name) => parseBlockName(name) !== null)
  for (const name of found) expect(verifyBlock(path.join(FOLDER, name)), name).toEqual([])
  return found
}

const sourcesOf = (names: readonly string[]): string[] => names.slice(0, 2).map((name) => path.join(FOLDER, name))
const JOBS: Record<string, (names: readonly string[]) => Promise<unknown>> = {
  'a block is written': () => writeBlock(FOLDER, groups(2), 3),
  'blocks are compacted': (names) => compactBlocks(sourcesOf(names), { folder: FOLDER, number: 3, isCompressed: true }),
}

describe('on a disk that fails', () => {
  for (const [what, job] of Object.entries(JOBS)) {
    it(`${what} wholly or not at all, wherever the power is cut`, async () => {
      let isDone = false
      let cuts = 0
      for (let endsAt = 1; !isDone; endsAt++) {
        const names = await withTwoBlocks()
        const before = blocks()
        const disk = use({ names, endsAt }, endsAt)
        isDone = await job(before).then(() => true, (error: unknown) => {
          expect(String(error)).toMatch(/simulated, .* (at|after) the end/)
          return false
        })
        cuts++
        disk.end()
        use({ names: disk.afterPowerCut(endsAt % 2 === 0 ? 'nothing' : 'any') })
        const after = blocks()
        expect(after).toEqual(expect.arrayContaining(before))
        if (isDone) expect(after.length).toBe(3)
        if (after.length < 3) await job(before)
        expect(blocks().length).toBe(3)
      }
      expect(cuts).toBeGreaterThan(20)
    })

    it(`${what} wholly or not at all, whichever call is refused`, async () => {
      const outcomes = { done: 0, refused: 0 }
      for (const kind of ['EIO', 'sync', 'short', 'ENOSPC'] as const) {
        for (let at = 1; at < 60; at++) {
          const names = await withTwoBlocks()
          const before = blocks()
          const disk = use({ names, faults: [kind === 'ENOSPC' ? { kind, at, until: Infinity } : { kind, at }] }, at)
          const isDone = await job(before).then(() => true, (error: unknown) => {
            // A read that is refused is told as damage: the sources may be sound all the same.
            expect(String(error)).toMatch(/EIO|ENOSPC/)
            return false
          })
          outcomes[isDone ? 'done' : 'refused']++
          if (kind === 'short') expect(isDone).toBe(true)
          use({ names: disk.names })
          expect(blocks().length, `${kind} ${at}`).toBe(isDone ? 3 : 2)
          if (!isDone) await job(before)
          expect(blocks().length).toBe(3)
        }
      }
      expect(outcomes.done).toBeGreaterThan(10)
      expect(outcomes.refused).toBeGreaterThan(10)
    })
  }

  it('tombstones are the old ones or the new ones', async () => {
    const old = [{ ref: 1, from: T0, to: T0 + 5000 }]
    const next = [...old, { ref: 2, from: 0, to: Infinity }]
    for (let endsAt = 1, isDone = false; !isDone; endsAt++) {
      const names = await withTwoBlocks()
      const folder = path.join(FOLDER, blocks()[0]!)
      writeTombstones(folder, old)
      const disk = use({ names, endsAt }, endsAt)
      try {
        writeTombstones(folder, next)
        isDone = true
      } catch (error) {
        expect(error).toBeInstanceOf(DiskError)
      }
      disk.end()
      use({ names: disk.afterPowerCut(endsAt % 2 === 0 ? 'nothing' : 'any') })
      const found = readTombstones(folder)
      expect(isDone ? [next] : [old, next]).toContainEqual(found)
      const reader = new BlockReader(folder, new PageCache())
      expect([...reader.leftOut]).toEqual([])
    }
  })
})
