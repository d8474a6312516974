// Rows of buckets through their encoder and decoder: bit by bit what they were, but for what FORMAT.md rounds.
import { describe, expect, it } from 'vitest'
import { Random } from '../../../lib/std/random.ts'
import { BatchBuffer } from '../../../storage/head/batch-buffer.ts'
import { aggregate } from '../../../storage/tier/aggregate.ts'
import { BucketBuffer, type GroupRows } from '../../../storage/tier/bucket-buffer.ts'
import { decodeRows, type RowBytes } from '../../../storage/tier/row-decode.ts'
import { encodeRows, shape, spread, values, type RowPart } from '../../../storage/tier/row-encode.ts'
import { SAMPLES_MAX } from '../../../storage/tier/row-shape.ts'
import { EVERY_SUM, RANGE_ALONE } from '../../../storage/tier/row-sums.ts'
import { testSeed } from '../../support/seed.ts'

const T0 = 1_699_999_200_000

function bytesOf({ bytes, length }: RowPart): RowBytes {
  const padded = new Uint8Array(length + 16)
  padded.set(bytes.subarray(0, length))
  return { src: { bytes: padded, view: new DataView(padded.buffer) }, at: 0, end: length }
}

interface Kind {
  next: (random: Random, before: number, i: number) => number
  steps: readonly number[]
  gaps: number
}

function randomKind(random: Random): Kind {
  const next = random.pick<Kind['next']>([
    (r, before) => before + r.int(100_000),
    (r, before) => (r.int(40) === 0 ? 0 : before + r.int(30) / 100),
    (r) => r.int(2000) / 100 - 10,
    (r) => r.float() * 1e9,
    (r, before) => (r.int(9) === 0 ? r.int(5) : before),
    () => 1_700_000_000.5,
    (r) => r.pick([0, 0, 0, 0, 0, 0, -0]),
    (r) => r.pick([NaN, Infinity, -Infinity, -0, 0, 5, 5, 5, 5e-324, 1e308]),
    (_, __, i) => 2 ** 53 + i * 2,
  ])
  return { next, steps: random.pick([[10_000], [1000], [60_000], [200, 20_000], [15_000, 1000]]), gaps: random.pick([0, 0, 30, 3]) }
}

/** One series' samples as the store gives them. */
function randomBatch(random: Random): BatchBuffer {
  const { next, steps, gaps } = randomKind(random)
  const n = 1 + random.int(3000)
  const batch = new BatchBuffer()
  batch.shape(1, n)
  batch.index[0] = 0
  let t = T0 + random.int(20_000)
  let v = 0
  for (let i = 0; i < n; i++) {
    batch.t[i] = t
    batch.v[i] = v = next(random, v, i)
    t += random.pick(steps)
  }
  if (gaps > 0) {
    batch.beginGaps(0, 0)
    for (let i = 0; i < n; i++) if (random.int(gaps) !== 0) batch.mark(0, i, random.int(gaps) === 1)
  }
  return batch
}

/** As a series without gaps, at the batch's times, would have them. */
function groupOf(batch: BatchBuffer): GroupRows {
  const full = new BatchBuffer()
  full.shape(1, batch.n)
  full.t.set(batch.t.subarray(0, batch.n))
  full.v.fill(1, 0, batch.n)
  const rows = new BucketBuffer()
  aggregate(full, 60_000, rows, SAMPLES_MAX)
  const { count, firstT, lastT } = rows.columns
  return { count: count.slice(0, rows.n), firstT: firstT.slice(0, rows.n), lastT: lastT.slice(0, rows.n) }
}

function roundTrip(from: BucketBuffer, group: GroupRows, isWhole: boolean): BucketBuffer {
  const to = new BucketBuffer()
  to.shape(1, from.n)
  to.t.set(from.t.subarray(0, from.n))
  for (let row = 0; row < from.n; row += 1024) {
    const n = Math.min(1024, from.n - row)
    encodeRows(from, row, n, group, row)
    const parts = { shape: bytesOf(shape), values: bytesOf(values), spread: bytesOf(spread) }
    decodeRows(parts, { n, group, groupAt: row, out: to, at: row }, isWhole ? RANGE_ALONE : EVERY_SUM, isWhole)
  }
  return to
}

const EXACT = ['first', 'last', 'min', 'max', 'p99', 'second', 'correction', 'firstT', 'lastT'] as const
const ROUNDED = [['sum', 2e-13], ['m2', 1e-13]] as const

function differences({ columns: back }: BucketBuffer, { columns: exact, n }: BucketBuffer): string[] {
  const found: string[] = []
  for (let i = 0; i < n; i++) {
    const note = (key: keyof typeof exact): number => found.push(`row ${i} ${key} of ${exact.count[i]}: ${back[key][i]}, not ${exact[key][i]}`)
    for (const key of ['count', 'staleAtEnd'] as const) if (back[key][i] !== exact[key][i]) note(key)
    if (exact.count[i] === 0) continue
    for (const key of EXACT) if (!Object.is(back[key][i], exact[key][i])) note(key)
    for (const [key, slack] of ROUNDED) {
      const e = exact[key][i]!
      if (Number.isFinite(e) ? !(Math.abs(back[key][i]! - e) <= slack * Math.abs(e)) : !Object.is(back[key][i], e)) note(key)
    }
  }
  return found.slice(0, 5)
}

describe('rows of buckets', () => {
  it('come back as they were, whatever the samples, also by way of another block', () => {
    for (let run = 0, seed = testSeed(); run < 150; run++, seed++) {
      const batch = randomBatch(new Random(seed))
      const source = new BucketBuffer()
      const exact = new BucketBuffer()
      aggregate(batch, 60_000, source, SAMPLES_MAX)
      aggregate(batch, 60_000, exact, 0)
      const group = groupOf(batch)
      for (const back of [roundTrip(source, group, false), roundTrip(roundTrip(source, group, true), group, false)]) {
        expect(differences(back, exact), `seed ${seed}`).toEqual([])
      }
    }
  })

  it('take wrong bytes for no more than wrong numbers', () => {
    const random = new Random(testSeed())
    const batch = randomBatch(random)
    const source = new BucketBuffer()
    aggregate(batch, 60_000, source, SAMPLES_MAX)
    const group = groupOf(batch)
    const n = Math.min(1024, source.n)
    encodeRows(source, 0, n, group, 0)
    for (let run = 0; run < 3000; run++) {
      const parts = { shape: bytesOf(shape), values: bytesOf(values), spread: bytesOf(spread) }
      const part = random.pick([parts.shape, parts.values, parts.spread])
      if (part.end === 0) continue
      part.src.bytes[random.int(part.end)]! ^= 1 << random.int(8)
      const to = new BucketBuffer()
      to.shape(1, n + 2)
      try {
        decodeRows(parts, { n, group, groupAt: 0, out: to, at: 1 }, EVERY_SUM, false)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
      expect([to.columns.count[0], to.columns.count[n + 1]]).toEqual([0, 0])
    }
  })
})
