// The file of definitions: what it says of series is what was said to it.
import fs from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { EMPTY_LABELS, type Labels } from '../../lib/model/labels.ts'
import { runThrough } from '../../lib/std/steps.ts'
import type { LabelIds } from '../../storage/log/frame-labels.ts'
import { labelsIn, type DefinitionVisitor } from '../../storage/log/series-frames.ts'
import { SeriesFile } from '../../storage/log/series-file.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { Random } from '../../lib/std/random.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, append, batchOf, open, readAll } from './store.ts'

const NO_VISITOR: DefinitionVisitor = { begin: () => undefined, progress: () => undefined, renumbered: () => undefined, given: () => undefined, series: () => undefined, group: () => undefined }

/** Label sets that share much, little or nothing with the one before. */
function labelSets(random: Random): string[][] {
  const names = ['__name__', 'a', 'b', 'cluster', 'ü', 'x'.repeat(200), 'zone']
  const values = ['', 'v', 'v1', 'v12', 'größe', '🐟', 'w'.repeat(127), 'w'.repeat(128), 'y'.repeat(20_000)]
  const sets = new Map<string, string[]>()
  let last: string[] = []
  for (let i = 0; i < 400; i++) {
    const labels: string[] = []
    for (const name of names) {
      const before = last.indexOf(name)
      if (before >= 0 && before % 2 === 0 && random.int(3) > 0) labels.push(name, last[before + 1]!)
      else if (random.int(2) === 0) labels.push(name, values[1 + random.int(values.length - 1)]!)
    }
    sets.set(JSON.stringify(labels), labels)
    last = labels
  }
  return [...sets.values()].filter((labels) => labels.length > 0)
}

test('a start gives every series the labels it had', async () => {
  const folder = tempFolder()
  const db = open(folder)
  const sets = labelSets(new Random(1))
  const refs = sets.map((labels) => db.series(labels))
  await db.close()
  const again = open(folder)
  const querier = new StoreQueryable(again.handle(), 1).querier()
  const ids = new Uint32Array(64)
  const labelsOf = (ref: number): string[] => Array.from(ids.subarray(0, querier.labelsOf(ref, ids)), (id) => querier.textOf(id))
  expect(refs.map(labelsOf)).toEqual(sets)
  // What they are called leads to them, too: nobody is made a second time.
  expect(sets.map((labels) => again.series(labels))).toEqual(refs)
  querier.close()
  await again.close()
})

const VALUES = ['a', 'b', 'c', 'd', 'e', 'x']

test('a start takes series that are defined twice once, and of equal ones the last', async () => {
  const folder = tempFolder()
  await open(folder).close()
  const file = new SeriesFile(`${folder}/series/definitions`)
  runThrough(file.load(NO_VISITOR))
  const sets = VALUES.map((value): Labels => ['job', 'node', 'name', value])
  const [a, b, c, d, e, x] = sets as [Labels, Labels, Labels, Labels, Labels, Labels]
  // A frame each: series that come again under another ref, in one frame and in the next; refs that are not defined;
  // series that are there, with others, and before one whose labels that frame was the first to spell out.
  const frames: [ref: number, sets: Labels[]][] = [[1, [a, b, a]], [6, [b, c]], [7, [x, d, x, e]], [11, [e]]]
  const index = new Index()
  for (const [first, inFrame] of frames) {
    for (const [i, labels] of inFrame.entries()) file.addSeries(first + i, labels, index.of(labels))
    file.addGiven(1)
  }
  file.write()
  file.close()
  const db = open(folder)
  const refs = sets.map((labels) => db.series(labels))
  expect(refs).toEqual([3, 6, 7, 8, 11, 9])
  expect(db.series(['job', 'node', 'name', 'new'])).toBe(12)
  for (const [i, ref] of refs.entries()) append(db, batchOf(NOW, [ref], [i]))
  await db.commit()
  // By their postings, too.
  for (const [i, value] of VALUES.entries()) {
    expect(readAll(db, -Infinity, Infinity, [{ name: 'name', op: '=', value }])).toEqual(new Map([[`job|node|name|${value}`, [[NOW, i]]]]))
  }
  expect(readAll(db, -Infinity, Infinity, [{ name: 'job', op: '=', value: 'node' }])).toEqual(new Map(sets.map((labels, i) => [labels.join('|'), [[NOW, i]]])))
  await db.close()
})

/** Series by ref, as a file has them; not those that are not defined. */
function readBack(file: string): Map<number, Labels> {
  const series = new Map<number, Labels>()
  runThrough(new SeriesFile(file).load({
    begin: () => undefined, progress: () => undefined, renumbered: () => undefined, given: () => undefined, group: () => undefined,
    series: (frame) => labelsIn(frame).forEach((labels, i) => series.set(frame.firstRef + i, labels)),
  }))
  return series
}

/** Gives labels ids, as an index does. */
class Index {
  readonly #ids = new Map<string, number>()

  of(labels: Labels): LabelIds {
    const ids = Array.from({ length: labels.length / 2 }, (_, i) => {
      const label = `${labels[2 * i]}=${labels[2 * i + 1]}`
      if (!this.#ids.has(label)) this.#ids.set(label, this.#ids.size + 1)
      return this.#ids.get(label)!
    })
    return { of: this, ids: Uint32Array.from([0, ...ids]), at: 1 }
  }
}

/** What a file that is told of these series says, and the size of its stream, which its second copy, from 64 KiB on, shows. */
function f(sets: readonly Labels[], idsOf: (labels: Labels, ref: number) => LabelIds | null): { series: Map<number, Labels>; sizeBytes: number } {
  const path = `${tempFolder()}/definitions`
  const file = new SeriesFile(path)
  runThrough(file.load(NO_VISITOR))
  for (const [i, labels] of sets.entries()) file.addSeries(i + 1, labels, idsOf(labels, i + 1))
  file.write()
  file.close()
  return { series: readBack(path), sizeBytes: fs.statSync(path).size - 65_536 }
}

const asTold = (sets: readonly Labels[]): Map<number, Labels> => new Map(sets.map((labels, i) => [i + 1, labels]))
const hosts = (count: number): Labels[] => Array.from({ length: count }, (_, i) => ['__name__', `metric_${i % 50}`, 'instance', `host-${Math.floor(i / 50)}`, 'job', 'node', 'zone', `z${i % 3}`])

describe('a frame of series', () => {
  it('spells a label out once', () => {
    const sets = hosts(1000)
    const index = new Index()
    const shared = f(sets, (labels) => index.of(labels))
    expect(shared.series).toEqual(asTold(sets))
    const spelled = f(sets, () => null)
    expect(spelled.series).toEqual(asTold(sets))
    expect(shared.sizeBytes).toBeGreaterThan(1000)
    expect(shared.sizeBytes).toBeLessThan(spelled.sizeBytes / 4)
  })

  it('is ended where ids begin to mean other labels, as those of an index that was built anew', () => {
    const sets = hosts(200)
    const one = new Index()
    const other = new Index()
    // The other knows the same labels by other ids.
    for (const labels of sets.toReversed()) other.of(labels)
    expect(f(sets, (labels, ref) => (ref <= 100 ? one : other).of(labels)).series).toEqual(asTold(sets))
    expect(f(sets, (labels, ref) => (ref % 3 === 0 ? null : one.of(labels))).series).toEqual(asTold(sets))
  })

  it('takes series of more labels than it has numbers for', () => {
    const wide = (count: number): Labels => Array.from({ length: count }, (_, i) => [`l${i}`, `${i % 7}`]).flat()
    const sets = [wide(3), wide(5000), wide(5000), EMPTY_LABELS, wide(2048), wide(10), wide(9000)]
    const index = new Index()
    expect(f(sets, (labels) => index.of(labels)).series).toEqual(asTold(sets))
    expect(f(sets, () => null).series).toEqual(asTold(sets))
  })

  it('says of random series what they are', () => {
    for (const random of [1, 2, 3].map(() => new Random(testSeed()))) {
      const sets = [...labelSets(random), ...labelSets(random)]
      const index = new Index()
      expect(f(sets, (labels) => index.of(labels)).series).toEqual(asTold(sets))
    }
  })
})
