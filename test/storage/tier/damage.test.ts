// Every bit of a small block of a tier, flipped: its reader never fails, never gives a wrong row, and says so where it gives
// fewer than there are.
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fileSizeBytes, listFolder, makeFolder, useDisk } from '../../../lib/std/fs.ts'
import { Random } from '../../../lib/std/random.ts'
import { labelsFromRecord } from '../../../lib/model/labels.ts'
import { NO_SERIES } from '../../../storage/block/block.ts'
import { PageCache } from '../../../storage/block/page-cache.ts'
import { BlockError } from '../../../storage/errors.ts'
import { aggregate } from '../../../storage/tier/aggregate.ts'
import { BucketBuffer } from '../../../storage/tier/bucket-buffer.ts'
import { wantedOf } from '../../../storage/tier/row-item.ts'
import { SAMPLES_MAX } from '../../../storage/tier/row-shape.ts'
import { TierBlockBuilder } from '../../../storage/tier/tier-builder.ts'
import { TierReader } from '../../../storage/tier/tier-reader.ts'
import { verifyTierBlock } from '../../../storage/tier/tier-verify.ts'
import { TierSelection } from '../../../storage/tier/tier-select.ts'
import { COLUMNS } from '../../support/tier-faults.ts'
import { FlippingDisk } from '../../sim/flipping-disk.ts'
import { SimNames } from '../../sim/sim-names.ts'
import { STALE_MARK, TestLabels, batchOf, type Cell, type TestSeries } from '../block/block-data.ts'
import { testSeed } from '../../support/seed.ts'

const FOLDER = '/tiers'
const T0 = 1_700_000_040_000
const MINUTES = 8
const RANGE = { minT: T0, maxT: T0 + MINUTES * 60_000 }
/** Of all bits one in so many, another one each time. */
const STRIDE = Number(process.env['PROVE_STRIDE'] ?? 7)

/** Two groups: one scraped every 10 s, one every 2 s, so that rows are of few and of many samples. */
async function writeTierBlock(isCompressed: boolean): Promise<string> {
  const random = new Random(5)
  const labels = new TestLabels()
  const builder = new TierBlockBuilder({ folder: FOLDER, number: 1, isCompressed }, labels)
  const refs = Uint32Array.from({ length: 8 }, (_, i) => i + 1)
  const rows = new BucketBuffer()
  for (const [g, stepMs] of [10_000, 2000].entries()) {
    const times = Array.from({ length: MINUTES * 60_000 / stepMs }, (_, i) => T0 - 60_000 + 1 + i * stepMs)
    const nexts: ((i: number) => Cell)[] = [(i) => i * 7, () => 3.5, () => random.float(), (i) => (i % 9 === 0 ? null : i % 11 === 0 ? STALE_MARK : random.int(100) / 10)]
    const series = nexts.map((next, s): TestSeries => {
      const ref = g * 4 + s + 1
      labels.add(ref, labelsFromRecord({ __name__: `m${s}`, g: String(g) }))
      return { ref, labels: [], cells: times.map((_, i) => next(i)) }
    })
    const batch = batchOf(times, series)
    series.forEach(({ ref }, s) => { batch.index[s] = ref - 1 })
    aggregate(batch, 60_000, rows, SAMPLES_MAX)
    builder.add(rows, batch, refs)
  }
  return path.join(FOLDER, (await builder.finish(RANGE, '')).name)
}

interface Seen {
  rows: Map<string, string>
  leftOut: number
}

function read(folder: string): Seen {
  const rows = new Map<string, string>()
  let reader: TierReader
  try {
    reader = new TierReader(folder, new PageCache())
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    return { rows, leftOut: 1 }
  }
  const refs = Uint32Array.from({ length: 8 }, (_, i) => i + 1)
  const numbers = new Uint32Array(refs.length).fill(NO_SERIES)
  reader.find(refs, numbers)
  const selection = new TierSelection([{ ...RANGE, block: reader }], { refs, numbers: [numbers] }, { mint: T0 - 60_000, maxt: RANGE.maxT }, wantedOf(COLUMNS))
  for (let batch = selection.next(); batch !== null; batch = selection.next()) {
    for (let row = 0; row < batch.seriesCount * batch.n; row++) {
      if (batch.columns.count[row]! + batch.columns.staleAtEnd[row]! === 0) continue
      const values = batch.columns.count[row] === 0 ? 'stale' : COLUMNS.map((key) => batch.columns[key][row]).join()
      rows.set(`${batch.index[Math.floor(row / batch.n)]} ${batch.t[row % batch.n]}`, values)
    }
  }
  const leftOut = reader.leftOut.size
  reader.close()
  return { rows, leftOut }
}

describe('a flipped bit in a block of a tier', () => {
  it.each([false, true])('costs no more than it says (compressed: %s)', async (isCompressed) => {
    const disk = new FlippingDisk({ random: new Random(1), names: new SimNames() })
    const before = useDisk(disk)
    onTestFinished(() => void useDisk(before))
    makeFolder(FOLDER)
    const folder = await writeTierBlock(isCompressed)
    const whole = read(folder)
    expect(whole.leftOut).toBe(0)
    expect(verifyTierBlock(folder)).toEqual([])
    expect(whole.rows.size).toBeGreaterThan(50)
    const first = new Random(testSeed()).int(STRIDE)
    let costly = 0
    for (const name of listFolder(folder)) {
      const file = path.join(folder, name)
      for (let bit = first; bit < fileSizeBytes(file) * 8; bit += STRIDE) {
        disk.flip(file, bit)
        const { rows, leftOut } = read(folder)
        if (rows.size < whole.rows.size && leftOut === 0) expect.fail(`bit ${bit} of ${name}: ${whole.rows.size - rows.size} rows are gone and nothing says so`)
        for (const [key, row] of rows) if (whole.rows.get(key) !== row) expect.fail(`bit ${bit} of ${name}: row ${key} is ${row}, not ${whole.rows.get(key)}`)
        if (rows.size < whole.rows.size) costly++
        // Spaces of meta.json are nobody's.
        if (name !== 'meta.json' && bit % 8 === first && verifyTierBlock(folder).length === 0) expect.fail(`bit ${bit} of ${name}: verify finds nothing`)
      }
    }
    expect(costly).toBeGreaterThan(100)
  }, 600_000)
})
