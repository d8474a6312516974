// Data folders that Prometheus wrote while it scraped itself and was killed, and what it answered to `{__name__=~".+"}[1h]` just
// before: 3.5.3 (blocks, tombstones, checkpoint, log), and 3.14 with st-storage, xor2-encoding and histograms-st-encoding, samples
// pushed out of order (in blocks, in wbl/) and deletions (in blocks, in the log). Every sample must come out as it was.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { compareText, labelsToMap, type Labels } from '../../../lib/model/labels.ts'
import { ByteWriter } from '../../../lang/reply/byte-writer.ts'
import { writeHistogram } from '../../../lang/reply/histogram-json.ts'
import { formatValue } from '../../../lang/reply/number-text.ts'
import { crc32c } from '../../../lib/std/crc32c.ts'
import type { FloatHistogram } from '../../../lib/model/histogram.ts'
import { PrometheusBlock } from '../../../storage/prometheus/block.ts'
import { ChunkFiles } from '../../../storage/prometheus/chunk-files.ts'
import { blocksOf, readLogs } from '../../../storage/prometheus/data-folder.ts'
import { isStaleMarker, makeSamples } from '../../../storage/import/series-samples.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const GOLDEN = path.join(import.meta.dirname, '../../golden/prometheus-data')
const ANSWERED_AT_MS = 1_795_869_986_000
const NEWER = path.join(import.meta.dirname, '../../golden/prometheus-3.14-data')
const NEWER_ANSWERED_AT_MS = 1_795_943_805_000

interface Answer {
  metric: Record<string, string>
  values?: [number, string][]
  histograms?: [number, unknown][]
}

type Found = Map<string, Map<number, unknown>>

const keyOf = (labels: ReadonlyMap<string, string>): string => JSON.stringify([...labels].toSorted(([a], [b]) => compareText(a, b)))
const keyOfLabels = (labels: Labels): string => keyOf(labelsToMap(labels))

function expected(folder: string): Found {
  const { data } = JSON.parse(gunzipSync(readFileSync(`${folder}.json.gz`)).toString()) as { data: { result: Answer[] } }
  return new Map(data.result.map(({ metric, values = [], histograms = [] }) =>
    [keyOf(new Map(Object.entries(metric))), new Map<number, unknown>([...values, ...histograms].map(([t, v]) => [Math.round(t * 1000), v]))]))
}

function shown(v: number, histogram: FloatHistogram | null): unknown {
  if (histogram === null) return formatValue(v)
  const out = new ByteWriter()
  writeHistogram(out, histogram)
  return JSON.parse(Buffer.from(out.finish()).toString())
}

/** All of a folder up to the answer, staleness markers left out and counted. */
async function readAll(folder: string, onDamage: (error: Error) => void, answeredAtMs = ANSWERED_AT_MS): Promise<{ found: Found; markers: number }> {
  const found: Found = new Map()
  const samples = makeSamples()
  let markers = 0
  const put = (key: string, t: number, v: number, histogram: FloatHistogram | null): void => {
    if (t > answeredAtMs) return
    if (isStaleMarker(v)) markers++
    else found.set(key, (found.get(key) ?? new Map<number, unknown>()).set(t, shown(v, histogram)))
  }
  for (const block of blocksOf(folder, onDamage)) {
    const reader = new PrometheusBlock(block.folder, onDamage)
    for (const ref of reader.refs()) {
      const labels = reader.read(ref, samples)
      for (let i = 0; i < samples.count; i++) put(keyOfLabels(labels), samples.t[i]!, samples.v[i]!, samples.histograms[i]!)
    }
  }
  const since = blocksOf(folder, onDamage).at(-1)!.maxt
  const keys = new Map<number, string>()
  const { deleted, unknownRecords } = await readLogs(folder, {
    series: (id, labels) => keys.set(id, keyOfLabels(labels)),
    sample: (id, t, v, histogram, isLate) => (t < since && !isLate ? undefined : put(keys.get(id)!, t, v, histogram)),
    endOfRecord: () => undefined,
    brokenRecord: () => {},
    onDamage,
  })
  expect(unknownRecords).toBe(0)
  for (const [id, stretches] of deleted) {
    const series = found.get(keys.get(id)!)
    for (const t of series?.keys() ?? []) if (stretches.some(([mint, maxt]) => t >= mint && t <= maxt)) series!.delete(t)
  }
  return { found, markers }
}

function copyOfGolden(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'monitor-prometheus-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(GOLDEN, folder, { recursive: true })
  return folder
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at]! ^= 1
  writeFileSync(file, bytes)
}

describe('a Prometheus data folder', () => {
  it.each([[GOLDEN, ANSWERED_AT_MS, 1000], [NEWER, NEWER_ANSWERED_AT_MS, 200]])('gives every sample that Prometheus answered with, and no other: %s', async (folder, answeredAtMs, histogramsMin) => {
    const damage: string[] = []
    const { found, markers } = await readAll(folder, (error) => damage.push(error.message), answeredAtMs)
    const want = expected(folder)
    expect(damage).toEqual([])
    expect(markers).toBeGreaterThan(0)
    expect([...found.keys()].filter((key) => found.get(key)!.size > 0).toSorted()).toEqual([...want.keys()].toSorted())
    for (const [key, samples] of want) expect([key, [...found.get(key)!].toSorted(([a], [b]) => a - b)]).toEqual([key, [...samples]])
    const kinds = [...want.values()].flatMap((samples) => [...samples.values()].map((v) => typeof v))
    expect(kinds.filter((kind) => kind === 'object').length).toBeGreaterThan(histogramsMin)
  })

  it('reads histograms whose buckets differ by tens of millions, wherever they lie in a large file', () => {
    // As Prometheus 3.5.3 wrote it: a difference below −2^24 takes 56 bits, more than a double holds of a number without a sign.
    const chunk = Buffer.from('AAMAAJ1ijlYyjOM38AANEUqGrHftkLsE0GEWRiE8gE7fwAAAADZC67/f////yb0UZ8HUxko/4O5P5lMxG4xPx1MG6pLQ+KsWG3W4xO2A', 'base64')
    const folder = tempFolder()
    const sealed = Buffer.from([2, ...chunk, 0, 0, 0, 0])
    sealed.writeUInt32BE(crc32c(sealed, 0, sealed.length - 4), sealed.length - 4)
    const offsets = [8, 65_500, 131_072]
    const file = Buffer.alloc(140_000)
    file.set([0x85, 0xbd, 0x40, 0xdd, 1])
    for (const at of offsets) file.set([chunk.length, ...sealed], at)
    writeFileSync(`${folder}/000001`, file)
    const files = new ChunkFiles(folder)
    const [samples = makeSamples(), ...same] = offsets.map((offsetBytes) => {
      const into = makeSamples()
      files.decode({ mint: 0, maxt: 0, file: 0, offsetBytes }, into)
      return into
    })
    for (const one of same) expect(one).toEqual(samples)
    expect([...samples.t.subarray(0, 3)]).toEqual([1_795_989_493_134, 1_795_989_508_134, 1_795_989_583_134])
    expect(samples.histograms.map((h) => [h!.count, ...h!.positive.count])).toEqual([
      [28_448_608, 0, 28_448_605, 0, 0, 0], [28_448_626, 0, 28_448_605, 8, 0, 9], [28_448_638, 6, 28_448_605, 8, 1, 9],
    ])
    expect([...samples.histograms[0]!.positive.index]).toEqual([0, 22, 25, 29, 33])
  })

  it('leaves out histograms whose buckets overlap', () => {
    // As Prometheus 3.5.3 made it of late ones: 20 is followed by 16, and 30 is there four times.
    const chunk = Buffer.from('AAQAAJ5KOplOV5RlKN5RjONIylip3leO7jjY3jeN6y3EZRjGco/wAA0RIZk7z/AAAAAS1ARf8AAAABLUBFoMYfA0PEsxCAAAAAH4EHq7+OUpw/jlKcOvTnhDBvc+dwAAAAA/fqBxv4AAGyo4eYv/gAAbKjh5i/Nz+ldjYLgnFwAAAAA+2Rj/gADoE1HLND+AABvmmTMcY/rmWJEV9Wyswu7/JrS7/1lLRK7EfwAAAAD1Kjj/f////wrVw/8AAAAA8LVH/3////8PSrr/AAAAANyKYf9/////I3Wch+VfVWfqoKqs94P4AAAABOVgW/gABenVwUAv+//6FiVZX3/4AAbYyq3iw/v/+Sc6YoOT+/////rvmbPxEPGE', 'base64')
    const folder = tempFolder()
    const file = Buffer.concat([Uint8Array.of(0x85, 0xbd, 0x40, 0xdd, 1, 0, 0, 0, 0x9a, 2, 2), chunk, Buffer.alloc(4)])
    file.writeUInt32BE(crc32c(file, 10, file.length - 4), file.length - 4)
    writeFileSync(`${folder}/000001`, file)
    const read = (): void => new ChunkFiles(folder).decode({ mint: 0, maxt: 0, file: 0, offsetBytes: 8 }, makeSamples())
    expect(read).toThrow(/000001 at byte 8: buckets of a histogram overlap: span \d+ begins 1 before the end of the one before$/)
  })

  it('loses one chunk to a flipped bit in a chunk file, and names the place', async () => {
    const folder = copyOfGolden()
    flip(`${folder}/01M8H2NJEZ6H09SWT2PC2C0HMB/chunks/000001`, 100)
    const damage: string[] = []
    const { found } = await readAll(folder, (error) => damage.push(error.message))
    expect(damage).toHaveLength(1)
    expect(damage[0]).toMatch(/chunks\/000001 at byte \d+: the checksum of a chunk does not hold$/)
    expect(found.size).toBeGreaterThan(100)
  })

  it('reads a log up to its first damaged record, and names the place', async () => {
    const folder = copyOfGolden()
    flip(`${folder}/wal/00000003`, 40_000)
    const damage: string[] = []
    await readAll(folder, (error) => damage.push(error.message))
    expect(damage).toEqual([expect.stringMatching(/wal\/00000003 at byte \d+: the checksum of a fragment does not hold$/)])
  })

  it('refuses a damaged index, a wrong version and a meta.json that says nothing', () => {
    const folder = copyOfGolden()
    const block = `${folder}/01M8H2NJEZ6H09SWT2PC2C0HMB`
    const read = (): unknown => new PrometheusBlock(block, () => {}).refs()
    flip(`${block}/index`, 200)
    expect(read).toThrow(/index, symbols at byte \d+: the checksum does not hold/)
    flip(`${block}/index`, 200)
    flip(`${block}/index`, 4)
    expect(read).toThrow(/index version 3; only 2/)
    flip(`${block}/index`, 0)
    expect(read).toThrow(/this is no Prometheus index/)
    writeFileSync(`${block}/meta.json`, '{"version":1}')
    const damage: string[] = []
    const blocks = (): string[] => blocksOf(folder, (error) => damage.push(error.message)).map(({ folder: name }) => name)
    expect(blocks()).toHaveLength(3)
    rmSync(`${block}/meta.json`)
    expect(blocks()).not.toContain(block)
    expect(damage).toEqual([expect.stringMatching(/meta\.json: it has no numbers minTime, maxTime and stats/), expect.stringMatching(/PC2C0HMB: it has no meta\.json/)])
  })
})
