import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { denseBuckets } from '../../../lib/model/histogram.ts'
import { Random } from '../../../lib/std/random.ts'
import { compareLabels, type Labels } from '../../../lib/model/labels.ts'
import { compileMatcher, type Matcher } from '../../../lib/model/matcher.ts'
import { getLabel } from '../../../lib/model/labels.ts'
import { GroupBlockBuilder } from '../../../storage/block/block-builder.ts'
import { BlockReader } from '../../../storage/block/block-reader.ts'
import { NO_SERIES } from '../../../storage/block/block.ts'
import { PageCache } from '../../../storage/block/page-cache.ts'
import { verifyBlock } from '../../../storage/block/verify.ts'
import { writeTombstones } from '../../../storage/block/tombstones.ts'
import { BatchBuffer } from '../../../storage/head/batch-buffer.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { cellsOf, histogramOf, named, ORIGIN, STALE_MARK, startTimesOf, TestLabels, writeBlock, type Cell, type TestGroup, type TestSeries } from './block-data.ts'

const T0 = 1_700_000_000_000

function open(folder: string, name: string): BlockReader {
  const reader = new BlockReader(path.join(folder, name), new PageCache())
  onTestFinished(() => reader.close())
  return reader
}

/** All of a series in [mint, maxt], as time, cell and start time. */
function readAll(reader: BlockReader, series: number, mint = -Infinity, maxt = Infinity): (readonly [number, Cell, number])[] {
  const group = reader.groupOf(series)
  reader.seekRows(group, mint, maxt)
  const { from, to } = reader
  const batch = new BatchBuffer()
  batch.shape(1, to - from)
  reader.readTimes(group, from, to, batch.t, 0)
  reader.readSeries(series, from, to, batch, { s: 0, base: 0 })
  const startTimes = startTimesOf(batch, 0)
  return cellsOf(batch, 0).map((cell, i) => [batch.t[i]!, cell, startTimes[i]!] as const)
}

function randomGroups(random: Random, groupCount: number): TestGroup[] {
  const names = ['up', 'http_requests_total', 'é', 'zz', 'node_cpu']
  let ref = 1 + random.int(5)
  return Array.from({ length: groupCount }, (_, g) => {
    const isRegular = random.int(2) === 0
    const rows = 1 + random.int(random.int(4) === 0 ? 2500 : 300)
    let t = T0 + random.int(1000) * 10
    const times = Array.from({ length: rows }, () => (t += isRegular ? 10_000 : 1 + random.int(20_000)))
    const series = Array.from({ length: 1 + random.int(12) }, (_, s): TestSeries => {
      const hasGaps = random.int(3) === 0
      const isMixed = random.int(6) === 0
      const startTimes = random.int(5) === 0 ? times.map((_, i) => (random.int(9) === 0 ? 0 : T0 - 5000 + (i & ~63))) : times.map(() => 0)
      let value = random.int(1000)
      const cells = times.map((): Cell => {
        if (hasGaps && random.int(10) === 0) return random.int(3) === 0 ? STALE_MARK : null
        if (isMixed && random.int(3) > 0) return histogramOf(random)
        value = random.int(3) === 0 ? value : value + random.int(100) / (s % 2 === 0 ? 1 : 100)
        return value
      })
      return { ref: (ref += 1 + random.int(3)), labels: named(random.pick(names), { instance: `h${g}`, s: String(s), ...(s % 3 === 0 ? { A: 'x' } : {}) }), cells, startTimes: startTimes.map((t, i) => (cells[i] === null ? 0 : t)) }
    })
    return { times, series }
  })
}

function matches(labels: Labels, matchers: readonly Matcher[]): boolean {
  return matchers.every((matcher) => compileMatcher(matcher)(getLabel(labels, matcher.name)))
}

describe('a block', () => {
  for (const isCompressed of [false, true]) {
    it(`gives back what was written, ${isCompressed ? 'compressed' : 'plain'}`, async () => {
      const random = new Random(isCompressed ? 2 : 1)
      for (let round = 0; round < 5; round++) {
        const folder = tempFolder()
        const groups = randomGroups(random, 1 + random.int(20))
        const all = groups.flatMap(({ times, series }) => series.map((one) => ({ ...one, times }))).filter(({ cells }) => cells.some((cell) => cell !== null))
        const { name, meta } = await writeBlock(folder, groups, 3, isCompressed)
        expect(fs.readdirSync(folder)).toEqual([name])
        expect(fs.readdirSync(path.join(folder, name)).toSorted()).toEqual(['chunks', 'index', 'meta.json'])
        expect(meta.samples).toBe(all.reduce((sum, { cells }) => sum + cells.filter((cell) => cell !== null).length, 0))
        expect(meta.series).toBe(all.length)
        const reader = open(folder, name)
        expect(reader.meta).toEqual(meta)
        const asked = Uint32Array.from([...all.map(({ ref }) => ref), 0, 4_000_000_000]).sort()
        const numbers = new Uint32Array(asked.length)
        expect(reader.find(asked, numbers)).toBe(all.length)
        const numberOf = new Map(Array.from(asked, (ref, i) => [ref, numbers[i]!]))
        expect([numberOf.get(0), numberOf.get(4_000_000_000)]).toEqual([NO_SERIES, NO_SERIES])
        for (const { ref, labels, cells, times, startTimes } of all) {
          const number = numberOf.get(ref)!
          expect(reader.refOf(number)).toBe(ref)
          expect(reader.labelsOf(number)).toEqual(labels)
          const wanted = times.map((t, i) => [t, cells[i]!, startTimes![i]!] as const)
          expect(readAll(reader, number)).toEqual(wanted)
          const mint = times[random.int(times.length)]! + random.int(3) - 1
          const maxt = random.int(2) === 0 ? times[random.int(times.length)]! : mint + random.int(2e6)
          expect(readAll(reader, number, mint, maxt)).toEqual(wanted.filter(([t]) => t >= mint && t <= maxt))
        }
        expect(reader.leftOut.size).toBe(0)
      }
    })
  }

  it('holds series by metric, then by the other labels', async () => {
    const folder = tempFolder()
    const { name } = await writeBlock(folder, randomGroups(new Random(4), 30), 1)
    const reader = open(folder, name)
    const keys = Array.from({ length: reader.seriesCount }, (_, s) => {
      const labels = reader.labelsOf(s)
      return ['__name__', getLabel(labels, '__name__'), ...labels.flatMap((text, i) => (i % 2 === 0 && text !== '__name__' ? [text, labels[i + 1]!] : []))]
    })
    expect(keys).toEqual(keys.toSorted(compareLabels))
  })

  it('selects by its own index as matchers say', async () => {
    const folder = tempFolder()
    const groups = randomGroups(new Random(9), 60)
    const { name } = await writeBlock(folder, groups, 1, true)
    const reader = open(folder, name)
    const labels = Array.from({ length: reader.seriesCount }, (_, s) => reader.labelsOf(s))
    const f = (...matchers: Matcher[]): void => {
      const wanted = labels.flatMap((own, s) => (matches(own, matchers) ? [s] : []))
      expect(Array.from(reader.select(matchers)!), JSON.stringify(matchers)).toEqual(wanted)
    }
    f({ name: '__name__', op: '=', value: 'up' })
    f({ name: '__name__', op: '=', value: 'absent' })
    f({ name: 'no', op: '=', value: 'x' })
    f({ name: 'no', op: '!=', value: 'x' })
    f({ name: 'no', op: '=', value: '' })
    f({ name: 'A', op: '=', value: '' })
    f({ name: 'A', op: '!=', value: '' })
    f({ name: '__name__', op: '=~', value: 'up|é' }, { name: 'A', op: '=', value: 'x' }, { name: 's', op: '!=', value: '3' })
    f({ name: 'instance', op: '=~', value: 'h1.*' }, { name: '__name__', op: '!~', value: 'n.*' })
    f({ name: 's', op: '!~', value: '[0-4]?' })
    f()
    expect(reader.labelNames()).toEqual(['__name__', 'A', 'instance', 's'])
    expect(reader.labelValues('A')).toEqual(['x'])
    expect(reader.labelValues('__name__')).toEqual([...new Set(labels.map((own) => getLabel(own, '__name__')))].toSorted())
    expect(reader.labelValues('no')).toEqual([])
  })

  it('shares timestamps between groups that tick together', async () => {
    const folder = tempFolder()
    const times = Array.from({ length: 720 }, (_, i) => T0 + i * 10_000)
    const groups = Array.from({ length: 10 }, (_, g): TestGroup => ({ times, series: [{ ref: g + 1, labels: named('up', { instance: `h${g}` }), cells: times.map(() => g) }] }))
    const { meta } = await writeBlock(folder, groups)
    expect(meta.groups).toBe(1)
  })

  it('finds series among many pages of each section', async () => {
    const folder = tempFolder()
    const count = 30_000
    const refOf = (i: number): number => 5 + ((i * 7919) % count) * 3
    const series = Array.from({ length: count }, (_, i): TestSeries => ({ ref: refOf(i), labels: named(`m${i % 10}`, { id: `id-${i}`, job: 'node' }), cells: [i] }))
    const { name } = await writeBlock(folder, [{ times: [T0], series }], 1, true)
    const reader = open(folder, name)
    const f = (refs: Uint32Array): void => {
      const numbers = new Uint32Array(refs.length)
      const found = reader.find(refs, numbers)
      expect(found).toBe(refs.filter((ref) => ref >= 5 && ref < 5 + 3 * count && (ref - 5) % 3 === 0).length)
      for (const [i, number] of numbers.entries()) if (number !== NO_SERIES) expect(reader.refOf(number)).toBe(refs[i])
    }
    f(Uint32Array.from({ length: 1000 }, (_, i) => i * 97))
    f(Uint32Array.from({ length: count }, (_, i) => 5 + i * 3))
    f(Uint32Array.of(89_990, 90_002))
    f(Uint32Array.of(1))
    const all = reader.select([{ name: 'job', op: '=', value: 'node' }])
    expect(all).toEqual(Uint32Array.from({ length: count }, (_, s) => s))
    const some = reader.select([{ name: '__name__', op: '=', value: 'm7' }, { name: 'id', op: '=~', value: 'id-1.*7' }])!
    expect(some.length).toBe(series.filter((_, i) => i % 10 === 7 && String(i).startsWith('1') && i !== 1).length)
    for (const s of some) expect(getLabel(reader.labelsOf(s), 'id')).toMatch(/^id-1.*7$/)
    expect(reader.labelValues('id').length).toBe(count)
    const last = reader.select([{ name: 'id', op: '=', value: 'id-29999' }])!
    expect(readAll(reader, last[0]!)).toEqual([[T0, 29_999, 0]])
    expect(verifyBlock(path.join(folder, name))).toEqual([])
  })

  it('holds texts and histograms larger than a page', async () => {
    const folder = tempFolder()
    const random = new Random(3)
    const long = (k: number): string => String(k).repeat(100_000)
    const times = Array.from({ length: 40 }, (_, i) => T0 + i * 1000)
    const wide = times.map((): Cell => {
      const counts = Array.from({ length: 1000 }, () => 1 + random.u32())
      return { ...histogramOf(random), positive: denseBuckets(0, counts) }
    })
    const series = [1, 2, 3].map((ref) => ({ ref, labels: named('big', { text: long(ref), same: long(9) }), cells: wide }))
    const { name } = await writeBlock(folder, [{ times, series }])
    const reader = open(folder, name)
    for (const [number, { labels, cells }] of series.entries()) {
      expect(reader.labelsOf(number)).toEqual(labels)
      expect(readAll(reader, number)).toEqual(times.map((t, i) => [t, cells[i], 0]))
    }
    expect(Array.from(reader.select([{ name: 'text', op: '=', value: long(2) }])!)).toEqual([1])
    expect(reader.labelValues('same')).toEqual([long(9)])
    expect(verifyBlock(path.join(folder, name))).toEqual([])
  })

  it('leaves out what its tombstones name', async () => {
    const folder = tempFolder()
    const times = Array.from({ length: 2000 }, (_, i) => T0 + i * 1000)
    const { name } = await writeBlock(folder, [{ times, series: [7, 8].map((ref) => ({ ref, labels: named('up', { ref: String(ref) }), cells: times.map((_, i) => i) })) }])
    writeTombstones(path.join(folder, name), [{ ref: 7, from: times[1000]!, to: times[1030]! }, { ref: 7, from: times[5]! - 1, to: times[5]! + 1 }, { ref: 9, from: 0, to: Infinity }])
    const reader = open(folder, name)
    const wanted = times.map((t, i) => [t, i === 5 || (i >= 1000 && i <= 1030) ? null : i, 0] as const)
    expect(readAll(reader, 0)).toEqual(wanted)
    expect(readAll(reader, 0, times[990], times[1040])).toEqual(wanted.slice(990, 1041))
    expect(readAll(reader, 1)).toEqual(times.map((t, i) => [t, i, 0]))
  })

  it('is not there when it would hold nothing', async () => {
    const folder = tempFolder()
    const builder = new GroupBlockBuilder({ folder, number: 1, isCompressed: false }, new TestLabels())
    builder.beginGroup(Float64Array.of(T0), 1)
    expect(await builder.finish(ORIGIN)).toBe(null)
    expect(fs.readdirSync(folder)).toEqual([])
  })

  it('replaces a leftover of its number', async () => {
    const folder = tempFolder()
    fs.mkdirSync(path.join(folder, '.tmp-1'))
    fs.writeFileSync(path.join(folder, '.tmp-1', 'chunks'), 'old'.repeat(1e5))
    const groups = randomGroups(new Random(1), 2)
    const { name } = await writeBlock(folder, groups)
    expect(fs.readdirSync(folder)).toEqual([name])
    expect(open(folder, name).seriesCount).toBeGreaterThan(0)
  })
})
