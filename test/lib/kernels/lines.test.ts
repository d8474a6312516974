// Lines of scraped bodies by the kernel, against the twin: stories of bodies that change as targets' do; and numbers, against Number.
import { describe, expect, it } from 'vitest'
import type { TextFormat } from '../../../lib/format/exposition-entry.ts'
import { BodyReader } from '../../../lib/scrape/body-reader.ts'
import { BodyTaker } from '../../../lib/scrape/body-taker.ts'
import { ScrapeCache } from '../../../lib/scrape/cache.ts'
import { LINE_DROPPED, LINE_SAMPLE, LineTable, lineInfo } from '../../../lib/scrape/line-table.ts'
import { ScrapeBatch } from '../../../lib/scrape/scrape-batch.ts'
import { SeriesOwners } from '../../../lib/scrape/series-owners.ts'
import { linesKernel, type LinesKernel } from '../../../lib/kernels/lines.ts'
import type { KernelMode } from '../../../lib/kernels/module.ts'
import { Random } from '../../../lib/std/random.ts'
import { withKernels } from '../../support/kernels.ts'
import { CLASSIC_ONLY, relabelConfig, scrapeConfig } from '../../support/scrape-fixture.ts'
import { testSeed } from '../../support/seed.ts'

/** A last body of lines `m 1`, all known: what comes next is read by the kernel. */
function known(count: number): { body: Buffer; lines: LineTable } {
  const lines = new LineTable()
  for (let i = 0; i < count; i++) lines.push(4 * (i + 1), lineInfo(i % 5 === 4 ? LINE_DROPPED : LINE_SAMPLE, 0, i % 3 === 0, 2), i + 10, 1)
  return { body: Buffer.from('m 1\n'.repeat(count)), lines }
}

function matched(kernel: LinesKernel, body: string, last: ReturnType<typeof known>): number {
  if (!kernel.take(Buffer.from(body), last.body, last.lines)) throw new Error('the kernel does not take the body')
  kernel.at.fill(0)
  return kernel.match()
}

function bits(value: number): string {
  return new BigUint64Array(Float64Array.of(value).buffer)[0]!.toString(16)
}

/** What the kernel reads of each text; `null` where it leaves it to the twin. */
function numbers(texts: readonly string[]): (number | null)[] {
  const last = known(8)
  return withKernels('wasm', () => texts.map((text) => {
    const kernel = linesKernel()!
    return matched(kernel, `m ${text}\n${'m 1\n'.repeat(7)}`, last) === 0 ? null : kernel.values[0]!
  }))
}

interface Line {
  name: string
  value: string
  suffix: string
}

const random = new Random(testSeed())
const pick = <T>(list: readonly T[]): T => list[random.int(list.length)]!

/** One of `kinds` sorts: of 10, the last is none that a body may hold. */
function someValue(kinds = 9): string {
  switch (random.int(kinds)) {
    case 0: return pick(['NaN', '+Inf', '-Inf', '0', '-0', '12345678901234567890123', '+5', '1e-70', '5.', '.5'])
    case 9: return pick(['x', '0x10', '', '1e400', '1 2 3'])
    case 1: return String(random.float())
    case 2: return String(random.float() * 10 ** (random.int(60) - 30))
    case 3: return `${random.int(1e9)}.${String(random.int(100)).padStart(2, '0')}`
    case 4: return (random.int(1e9) * 4096).toExponential().replace('e+', 'e+0')
    default: return String(random.int(1e6))
  }
}

function someLine(isOpenMetrics: boolean): Line {
  const k = random.int(40)
  if (random.int(8) === 0) return { name: pick([`# HELP a${k} words`, '# TYPE a_seconds counter\n# UNIT a_seconds seconds', `# TYPE a${k} counter`, `# TYPE a${k} histogram`, `# TYPE a${k} gauge`, `# TYPE a_seconds gauge`, '# UNIT a_seconds seconds', '# HELP b é']), value: '', suffix: '' }
  const name = pick([`a${k}`, `dropped_${k}`, `a_bucket{le="${k}"}`, `a${k}{zone="${'z'.repeat(random.int(70))}"}`, 'a_seconds', `a${k}_total`, `a${k}{x="ü"}`])
  const suffix = random.int(8) === 0 ? pick([` ${random.int(1e6)}`, isOpenMetrics ? ' # {trace_id="x"} 1' : '\t', ' ']) : ''
  return { name: `${name} `, value: someValue(), suffix }
}

/** Bodies of one target, as they follow on another. */
function story(isOpenMetrics: boolean): string[] {
  const lines = Array.from({ length: 12 + random.int(60) }, () => someLine(isOpenMetrics))
  return Array.from({ length: 12 }, () => {
    const kinds = random.int(12) === 0 ? 10 : 9
    if (random.int(3) > 0) for (const line of lines) if (line.value !== '' && random.int(3) === 0) line.value = someValue(kinds)
    if (random.int(4) === 0) lines.splice(random.int(lines.length), random.int(2), someLine(isOpenMetrics))
    for (const line of lines) if (line.name.startsWith('# TYPE') && random.int(8) === 0) line.name = line.name.replace(/\S+$/m, pick(['counter', 'gauge', 'histogram']))
    if (random.int(6) === 0) lines.splice(random.int(lines.length), 1 + random.int(3))
    if (random.int(8) === 0) lines.reverse()
    const text = lines.map(({ name, value, suffix }) => `${name}${value}${suffix}\n`).join('')
    return isOpenMetrics ? `${text}# EOF\n` : text
  })
}

/** All that reading the bodies gives: samples by the bit, what is cached of their lines, counts; or why one was refused. */
function told(mode: KernelMode, bodies: readonly string[], format: TextFormat, isExact: boolean): unknown[] {
  let refs = 0
  const byLabels = new Map<string, number>()
  const series = (labels: readonly string[]): number => {
    const name = labels.join(';')
    if (!byLabels.has(name)) byLabels.set(name, ++refs)
    return byLabels.get(name)!
  }
  const taker = new BodyTaker({ series, append: () => 0, commit: () => Promise.resolve(), exemplars: null }, new SeriesOwners(), 7)
  const reader = new BodyReader(taker, { readsStartTimes: false, labelsFamilies: isExact })
  const cache = new ScrapeCache(1)
  const batch = new ScrapeBatch()
  const config = scrapeConfig({ metricRelabelConfigs: [relabelConfig({ sourceLabels: ['__name__'], regex: 'dropped_.*', action: 'drop' })] })
  const rules = { targetLabels: ['job', 'test'], config, histograms: CLASSIC_ONLY }
  return withKernels(mode, () => bodies.map((text, i) => {
    const body = Buffer.from(text)
    batch.reset(i * 1000)
    try {
      reader.read(cache, body, format, rules, batch)
    } catch (error) {
      return error instanceof Error ? error.message : error
    }
    taker.keep(cache, body, format)
    const { lines } = cache
    const upTo = <T>(list: ArrayLike<T> | null, count = batch.count): T[] | null => (list === null ? null : Array.from(list).slice(0, count))
    return {
      refs: upTo(batch.refs), values: upTo(batch.values)!.map(bits), times: upTo(batch.times), stale: upTo(batch.stale), counts: { ...taker.counts },
      ends: upTo(lines.ends, lines.count), infos: upTo(lines.infos, lines.count), lineRefs: upTo(lines.refs, lines.count), kept: upTo(lines.values, lines.count)!.map(bits),
      tracked: cache.trackedCount,
    }
  }))
}

describe('lines of a scraped body by the kernel', () => {
  it('are what the twin makes of them, in stories of targets that change', () => {
    for (let i = 0; i < 150; i++) {
      const format = pick(['text', 'openmetrics'] as const)
      const bodies = story(format === 'openmetrics')
      const isExact = random.int(2) === 0
      expect(told('wasm', bodies, format, isExact), JSON.stringify(bodies)).toEqual(told('ts', bodies, format, isExact))
    }
  })

  it('are taken up to the first that is another, counted by kind', () => {
    withKernels('wasm', () => {
      const kernel = linesKernel()!
      const last = known(1000)
      const same = 'm 1\n'
      expect(matched(kernel, same.repeat(1000), last)).toBe(1000)
      expect([...kernel.at], 'place, line, family, samples, tracked, dropped').toEqual([4000, 0, 0, 800, 267, 200])
      for (const at of [0, 1, 7, 250, 256, 500, 999]) {
        for (const other of ['n 1\n', 'm\n', 'm x\n', 'm 1 5\n', 'm 1\t\n']) {
          expect(matched(kernel, same.repeat(at) + other + same.repeat(999 - at), last), other).toBe(at)
          expect(kernel.at[0]).toBe(at * 4)
        }
        expect(matched(kernel, `${same.repeat(at)}m 234.5\n${same.repeat(999 - at)}`, last)).toBe(1000)
        expect([kernel.at[0], kernel.values[at], kernel.ends[at]]).toEqual([4004, 234.5, at * 4 + 8])
      }
      expect(matched(kernel, same.repeat(600), last), 'a body that ends early').toBe(600)
      expect(matched(kernel, same.repeat(1400), last), 'one that goes on').toBe(1000)
      const quoted = { body: Buffer.from('m{x="\n"} 1\n'.repeat(8)), lines: new LineTable() }
      for (let i = 1; i <= 8; i++) quoted.lines.push(11 * i, lineInfo(LINE_SAMPLE, 0, false, 9), i, 1)
      expect(matched(kernel, `${quoted.body.toString()}${'z'.repeat(20)}\n`, quoted)).toBe(8)
      expect(matched(kernel, quoted.body.toString().slice(0, -5), quoted), 'one that ends in a quote, before what the kernel had there').toBe(7)
    })
  })

  it('are left to the twin where there are few, or more than the kernel has room for', () => {
    withKernels('wasm', () => {
      const kernel = linesKernel()!
      const f = (count: number, bytes: number): boolean => kernel.take(Buffer.alloc(bytes, 10), known(count).body, known(count).lines)
      expect([f(7, 100), f(8, 100), f(0x8000, 100), f(0x8001, 100), f(8, 1 << 21), f(8, (1 << 21) + 1)]).toEqual([false, true, true, false, true, false])
    })
  })

  it('have the numbers that Number reads, to the bit', () => {
    const texts = ['0', '-0', '+1', '9007199254740992', '9007199254740993', '9007199254740991.5', '9007199254740993e-1', '1e22', '1e23', '8.5e22', '0.1e-30', '12345678', '123456789', '.5', '-.5', '5.', '0.000001', '9999999999999999999', '1e64', '123456789012e-64', '4503599627370496.5', '4503599627370497.5', '5e-64']
    for (let i = 0; i < 20_000; i++) {
      texts.push(String(random.float() * 10 ** (random.int(40) - 20)), `${random.int(1e9)}${random.int(1e9)}.${random.int(10)}`, `-${random.int(1e9)}.${String(random.int(1e9)).padStart(9, '0')}e${random.int(100) - 50}`)
      // Half way between two doubles, and beside it.
      const even = 2 ** 53 + 2 * random.int(2 ** 31)
      texts.push(`${BigInt(even) + 1n}`, `${BigInt(even) + 1n}.1`, `${BigInt(even) * 2n + BigInt(random.int(8))}`)
    }
    const read = numbers(texts)
    const wrong = texts.filter((text, i) => read[i] === null || bits(read[i]!) !== bits(Number(text)))
    expect(wrong).toEqual([])
  })

  it('have no numbers of other spellings, or of more digits or powers than the kernel reads', () => {
    for (const text of ['', '.', '-', '+', 'e5', '1e', '1e+', '0x10', '1_0', 'NaN', '+Inf', '1f', '1 ', '1..2', '--1', '1e12345', '12345678901234567890', '1e65', '1.5e-64', '0.000012345678901234567890', '1e4294967297']) expect(numbers([text]), text).toEqual([null])
  })
})
