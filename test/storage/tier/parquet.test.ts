// Files of the 1-hour tier: what is written is what is read, by us and by DuckDB.
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { labelsToMap, type Labels } from '../../../lib/model/labels.ts'
import { Random } from '../../../lib/std/random.ts'
import { HourIndex, HourIndexError, PLACE_WORDS } from '../../../storage/tier/hour-index.ts'
import { decodeBinaries, decodeFlags, decodeNumbers, PageError } from '../../../storage/tier/parquet-decode.ts'
import { PARQUET_COLUMNS } from '../../../storage/tier/parquet-schema.ts'
import { HourFileWriter, type SeriesRows } from '../../../storage/tier/parquet-writer.ts'
import { askDuckDb, hasDuckDb } from '../../support/duckdb.ts'
import { DOUBLES, randomRows } from '../../support/hour-rows.ts'
import { testSeed } from '../../support/seed.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const T0 = Date.parse('2026-10-01T00:00:00Z')

function write(series: readonly SeriesRows[]): string {
  const file = path.join(tempFolder(), '1h.parquet')
  const writer = new HourFileWriter(file)
  for (const one of series) writer.add(one)
  writer.finish([['origin', 'test']])
  return file
}

interface Row {
  labels: Labels
  /** By name as in the file; null for NULL. */
  values: Record<string, unknown>
}

function expectedRows(series: readonly SeriesRows[]): Row[] {
  return series.flatMap(({ labels, n, t, columns, sketches, sketchAt }) => Array.from({ length: n }, (_, i): Row => {
    const isLive = columns.count[i]! > 0
    const orNull = (value: number): number | null => (isLive ? value : null)
    const doubles = DOUBLES.map((name): [string, unknown] => [name, orNull((columns[name] as Float64Array)[i]!)])
    return {
      labels, values: {
        t: t[i], count: columns.count[i], stale_at_end: columns.staleAtEnd[i] === 1, first_t: orNull(columns.firstT[i]!), last_t: orNull(columns.lastT[i]!),
        ...Object.fromEntries(doubles), sketch: Buffer.from(sketches.subarray(sketchAt[i], sketchAt[i + 1])).toString('hex'),
      },
    }
  }))
}

/** All rows of a file, in its order, by the sidecar. */
function readAll(file: string): Row[] {
  const index = new HourIndex(`${file}.index`, false)
  const bytes = fs.readFileSync(file)
  const known = [...index.series()]
  const refs = Uint32Array.from(known, ({ ref }) => ref).sort()
  const labels = new Map(known.map(({ ref, labels: of }) => [ref, of]))
  const places = index.places(refs)
  const inOrder = Array.from({ length: places.length / PLACE_WORDS }, (_, i) => [...places.subarray(i * PLACE_WORDS, (i + 1) * PLACE_WORDS)] as [number, number, number, number, number])
    .filter(([, , , count]) => count > 0)
    .toSorted((a, b) => a[1] - b[1] || a[2] - b[2])
  const rows: Row[] = []
  const groups = new Map<number, Record<string, unknown>[]>()
  for (const [position, group, first, count] of inOrder) {
    if (!groups.has(group)) groups.set(group, readGroup(index, group, bytes))
    for (let i = first; i < first + count; i++) rows.push({ labels: labels.get(refs[position]!)!, values: groups.get(group)![i]! })
  }
  index.close()
  return rows
}

function readGroup(index: HourIndex, number: number, file: Buffer): Record<string, unknown>[] {
  const { rows, chunks } = index.group(number)
  const out = Array.from({ length: rows }, (): Record<string, unknown> => ({}))
  const counts = new Float64Array(rows)
  decodeNumbers(file.subarray(chunks[3]!.offset, chunks[3]!.offset + chunks[3]!.bytes), rows, PARQUET_COLUMNS[3]!, counts)
  PARQUET_COLUMNS.forEach(({ path: [name], kind, isOptional }, c) => {
    const { offset, bytes } = chunks[c]!
    const chunk = file.subarray(offset, offset + bytes)
    if (kind === 'flag') {
      const flags = new Uint8Array(rows)
      decodeFlags(chunk, rows, flags)
      flags.forEach((flag, i) => (out[i]![name!] = flag === 1))
    } else if (kind === 'sketch') {
      const at = new Uint32Array(rows + 1)
      const all = decodeBinaries(chunk, rows, at)
      out.forEach((row, i) => (row[name!] = Buffer.from(all.subarray(at[i], at[i + 1])).toString('hex')))
    } else if (kind !== 'key' && kind !== 'value') {
      const values = new Float64Array(rows)
      decodeNumbers(chunk, rows, { kind, isOptional }, values)
      const [some, span] = [new Float64Array(rows), { from: Math.floor(rows / 3), to: Math.ceil(rows / 2) }]
      decodeNumbers(chunk, rows, { kind, isOptional }, some, span)
      expect(some.slice(span.from, span.to)).toEqual(values.slice(span.from, span.to))
      values.forEach((value, i) => (out[i]![name!] = isOptional && counts[i] === 0 ? null : value))
    }
  })
  return out
}

const sets: [string, number, number][] = [['a few rows', 3, 2], ['a day', 400, 24], ['a month', 20, 744], ['one series', 1, 24]]

describe('a Parquet file of hours', () => {
  it.each(sets)('gives back every row: %s', (_, count, hours) => {
    const seed = testSeed()
    const series = randomRows(new Random(seed), count, T0, hours)
    expect(readAll(write(series)), `seed ${seed}`).toEqual(expectedRows(series))
  })

  it('finds series by their refs, and no others', () => {
    const series = randomRows(new Random(3), 300, T0, 24).filter(({ ref }) => ref % 3 !== 0)
    const index = new HourIndex(`${write(series)}.index`, false)
    const asked = Uint32Array.from([1, 2, 3, 30, 31, 299, 5000])
    const found = index.places(asked)
    const positions = Array.from({ length: found.length / PLACE_WORDS }, (_, i) => found[i * PLACE_WORDS]!)
    expect(positions.map((p) => asked[p])).toEqual([1, 2, 31, 299].filter((ref) => series.find((one) => one.ref === ref)!.n > 0))
    expect(index.places(new Uint32Array(0))).toHaveLength(0)
    index.close()
  })

  it('makes no file of no rows', () => {
    const file = path.join(tempFolder(), '1h.parquet')
    expect(new HourFileWriter(file).finish([])).toBeNull()
    expect(fs.readdirSync(path.dirname(file))).toEqual([])
  })

  it('refuses series out of order', () => {
    const [one, two] = randomRows(new Random(4), 2, T0, 24)
    const writer = new HourFileWriter(path.join(tempFolder(), 'f'))
    writer.add(two!)
    expect(() => writer.add(one!)).toThrow(/out of order/)
    expect(() => writer.add(two!)).toThrow(/out of order/)
    writer.abort()
  })

  it('notices every flipped bit of a sidecar', () => {
    const file = `${write(randomRows(new Random(5), 2, T0, 3))}.index`
    const good = fs.readFileSync(file)
    const fd = fs.openSync(file, 'r+')
    onTestFinished(() => fs.closeSync(fd))
    const missed: number[] = []
    for (let bit = 0; bit < good.length * 8; bit++) {
      fs.writeSync(fd, Buffer.of(good[bit >> 3]! ^ (1 << (bit & 7))), 0, 1, bit >> 3)
      try {
        const index = new HourIndex(file, false)
        index.places(Uint32Array.of(1))
        index.group(0)
        for (const _ of index.series()) { /* read */ }
        missed.push(bit)
      } catch (error) {
        expect(error).toBeInstanceOf(HourIndexError)
      }
      fs.writeSync(fd, good, bit >> 3, 1, bit >> 3)
    }
    expect(missed).toEqual([])
  })

  it('notices every flipped bit of a page', () => {
    const file = write(randomRows(new Random(5), 20, T0, 3))
    const index = new HourIndex(`${file}.index`, false)
    const { rows, chunks } = index.group(0)
    index.close()
    const chunk = fs.readFileSync(file).subarray(chunks[7]!.offset, chunks[7]!.offset + chunks[7]!.bytes)
    const good = new Float64Array(rows)
    decodeNumbers(chunk, rows, PARQUET_COLUMNS[7]!, good)
    const out = new Float64Array(rows)
    for (let bit = 0; bit < chunk.length * 8; bit++) {
      chunk[bit >> 3]! ^= 1 << (bit & 7)
      try {
        decodeNumbers(chunk, rows, PARQUET_COLUMNS[7]!, out)
        // A bit of a page's head may mean nothing to us.
        expect(out).toEqual(good)
      } catch (error) {
        expect(error).toBeInstanceOf(PageError)
      }
      chunk[bit >> 3]! ^= 1 << (bit & 7)
    }
  })
})

describe.skipIf(!hasDuckDb)(hasDuckDb ? 'DuckDB' : 'DuckDB (needs the package @duckdb/node-api)', () => {
  it.each(sets)('reads every row: %s', async (_, count, hours) => {
    const seed = testSeed()
    const series = randomRows(new Random(seed), count, T0, hours)
    const file = write(series)
    const columns = PARQUET_COLUMNS.slice(2).map(({ path: [name], kind }) => (kind === 'time' ? `epoch_ms(${name}) as ${name}` : kind === 'sketch' ? `lower(hex(${name}))` : `"${name}"`))
    const rows = await askDuckDb(`select map_keys(labels), map_values(labels), ${columns.join(', ')} from read_parquet('${file}')`)
    const got = rows.map(([keys, values, ...cells]): Row => {
      const texts = [keys, values].map((list) => (list as { items: string[] }).items)
      const named = PARQUET_COLUMNS.slice(2).map(({ path: [name] }, i): [string, unknown] => [name!, typeof cells[i] === 'bigint' ? Number(cells[i]) : cells[i]])
      return { labels: texts[0]!.flatMap((name, i) => [name, texts[1]![i]!]), values: Object.fromEntries(named) }
    })
    expect(got, `seed ${seed}`).toEqual(expectedRows(series))
  }, 120_000)

  it('answers by label and by time', async () => {
    const series = randomRows(new Random(6), 200, T0, 24)
    const file = write(series)
    const noon = T0 + 11 * 3_600_000
    const sql = `select labels['instance'], sum(count) from '${file}' where labels['__name__'] = 'up' and t > make_timestamp(${noon}::BIGINT * 1000) group by 1 having sum(count) > 0 order by 1`
    const want = series.filter(({ labels }) => labelsToMap(labels).get('__name__') === 'up')
      .map(({ labels, n, t, columns }) => [labelsToMap(labels).get('instance'), Array.from({ length: n }, (_, i) => (t[i]! > noon ? columns.count[i]! : 0)).reduce((a, b) => a + b, 0)])
      .filter(([, sum]) => sum !== 0).toSorted((a, b) => (a[0]! < b[0]! ? -1 : 1))
    expect((await askDuckDb(`set timezone = 'UTC'; ${sql}`)).map(([name, sum]) => [name, Number(sum)])).toEqual(want)
  })
})
