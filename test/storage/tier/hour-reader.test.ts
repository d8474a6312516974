// Queries of the 1-hour tier's files against the rows that were written: from the folder, from another folder, from a bucket.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FakeClock, systemClock } from '../../../lib/std/clock.ts'
import { Random } from '../../../lib/std/random.ts'
import { FetchThread, type Fetched, type ObjectRange, type RangeFetcher } from '../../../storage/object-store/fetch-thread.ts'
import { fileContent } from '../../../storage/object-store/object-store.ts'
import { openStore, type StorePlace } from '../../../storage/object-store/open-store.ts'
import { S3Requests } from '../../../storage/object-store/s3-request.ts'
import type { BucketColumn, BucketSelection } from '../../../storage/tier/bucket.ts'
import { HourFiles } from '../../../storage/tier/hour-files.ts'
import { readManifest, writeManifest } from '../../../storage/tier/hour-manifest.ts'
import { hourQuantiles } from '../../../storage/tier/hour-quantiles.ts'
import { placesOf, selectHours } from '../../../storage/tier/hour-reader.ts'
import { PARQUET_COLUMNS } from '../../../storage/tier/parquet-schema.ts'
import { writeSketch } from '../../../storage/tier/sketch.ts'
import { collected, expected, expectRows, seriesOf, type Rows } from '../../support/hour-answers.ts'
import { DOUBLES, HOUR_MS, randomRows } from '../../support/hour-rows.ts'
import { spanOfDay, spanOfMonth, writeArchive, type HourArchive } from '../../support/hour-archive.ts'
import { testSeed } from '../../support/seed.ts'
import { hasSwift, startSwift, type SwiftServer } from '../../support/swift-server.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const SPANS = [spanOfMonth('2026-09'), spanOfMonth('2026-10'), spanOfDay('2026-11-01'), spanOfDay('2026-11-02'), spanOfDay('2026-11-04')]
const COLUMNS: readonly BucketColumn[] = ['count', 'staleAtEnd', 'firstT', 'lastT', ...DOUBLES]

function archiveOf(folder: string, random: Random, count: number): HourArchive {
  return writeArchive(folder, SPANS, ({ from, to }) => randomRows(random, count, from, (to - from) / HOUR_MS).filter(() => random.int(5) > 0))
}

function answersAsWritten(archive: HourArchive, files: HourFiles, random: Random, rounds: number): void {
  const [from, to] = [SPANS[0]!.from - 1, SPANS.at(-1)!.to]
  for (let round = 0; round < rounds; round++) {
    const refs = Uint32Array.from({ length: 400 }, (_, i) => i + 1).filter(() => random.int(4) === 0)
    const mint = from + Math.floor(random.float() * (to - from))
    const maxt = random.int(3) === 0 ? to : mint + Math.floor(random.float() * 40 * 24 * HOUR_MS)
    const wanted = COLUMNS.filter(() => random.int(3) === 0)
    files.begin()
    expectRows(collected(selectHours(files, seriesOf(refs), { mint, maxt }, wanted), wanted), expected(archive, refs, mint, maxt, wanted))
    expect([...files.leftOut]).toEqual([])
  }
}

const all = Uint32Array.from({ length: 60 }, (_, i) => i + 1)
const [FIRST, LAST] = [SPANS[0]!.from - 1, SPANS.at(-1)!.to]

describe('the folder of the archive', () => {
  it('gives the rows of any series in any range', () => {
    const seed = testSeed()
    const random = new Random(seed)
    const archive = archiveOf(tempFolder(), random, 60)
    answersAsWritten(archive, new HourFiles(archive.folder, null, systemClock), random, 20)
  }, 120_000)

  it('has nothing before it has files', () => {
    const files = new HourFiles(tempFolder(), null, systemClock)
    files.begin()
    expect(selectHours(files, seriesOf(all), { mint: FIRST, maxt: LAST }, []).next()).toBeNull()
    expect([...files.leftOut]).toEqual([])
  })

  it('reads files of another folder', () => {
    const archive = archiveOf(tempFolder(), new Random(1), 60)
    const elsewhere = tempFolder()
    for (const { name } of archive.files) fs.renameSync(path.join(archive.folder, name), path.join(elsewhere, name))
    answersAsWritten(archive, new HourFiles(archive.folder, { folder: elsewhere }, systemClock), new Random(2), 3)
  })

  it('answers what it can read, and says that this is not all', () => {
    const archive = archiveOf(tempFolder(), new Random(3), 60)
    const files = new HourFiles(archive.folder, null, systemClock)
    fs.rmSync(path.join(archive.folder, archive.files[2]!.name))
    const damaged = path.join(archive.folder, archive.files[3]!.name)
    const bytes = fs.readFileSync(damaged)
    bytes.fill(0, 1000, bytes.length - 1000)
    fs.writeFileSync(damaged, bytes)
    fs.truncateSync(path.join(archive.folder, `${archive.files[4]!.name}.index`), 100)
    files.begin()
    const got = collected(selectHours(files, seriesOf(all), { mint: FIRST, maxt: LAST }, COLUMNS), COLUMNS)
    const rest = { ...archive, rows: archive.rows.filter((_, i) => i < 2) }
    expect(got).toEqual(expected(rest, all, FIRST, LAST, COLUMNS))
    const said = [...files.leftOut].join('\n')
    for (const { name } of archive.files.slice(2)) expect(said).toContain(`are missing, all or some: ${name} was left out: `)
    files.begin()
    expect([...files.leftOut]).toEqual([])
  })

  it('leaves out what was deleted of a file that was not written anew since', () => {
    const archive = archiveOf(tempFolder(), new Random(7), 60)
    const from = SPANS[1]!.from + 5 * HOUR_MS + 10
    const deletion = { sets: [3, 4, 50].map((ref) => [{ name: 'instance', op: '=' as const, value: `host-${ref}:9100` }]), from, to: from + 30 * 24 * HOUR_MS }
    // The second file is older than the deletion, the third is not.
    writeManifest(archive.folder, { ...readManifest(archive.folder), deletions: [{ ...deletion, below: 3 }] })
    const isGone = (key: string): boolean => {
      const [ref, t] = key.split('@').map(Number) as [number, number]
      return [3, 4, 50].includes(ref) && t >= SPANS[1]!.from && t < SPANS[1]!.to && t >= from && t - HOUR_MS < deletion.to
    }
    const files = new HourFiles(archive.folder, null, systemClock)
    files.begin()
    const all60 = expected(archive, all, FIRST, LAST, ['sum'])
    const rest = new Map([...all60].filter(([key]) => !isGone(key)))
    expect(rest.size).toBeLessThan(all60.size)
    expect(collected(selectHours(files, seriesOf(all), { mint: FIRST, maxt: LAST }, ['sum']), ['sum'])).toEqual(rest)
  })

  it('takes quantiles from the sketches', () => {
    const random = new Random(4)
    const lists = new Map<number, number[]>()
    const archive = writeArchive(tempFolder(), SPANS, ({ from, to }) => {
      const rows = randomRows(random, 40, from, (to - from) / HOUR_MS)
      return rows.map((series) => {
        const sketches = new Uint8Array(series.n * 200)
        const sketchAt = new Uint32Array(series.n + 1)
        const list = lists.get(series.ref) ?? []
        lists.set(series.ref, list)
        for (let i = 0, at = 0; i < series.n; i++) {
          const values = series.columns.count[i] === 0 ? [] : Array.from({ length: 10 }, () => random.float() * 1000).toSorted((a, b) => a - b)
          if (values.length > 0) at = writeSketch(Float64Array.from(values), values.length, sketches, at)
          sketchAt[i + 1] = at
          list.push(...values)
        }
        return { ...series, sketches, sketchAt }
      })
    })
    const files = new HourFiles(archive.folder, null, systemClock)
    files.begin()
    const whole = { qs: Float64Array.of(0.9), from: Float64Array.of(FIRST), to: Float64Array.of(LAST) }
    const got = new Map(hourQuantiles(files, seriesOf(all), whole).map(({ index, values, found }) => [index, { value: values[0]!, found: found[0]! }]))
    for (let i = 0; i < 60; i++) {
      const values = (lists.get(i + 1) ?? []).toSorted((a, b) => a - b)
      expect(got.get(i)?.found ?? 0).toBe(values.length === 0 ? 0 : 1)
      if (values.length > 0) expect(Math.abs(got.get(i)!.value / values[Math.floor(0.9 * (values.length - 1))]! - 1)).toBeLessThan(0.02)
    }
  })
})

/** Of several batches; its files lie in `away`. Nobody changes it. */
let large: { archive: HourArchive; away: string }

beforeAll(() => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-test-'))
  const away = path.join(folder, 'away')
  fs.mkdirSync(away)
  const archive = archiveOf(folder, new Random(8), 260)
  for (const { name } of archive.files) fs.renameSync(path.join(folder, name), path.join(away, name))
  large = { archive, away }
})
afterAll(() => fs.rmSync(large.archive.folder, { recursive: true, force: true }))

describe('a fetching thread', () => {
  it('brings the next round while one is read; selections side by side and queries that begin meanwhile get their own', () => {
    const { archive, away } = large
    const thread = new FetchThread(new URL('../../../cmd/fetch-worker.ts', import.meta.url), { folder: away })
    const files = new HourFiles(archive.folder, thread, systemClock)
    files.begin()
    const everyone = Uint32Array.from({ length: 260 }, (_, i) => i + 1)
    const select = (name: BucketColumn): BucketSelection => selectHours(files, seriesOf(everyone), { mint: FIRST, maxt: LAST }, [name], 1)
    const [sums, maxima] = [select('sum'), select('max')]
    const got: Rows[] = [new Map(), new Map()]
    const take = (selection: BucketSelection, into: Rows, name: BucketColumn): boolean => {
      let isFirst = true
      const one = collected({ refs: selection.refs, next: () => (isFirst ? ((isFirst = false), selection.next()) : null) }, [name])
      for (const [key, row] of one) into.set(key, row)
      return one.size > 0
    }
    let batches = 0
    for (let goesOn = true; goesOn; batches++) {
      goesOn = take(sums, got[0]!, 'sum')
      if (batches === 1) files.begin()
      goesOn = take(maxima, got[1]!, 'max') || goesOn
    }
    expect(batches).toBeGreaterThan(2)
    expectRows(got[0]!, expected(archive, everyone, FIRST, LAST, ['sum']))
    expectRows(got[1]!, expected(archive, everyone, FIRST, LAST, ['max']))
    expect([...files.leftOut]).toEqual([])
    files.close()
  })
})

/** Reads a folder as if it were a bucket; `asked`: the bytes of each object that were asked for, so often. */
class CountingFetcher implements RangeFetcher {
  readonly asked = new Map<string, Uint8Array>()
  readonly #folder: string
  readonly #begun: Uint8Array[][] = []
  requests = 0
  isAwake = false

  constructor(folder: string) {
    this.#folder = folder
  }

  wake(): void {
    this.isAwake = true
  }

  begin(ranges: readonly ObjectRange[]): number {
    this.requests += ranges.length
    const fetched = ranges.map(({ key, offset, bytes }) => {
      const all = fs.readFileSync(path.join(this.#folder, key))
      const times = this.asked.get(key) ?? new Uint8Array(all.length)
      this.asked.set(key, times)
      for (let at = offset; at < offset + bytes; at++) times[at]!++
      return new Uint8Array(all.subarray(offset, offset + bytes))
    })
    return this.#begun.push(fetched)
  }

  take(id: number): Fetched[] {
    return this.#begun[id - 1]!
  }

  forget(): void {}

  close(): void {}
}

describe('chunks of a bucket', () => {
  it('come in few requests, in one round where that holds them', () => {
    const { archive, away } = large
    const everyone = Uint32Array.from({ length: 260 }, (_, i) => i + 1)
    const wanted: readonly BucketColumn[] = ['staleAtEnd', 'lastT', 'sum', 'p99']
    const want = expected(archive, everyone, FIRST, LAST, wanted)
    const ask = (): { requests: number; twice: number } => {
      const fetcher = new CountingFetcher(away)
      const files = new HourFiles(archive.folder, fetcher, systemClock)
      files.begin()
      expect(fetcher.isAwake).toBe(true)
      expectRows(collected(selectHours(files, seriesOf(everyone), { mint: FIRST, maxt: LAST }, wanted), wanted), want)
      let [once, twice] = [0, 0]
      for (const times of fetcher.asked.values()) for (const time of times) if (time > 1) twice++; else if (time === 1) once++
      return { requests: fetcher.requests, twice: twice / (once + twice) }
    }
    // All of it fits one round: a request for a day; for a month three, as sums and p99 lie apart from what all queries read.
    expect(ask()).toEqual({ requests: 2 * 3 + 3, twice: 0 })
  }, 120_000)

  it('are not asked for again while they are on their way; the same column of row groups that follow each other is one range', () => {
    const { archive, away } = large
    const ranges: ObjectRange[] = []
    const fetcher = new CountingFetcher(away)
    const begin = fetcher.begin.bind(fetcher)
    fetcher.begin = (some) => (ranges.push(...some), begin(some))
    const files = new HourFiles(archive.folder, fetcher, systemClock)
    files.begin()
    const file = files.reaching(FIRST, LAST)[0]!
    const sums = PARQUET_COLUMNS.findIndex(({ bucketColumn }) => bucketColumn === 'sum')
    const places = placesOf(files, [0, 1, 2, 3].map((group) => ({ file, group, rows: 0, pieces: [] })), [sums]).flat()
    const [first, second] = [files.start(places.slice(0, 3)), files.start(places.slice(1))]
    const bytes = (some: typeof places): number => some.reduce((sum, place) => sum + place.bytes, 0)
    expect(ranges).toEqual([
      { key: file.name, offset: places[0]!.offset, bytes: bytes(places.slice(0, 3)) },
      { key: file.name, offset: places[3]!.offset, bytes: bytes(places.slice(3)) },
    ])
    const all = fs.readFileSync(path.join(away, file.name))
    const wanted = places.map((place) => Buffer.from(all.subarray(place.offset, place.offset + place.bytes)))
    expect(files.finish(first).map((chunk) => Buffer.from(chunk!))).toEqual(wanted.slice(0, 3))
    expect(files.finish(second).map((chunk) => Buffer.from(chunk!))).toEqual(wanted.slice(1))
    expect(fetcher.requests).toBe(2)
  })
})

describe('chunks that came damaged', () => {
  it('are left out, and fetched anew for the next query', () => {
    const { archive, away } = large
    const fetcher = new CountingFetcher(away)
    const take = fetcher.take.bind(fetcher)
    let isDamaging = true
    fetcher.take = (id) => take(id).map((bytes) => (isDamaging ? (bytes as Uint8Array).map((byte, i) => (i % 50 === 40 ? byte ^ 16 : byte)) : bytes))
    const files = new HourFiles(archive.folder, fetcher, systemClock)
    const some = Uint32Array.of(1, 2, 3)
    const ask = (): Rows => {
      files.begin()
      return collected(selectHours(files, seriesOf(some), { mint: FIRST, maxt: LAST }, ['sum']), ['sum'])
    }
    expect(ask()).toEqual(new Map())
    expect([...files.leftOut].join()).toMatch(/was left out: the checksum of a page does not hold/)
    isDamaging = false
    expectRows(ask(), expected(archive, some, FIRST, LAST, ['sum']))
    expect([...files.leftOut]).toEqual([])
  })
})

describe('a bucket that does not answer', () => {
  it('is asked once, then left alone for a while', async () => {
    const archive = archiveOf(tempFolder(), new Random(5), 20)
    for (const { name } of archive.files.slice(0, 2)) fs.rmSync(path.join(archive.folder, name))
    let asked = 0
    const counts = [0]
    let waitedMs = 0
    const broken: RangeFetcher = {
      begin: (ranges) => (asked++, counts.push(ranges.length) - 1),
      take: (id) => {
        void clock.advance(waitedMs)
        return Array.from({ length: counts[id]! }, () => 'cannot GET: connection refused')
      },
      wake: () => undefined, forget: () => undefined, close: () => undefined,
    }
    const clock = new FakeClock()
    const files = new HourFiles(archive.folder, broken, clock)
    const local = { ...archive, rows: archive.rows.slice(2) }
    const ask = (): void => {
      files.begin()
      expect(collected(selectHours(files, seriesOf(all), { mint: FIRST, maxt: LAST }, ['sum']), ['sum'])).toEqual(expected(local, all, FIRST, LAST, ['sum']))
      expect([...files.leftOut]).toEqual(['09-000001', '10-000002'].map((name) => expect.stringContaining(`are missing, all or some: 1h-2026-${name}.parquet was left out: `)))
    }
    ask()
    const before = asked
    ask()
    expect(asked).toBe(before)
    await clock.advance(10_001)
    waitedMs = 16_000
    ask()
    expect(asked).toBeGreaterThan(before)
    // One that holds queries up is left alone for longer.
    const held = asked
    await clock.advance(47_000)
    ask()
    expect(asked).toBe(held)
    await clock.advance(2000)
    ask()
    expect(asked).toBeGreaterThan(held)
  })
})

describe.skipIf(!hasSwift)(hasSwift ? 'a bucket' : 'a bucket (needs the package python3-swift)', () => {
  let folder: string
  let server: SwiftServer
  let place: StorePlace

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-swift-'))
    server = await startSwift(folder)
    place = { s3: { endpoint: server.endpoint, bucket: 'archive', region: 'us-east-1', prefix: 'p', isPathStyle: true, tls: null, accessKey: server.accessKey, secretKey: server.secretKey, secretKeyFile: '' } }
    const requests = new S3Requests({ ...place.s3, credentials: () => ({ accessKey: server.accessKey, secretKey: server.secretKey, sessionToken: '' }), attempts: 1, firstWaitMs: 1, connections: 1 }, systemClock, new Random(1))
    await requests.send({ method: 'PUT', key: '' })
    await requests.close()
  }, 120_000)
  afterAll(async () => {
    await server.stop()
    fs.rmSync(folder, { recursive: true, force: true })
  })

  it('gives the rows of any series in any range, and says so once it is gone', async () => {
    const random = new Random(6)
    const archive = archiveOf(tempFolder(), random, 60)
    const store = openStore(place, { attempts: 2, firstWaitMs: 10, connections: 4 }, systemClock, random)
    for (const { name, bytes } of archive.files) {
      const local = path.join(archive.folder, name)
      await store.put(name, fileContent(local, bytes))
      fs.rmSync(local)
    }
    await store.close()
    const files = new HourFiles(archive.folder, new FetchThread(new URL('../../../cmd/fetch-worker.ts', import.meta.url), place), systemClock)
    answersAsWritten(archive, files, random, 6)
    await server.stop()
    files.begin()
    const other = new HourFiles(archive.folder, new FetchThread(new URL('../../../cmd/fetch-worker.ts', import.meta.url), place), systemClock)
    other.begin()
    expect(collected(selectHours(other, seriesOf(all), { mint: FIRST, maxt: LAST }, []), [])).toEqual(new Map())
    expect([...other.leftOut].join('\n')).toMatch(/from 2026-08-31T\d\d:00.* are missing, all or some: 1h-2026-09.*connection refused/)
    files.close()
    other.close()
  }, 120_000)
})
