// Files of the 1-hour tier as jobs make and replace them, against a plain map of rows.
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { compareLabels, type Labels } from '../../../lib/model/labels.ts'
import { systemClock } from '../../../lib/std/clock.ts'
import { DiskError, useDisk } from '../../../lib/std/fs.ts'
import { Random } from '../../../lib/std/random.ts'
import { FolderStore } from '../../../storage/object-store/folder-store.ts'
import { fileContent } from '../../../storage/object-store/object-store.ts'
import { cleanFile, compactMonth, deleteHours, dropHours, fileToClean, monthToCompact, rebuildHours, spanFor, sweepHours, type HourWork } from '../../../storage/tier/hour-build.ts'
import { HourFiles } from '../../../storage/tier/hour-files.ts'
import { dayOf, readManifest } from '../../../storage/tier/hour-manifest.ts'
import { hourQuantiles } from '../../../storage/tier/hour-quantiles.ts'
import { selectHours } from '../../../storage/tier/hour-reader.ts'
import type { RowSource } from '../../../storage/tier/hour-merge.ts'
import type { SeriesRows } from '../../../storage/tier/parquet-writer.ts'
import { spanOfDay, writeArchive } from '../../support/hour-archive.ts'
import { HOUR_MS, randomRows } from '../../support/hour-rows.ts'
import { testSeed } from '../../support/seed.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const SERIES = 25
const START = Date.parse('2026-09-28T00:00:00Z')
const HOURS = 6 * 24

/** Sum by `ref@t`, of rows with samples; null: only a staleness marker. */
type Model = Map<string, number | null>

function put(model: Model, { ref, n, t, columns }: SeriesRows): void {
  for (let i = 0; i < n; i++) {
    if (columns.count[i]! > 0) model.set(`${ref}@${t[i]}`, columns.sum[i]!)
    else if (columns.staleAtEnd[i] === 1) model.set(`${ref}@${t[i]}`, null)
  }
}

/** Raw samples give no row where there is neither a sample nor a marker; labels are the ref's. */
function source(rows: SeriesRows[], labels: Map<number, Labels>): RowSource {
  const list = rows.map((series) => ({ ...series, labels: labels.get(series.ref)! })).toSorted((a, b) => compareLabels(a.labels, b.labels))
  return { next: () => list.shift() ?? null }
}

function contents(folder: string, store: string | null): Model {
  const files = new HourFiles(folder, store === null ? null : { folder: store }, systemClock)
  files.begin()
  const refs = Uint32Array.from({ length: SERIES }, (_, i) => i + 1)
  const selection = selectHours(files, { refs, byLabels: new Map() }, { mint: -Infinity, maxt: Infinity }, ['sum'])
  const found: Model = new Map()
  for (let batch = selection.next(); batch !== null; batch = selection.next()) {
    for (let row = 0; row < batch.seriesCount * batch.n; row++) {
      const key = `${refs[batch.index[Math.floor(row / batch.n)]!]}@${batch.t[row % batch.n]}`
      if (batch.columns.count[row]! > 0) found.set(key, batch.columns.sum[row]!)
      else if (batch.columns.staleAtEnd[row] === 1) found.set(key, null)
    }
  }
  expect([...files.leftOut]).toEqual([])
  // Sketches are read as they were written: all of a file, which throws for what is none.
  hourQuantiles(files, { refs, byLabels: new Map() }, { qs: Float64Array.of(0.5), from: Float64Array.of(-Infinity), to: Float64Array.of(Infinity) }).toArray()
  return found
}

describe('the files of the 1-hour tier', () => {
  it('hold the rows that were made last, whatever is done to them', async () => {
    const seed = testSeed()
    const random = new Random(seed)
    for (let run = 0; run < 8; run++) {
      const folder = path.join(tempFolder(), 'archive')
      const bucket = tempFolder()
      const store = new FolderStore(bucket)
      const work: HourWork = { folder, store, nowMs: START, cutoffs: [] }
      const model: Model = new Map()
      const labels = new Map(randomRows(random, SERIES, START, 1).map((series) => [series.ref, series.labels]))
      for (let step = 0; step < 40; step++) {
        await doSomething({ random, work, model, labels, bucket })
        expect(contents(folder, bucket), `seed ${seed}, run ${run}, step ${step}`).toEqual(model)
      }
    }
  }, 120_000)

  it('become one a month once, also beside a day that is damaged', async () => {
    const folder = tempFolder()
    const work: HourWork = { folder, store: null, nowMs: Date.parse('2026-11-05T00:00:00Z'), cutoffs: [] }
    const days = ['2026-10-01', '2026-10-02', '2026-10-03'].map(spanOfDay)
    writeArchive(folder, days, ({ from }) => randomRows(new Random(1), 3, from, 3))
    fs.truncateSync(path.join(folder, readManifest(folder).files[0]!.name), 50)
    const month = monthToCompact(work, () => false)!
    expect(await compactMonth(work, month)).toHaveLength(1)
    expect(readManifest(folder).files.map(({ name }) => name)).toEqual(['1h-2026-10-01-000001.parquet', '1h-2026-10-000004.parquet'])
    expect(monthToCompact(work, () => false)).toBe(null)
  })

  it('are all closed again, whatever the disk refuses', async () => {
    const folder = tempFolder()
    const work: HourWork = { folder, store: null, nowMs: Date.parse('2026-11-05T00:00:00Z'), cutoffs: [] }
    writeArchive(folder, ['2026-10-01', '2026-10-02'].map(spanOfDay), ({ from }) => randomRows(new Random(1), 3, from, 3))
    const month = monthToCompact(work, () => false)!
    const open = new Map<number, string>()
    let refused = 0
    let left = 0
    const refuse = (what: string): void => {
      if (left-- === 0) throw Object.assign(new Error(`ENOSPC: ${what}`), { code: 'ENOSPC' })
    }
    const real = useDisk({
      ...fs,
      openSync: (file, flags, mode) => {
        refuse(file)
        const fd = fs.openSync(file, flags, mode)
        open.set(fd, file)
        return fd
      },
      closeSync: (fd) => {
        open.delete(fd)
        fs.closeSync(fd)
      },
      writeSync: (...args) => {
        refuse('write')
        return fs.writeSync(...args)
      },
      readSync: (...args) => {
        refuse('read')
        return fs.readSync(...args)
      },
      fdatasyncSync: (fd) => {
        refuse('sync')
        fs.fdatasyncSync(fd)
      },
    })
    try {
      for (let isDone = false; !isDone; refused++) {
        left = refused
        isDone = await compactMonth(work, month).then((damage) => damage.length === 0 && left >= 0, (error: unknown) => {
          if (!(error instanceof DiskError)) throw error
          return false
        })
        expect([...open.values()], `operation ${refused}`).toEqual([])
      }
    } finally {
      useDisk(real)
    }
    expect(refused).toBeGreaterThan(30)
    expect(readManifest(folder).files.map(({ name }) => name)).toContainEqual(expect.stringMatching(/^1h-2026-10-0*\d{6}\.parquet$/))
  })

  it('keep the rows beside a deleted series that has none', async () => {
    const folder = path.join(tempFolder(), 'archive')
    const work: HourWork = { folder, store: null, nowMs: START, cutoffs: [] }
    const [bare, full] = [randomRows(new Random(1), 7, START, 3).find(({ lacksHistograms }) => lacksHistograms)!, randomRows(new Random(1), 1, START, 3)[0]!]
    const ofHost = (host: string): Labels => ['__name__', 'up', 'host', host]
    const labels = new Map([[bare.ref, ofHost('a')], [full.ref, ofHost('b')]])
    await rebuildHours(work, { span: spanFor(folder, START), isReplaced: () => false, damaged: '' }, source([{ ...bare, n: 0 }, full], labels))
    const model: Model = new Map()
    put(model, full)
    deleteHours(folder, [[{ name: 'host', op: '=', value: 'a' }]], START, START + 3 * HOUR_MS)
    expect(contents(folder, null)).toEqual(model)
    await cleanFile(work, fileToClean(folder, new Set())!)
    expect(contents(folder, null)).toEqual(model)
    expect(readManifest(folder)).toMatchObject({ files: [{ rows: full.n }], deletions: [], replaced: [{}] })
  })
})

interface World {
  random: Random
  work: HourWork
  model: Model
  labels: Map<number, Labels>
  bucket: string
}

async function doSomething({ random, work, model, labels, bucket }: World): Promise<void> {
  const { folder } = work
  const t = START + random.int(HOURS) * HOUR_MS
  const choice = random.int(12)
  if (choice < 5 || !fs.existsSync(folder)) {
    const from = t
    const to = Math.min(from + random.int(6) * HOUR_MS, dayOf(t).to - HOUR_MS)
    const rows = randomRows(random, SERIES, from, (to - from) / HOUR_MS + 1).filter(() => random.int(4) > 0)
    for (const key of model.keys()) if (Number(key.split('@')[1]) >= from && Number(key.split('@')[1]) <= to) model.delete(key)
    for (const series of rows) put(model, series)
    fs.mkdirSync(folder, { recursive: true })
    await rebuildHours(work, { span: spanFor(folder, t), isReplaced: (end) => end >= from && end <= to, damaged: '' }, source(rows, labels))
  } else if (choice < 7) {
    const month = monthToCompact({ ...work, nowMs: Date.parse('2026-12-01T00:00:00Z') }, () => false)
    if (month !== null) await compactMonth(work, month)
  } else if (choice === 7) {
    const refs = Array.from({ length: 3 }, () => 1 + random.int(SERIES))
    const [from, to] = [t - 1000, t + random.int(20) * HOUR_MS]
    deleteHours(folder, refs.map((ref) => [{ name: 'instance', op: '=', value: `host-${ref}:9100` }]), from, to)
    for (const key of model.keys()) {
      const [ref, end] = key.split('@').map(Number) as [number, number]
      if (refs.includes(ref) && end >= from && end - HOUR_MS < to) model.delete(key)
    }
  } else if (choice === 8) {
    const file = fileToClean(folder, new Set())
    if (file !== null) await cleanFile(work, file)
  } else if (choice === 9 && random.int(4) === 0) {
    const gone = readManifest(folder).files.filter(({ maxT }) => maxT <= t)
    dropHours(work, t)
    for (const { minT, maxT } of gone) for (const key of model.keys()) if (Number(key.split('@')[1]) >= minT && Number(key.split('@')[1]) <= maxT) model.delete(key)
  } else if (choice === 10) {
    for (const { name, bytes } of readManifest(folder).files) {
      if (random.int(2) === 0 || !fs.existsSync(path.join(folder, name))) continue
      await new FolderStore(bucket).put(name, fileContent(path.join(folder, name), bytes))
      fs.rmSync(path.join(folder, name))
    }
  } else {
    sweepHours({ ...work, nowMs: START + 3_600_000 })
    const { files } = readManifest(folder)
    const named = files.flatMap(({ name }) => [name, `${name}.index`])
    expect(fs.readdirSync(folder).filter((name) => name.startsWith('1h-') && !named.includes(name))).toEqual([])
  }
}
