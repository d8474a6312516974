import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { Random } from '../../../lib/std/random.ts'
import { formatMeta, parseMeta } from '../../../storage/block/block-meta.ts'
import { BlockReader } from '../../../storage/block/block-reader.ts'
import { PageCache } from '../../../storage/block/page-cache.ts'
import { writeTombstones } from '../../../storage/block/tombstones.ts'
import { verifyBlock } from '../../../storage/block/verify.ts'
import { BlockError } from '../../../storage/errors.ts'
import { BatchBuffer } from '../../../storage/head/batch-buffer.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { cellsOf, named, writeBlock, type Cell, type TestGroup } from './block-data.ts'

const T0 = 1_700_000_000_000

function smallGroups(): TestGroup[] {
  const random = new Random(6)
  return [0, 1].map((g) => {
    const times = Array.from({ length: 6 }, (_, i) => T0 + i * 1000 + g)
    return { times, series: [0, 1].slice(g).map((s) => ({ ref: 1 + g * 3 + s, labels: named('up', { i: `${g}${s}`, r: 'x' }), cells: times.map((): Cell => (random.int(8) === 0 ? null : random.int(100))) })) }
  })
}

/** What a reader gives for each ref; null where it cannot be opened. */
function readable(folder: string): { found: Map<number, [number, Cell][]>; leftOut: string[] } | null {
  const cache = new PageCache()
  let reader: BlockReader
  try {
    reader = new BlockReader(folder, cache)
  } catch (error) {
    expect(error).toBeInstanceOf(BlockError)
    return null
  }
  const refs = Uint32Array.of(1, 2, 3, 4, 5, 6)
  const numbers = new Uint32Array(6)
  reader.find(refs, numbers)
  const found = new Map<number, [number, Cell][]>()
  for (const [i, number] of numbers.entries()) {
    if (number === 0xffffffff) continue
    const group = reader.groupOf(number)
    reader.seekRows(group, -Infinity, Infinity)
    const batch = new BatchBuffer()
    batch.shape(1, reader.to)
    if (!reader.readTimes(group, 0, reader.to, batch.t, 0)) continue
    reader.readSeries(number, 0, reader.to, batch, { s: 0, base: 0 })
    found.set(refs[i]!, cellsOf(batch, 0).flatMap((cell, k) => (cell === null ? [] : [[batch.t[k]!, cell]])))
  }
  reader.labelNames()
  reader.select([{ name: 'r', op: '=~', value: 'x.*' }])
  const leftOut = [...reader.leftOut]
  reader.close()
  return { found, leftOut }
}

describe('files of two blocks that were swapped', () => {
  it.each(['index', 'chunks'])('give no samples, and are named: %s', async (file) => {
    const folder = tempFolder()
    const shift = (by: number, scale: number): TestGroup[] => smallGroups().map(({ times, series }) => ({ times: times.map((t) => t + by), series: series.map((one) => ({ ...one, cells: one.cells.map((cell) => (typeof cell === 'number' ? cell * scale : cell)) })) }))
    // Of the same shape: their indexes have the same length, their values do not.
    const names = [(await writeBlock(folder, shift(0, 1), 1)).name, (await writeBlock(folder, shift(7_200_000, 1.25), 2)).name]
    const [one, two] = names.map((name) => path.join(folder, name, file))
    fs.renameSync(one!, `${one}.x`)
    fs.renameSync(two!, one!)
    fs.renameSync(`${one}.x`, two!)
    for (const name of names) {
      expect(readable(path.join(folder, name))).toBe(null)
      expect(verifyBlock(path.join(folder, name)).join()).toMatch(/another block's/)
    }
  })
})

describe('verifyBlock', () => {
  it('finds nothing wrong with a sound block', async () => {
    const folder = tempFolder()
    for (const isCompressed of [false, true]) {
      const { name } = await writeBlock(folder, smallGroups(), 1, isCompressed)
      writeTombstones(path.join(folder, name), [{ ref: 1, from: 0, to: T0 }])
      expect(verifyBlock(path.join(folder, name))).toEqual([])
      fs.rmSync(path.join(folder, name), { recursive: true })
    }
  })

  for (const file of ['index', 'chunks']) {
    it(`notices every flipped bit of ${file}, and readers give nothing wrong`, async () => {
      const folder = tempFolder()
      const { name } = await writeBlock(folder, smallGroups())
      const block = path.join(folder, name)
      const bytes = fs.readFileSync(path.join(block, file))
      const sound = readable(block)!.found
      let readers = 0
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        bytes[bit >>> 3]! ^= 1 << (bit & 7)
        fs.writeFileSync(path.join(block, file), bytes)
        bytes[bit >>> 3]! ^= 1 << (bit & 7)
        expect(verifyBlock(block), `bit ${bit}`).not.toEqual([])
        const got = readable(block)
        if (got === null) continue
        readers++
        for (const [ref, samples] of got.found) {
          if (samples.length === 0) expect(got.leftOut, `bit ${bit}`).not.toEqual([])
          else expect(samples, `bit ${bit}`).toEqual(sound.get(ref))
        }
        // What leads to values is there twice.
        if (file === 'index') expect(got.found, `bit ${bit}`).toEqual(sound)
      }
      expect(readers).toBeGreaterThan(bytes.length)
    }, 300_000)
  }

  it('names what is damaged', async () => {
    const folder = tempFolder()
    const { name } = await writeBlock(folder, smallGroups())
    const block = path.join(folder, name)
    const f = (file: string, change: (bytes: Buffer) => Buffer, message: RegExp): void => {
      const bytes = fs.readFileSync(path.join(block, file))
      fs.writeFileSync(path.join(block, file), change(Buffer.from(bytes)))
      expect(verifyBlock(block).join('\n')).toMatch(message)
      fs.writeFileSync(path.join(block, file), bytes)
    }
    f('chunks', (bytes) => bytes.subarray(0, bytes.length - 1), /chunks: the directory is damaged; 1 pages were found without it/)
    f('chunks', () => Buffer.alloc(0), /cannot read .*chunks: 0 bytes hold no page/)
    f('meta.json', (bytes) => Buffer.from(formatMeta({ ...parseMeta(bytes.toString(), ''), series: 7 })), /holds 3, 3, 3 series by place, labels and ref and 2 groups; meta.json says 7 and 2/)
    f('meta.json', () => Buffer.alloc(0), /meta.json: no JSON/)
    fs.rmSync(path.join(block, 'index'))
    expect(verifyBlock(block).join('\n')).toMatch(/cannot open .*index/)
  })

  it('notices damaged tombstones', async () => {
    const folder = tempFolder()
    const { name } = await writeBlock(folder, smallGroups())
    writeTombstones(path.join(folder, name), [{ ref: 1, from: 0, to: T0 }])
    const file = path.join(folder, name, 'tombstones')
    const bytes = fs.readFileSync(file)
    bytes[20]! ^= 4
    fs.writeFileSync(file, bytes)
    expect(verifyBlock(path.join(folder, name)).join()).toMatch(/tombstones: 40 bytes do not match their checksum; deleted samples may show again/)
    expect(readable(path.join(folder, name))!.leftOut.join()).toMatch(/deleted samples may show again/)
  })
})
