import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Random } from '../../../lib/std/random.ts'
import { formatLabels, type Labels } from '../../../lib/model/labels.ts'
import { BlockReader } from '../../../storage/block/block-reader.ts'
import { compactBlocks } from '../../../storage/block/compact.ts'
import { PageCache } from '../../../storage/block/page-cache.ts'
import { writeTombstones } from '../../../storage/block/tombstones.ts'
import { BlockError } from '../../../storage/errors.ts'
import { BatchBuffer } from '../../../storage/head/batch-buffer.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { cellsOf, histogramOf, named, ORIGIN, STALE_MARK, startTimesOf, writeBlock, type Cell, type TestGroup } from './block-data.ts'

const T0 = 1_700_000_000_000

/** With its start time. */
type Sample = readonly [Cell, number]

/** All samples of a block: by labels, then by time. */
function contents(folder: string): Map<string, Map<number, Sample>> {
  const reader = new BlockReader(folder, new PageCache())
  onTestFinished(() => reader.close())
  const all = new Map<string, Map<number, Sample>>()
  for (let s = 0; s < reader.seriesCount; s++) {
    const group = reader.groupOf(s)
    reader.seekRows(group, -Infinity, Infinity)
    const batch = new BatchBuffer()
    batch.shape(1, reader.to)
    reader.readTimes(group, 0, reader.to, batch.t, 0)
    reader.readSeries(s, 0, reader.to, batch, { s: 0, base: 0 })
    const startTimes = startTimesOf(batch, 0)
    const cells = cellsOf(batch, 0).flatMap((cell, i) => (cell === null ? [] : [[batch.t[i]!, [cell, startTimes[i]!]] as const]))
    all.set(`${formatLabels(reader.labelsOf(s))} ${reader.refOf(s)}`, new Map(cells))
  }
  expect([...reader.leftOut]).toEqual([])
  return all
}

const POOL = Array.from({ length: 40 }, (_, i): { ref: number; labels: Labels } => ({ ref: i + 1, labels: named(`m${i % 7}`, { i: String(i), ...(i % 4 === 0 ? { b: `v${i % 3}` } : {}) }) }))

function randomGroups(random: Random, from: number, spanMs: number): TestGroup[] {
  const taken = new Set<number>()
  return Array.from({ length: 1 + random.int(5) }, () => {
    const rows = 1 + random.int(random.int(5) === 0 ? 1500 : 100)
    const times = [...new Set(Array.from({ length: rows }, () => from + random.int(spanMs / 1000) * 1000))].toSorted((a, b) => a - b)
    const mine = POOL.filter(({ ref }) => !taken.has(ref) && random.int(4) === 0)
    for (const { ref } of mine) taken.add(ref)
    const series = mine.map((one) => ({ ...one, cells: times.map((): Cell => (random.int(12) === 0 ? random.pick([null, STALE_MARK]) : random.int(9) === 0 ? histogramOf(random) : random.int(500) / 10)), startTimes: times.map((t) => (one.ref % 3 === 0 ? t - one.ref : 0)) }))
    return { times, series }
  })
}

describe('compaction', () => {
  it('keeps every sample once, of those at one time the first source\'s, and none that is deleted', async () => {
    const random = new Random(21)
    let united = 0
    for (let round = 0; round < 15; round++) {
      const folder = tempFolder()
      const names: string[] = []
      const wanted = new Map<string, Map<number, Sample>>()
      for (let k = 0; k < 1 + random.int(4); k++) {
        // Every other source overlaps the one before.
        const groups = randomGroups(random, T0 + (k >>> 1) * 7_200_000, 7_200_000).filter(({ series }) => series.length > 0)
        if (!groups.some(({ series }) => series.some(({ cells }) => cells.some((cell) => cell !== null)))) continue
        const { name } = await writeBlock(folder, groups, k + 1)
        names.push(name)
        const deleted = random.int(3) === 0 ? [{ ref: 1 + random.int(40), from: T0 + 1_000_000, to: T0 + 9_000_000 }, { ref: 1 + random.int(40), from: 0, to: Infinity }] : []
        if (deleted.length > 0) writeTombstones(path.join(folder, name), deleted)
        for (const { times, series } of groups) {
          for (const { ref, labels, cells, startTimes } of series) {
            const key = `${formatLabels(labels)} ${ref}`
            const samples = wanted.get(key) ?? new Map<number, Sample>()
            cells.forEach((cell, i) => {
              const t = times[i]!
              if (cell === null || deleted.some((stone) => stone.ref === ref && t >= stone.from && t <= stone.to)) return
              if (samples.has(t)) united++
              else samples.set(t, [cell, startTimes![i]!])
            })
            if (samples.size > 0) wanted.set(key, samples)
          }
        }
      }
      if (names.length === 0) continue
      const made = await compactBlocks(names.map((name) => path.join(folder, name)), { folder, number: 9, isCompressed: true })
      if (wanted.size === 0) {
        expect(made).toBe(null)
        continue
      }
      const found = contents(path.join(folder, made!.name))
      expect([...found.keys()].toSorted()).toEqual([...wanted.keys()].toSorted())
      for (const [key, samples] of wanted) expect([...found.get(key)!].toSorted((a, b) => a[0] - b[0]), key).toEqual([...samples].toSorted((a, b) => a[0] - b[0]))
      const count = [...wanted.values()].reduce((sum, samples) => sum + samples.size, 0)
      expect(made!.meta).toMatchObject({ series: wanted.size, samples: count, level: 2, sources: names })
      expect(fs.readdirSync(folder).toSorted()).toEqual([...names, made!.name].toSorted())
    }
    expect(united).toBeGreaterThan(50)
  })

  it('puts groups that go on after one another in one', async () => {
    const folder = tempFolder()
    const series = (cells: readonly Cell[]): TestGroup['series'] => [1, 2].map((ref) => ({ ref, labels: named('up', { i: String(ref) }), cells }))
    const names: string[] = []
    for (let k = 0; k < 3; k++) {
      const times = Array.from({ length: 720 }, (_, i) => T0 + (k * 720 + i) * 10_000)
      names.push((await writeBlock(folder, [{ times, series: series(times.map((_, i) => k * 720 + i)) }], k + 1, false, { ...ORIGIN, coveredGeneration: k, coveredT: k * 10 })).name)
    }
    const made = (await compactBlocks(names.map((name) => path.join(folder, name)), { folder, number: 4, isCompressed: true }))!
    expect(made.meta).toMatchObject({ groups: 1, series: 2, samples: 4320, coveredGeneration: 2, coveredT: 20, minT: T0, maxT: T0 + 2159 * 10_000 })
    const [first] = contents(path.join(folder, made.name)).values()
    expect([...first!.values()]).toEqual(Array.from({ length: 2160 }, (_, i) => [i, 0]))
  })

  it('gives a series that came back under another ref the newer one', async () => {
    const folder = tempFolder()
    const names: string[] = []
    for (const [k, ref] of [[1, 7], [2, 3], [3, 5]] as const) {
      const times = [T0 + k * 1000]
      names.push((await writeBlock(folder, [{ times, series: [{ ref, labels: named('up'), cells: [k] }] }], k)).name)
    }
    const made = (await compactBlocks(names.map((name) => path.join(folder, name)), { folder, number: 4, isCompressed: true }))!
    expect([...contents(path.join(folder, made.name)).keys()]).toEqual([`${formatLabels(named('up'))} 7`])
  })

  it('refuses a damaged source and leaves nothing behind', async () => {
    const folder = tempFolder()
    const times = Array.from({ length: 500 }, (_, i) => T0 + i * 1000)
    const random = new Random(1)
    const { name } = await writeBlock(folder, [{ times, series: POOL.map((one) => ({ ...one, cells: times.map(() => random.float()) })) }])
    const file = path.join(folder, name, 'chunks')
    const bytes = fs.readFileSync(file)
    bytes[100_000]! ^= 1
    fs.writeFileSync(file, bytes)
    await expect(compactBlocks([path.join(folder, name)], { folder, number: 2, isCompressed: true })).rejects.toThrow(BlockError)
    await expect(compactBlocks([path.join(folder, name)], { folder, number: 2, isCompressed: true })).rejects.toThrow(/cannot compact 1 blocks: cannot read page 1 of .*chunks: \d+ bytes at \d+ do not match their checksum/)
    expect(fs.readdirSync(folder)).toEqual([name])
  })
})
