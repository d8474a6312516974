// Scrapes of the protobuf format: ns a sample from the body's bytes to the batch, of known series; and of text that says the
// same. node test/bench/parse-proto.bench.ts
import { ENTRY_END, ENTRY_HISTOGRAM, ENTRY_SAMPLE, type ExpositionFormat } from '../../lib/format/exposition-entry.ts'
import { ProtoParser } from '../../lib/format/proto-parser.ts'
import { BodyReader } from '../../lib/scrape/body-reader.ts'
import { BodyTaker } from '../../lib/scrape/body-taker.ts'
import { ScrapeCache } from '../../lib/scrape/cache.ts'
import { EntryReader } from '../../lib/scrape/entry-reader.ts'
import { ScrapeBatch } from '../../lib/scrape/scrape-batch.ts'
import { SeriesOwners } from '../../lib/scrape/series-owners.ts'
import { familiesBody, type WrittenFamily } from '../support/metric-family-writer.ts'
import { textOf } from '../support/random-families.ts'
import { CLASSIC_ONLY, scrapeConfig } from '../support/scrape-fixture.ts'

const ROUNDS = 200
const BODIES = 8
let lastRef = 0
const appender = { series: () => ++lastRef, append: () => 0, commit: () => Promise.resolve(), exemplars: null }
const taker = new BodyTaker(appender, new SeriesOwners(), 7)
const bodies = new BodyReader(taker, { readsStartTimes: false, labelsFamilies: false })
const entries = new EntryReader(taker, { readsStartTimes: false, labelsFamilies: false })
const batch = new ScrapeBatch()
const rules = { targetLabels: ['instance', 'here:9100', 'job', 'app'], config: scrapeConfig(), histograms: { ...CLASSIC_ONLY, readsNative: true } }

/** 1,000 counters, of 100 families. */
const counters = (round: number): WrittenFamily[] => Array.from({ length: 100 }, (_, i) => ({
  name: `node_metric_${i}_total`, type: 'counter', help: 'What it counts.', metrics: Array.from({ length: 10 }, (__, k) => ({
    labels: [['device', `nvme${k}n1p1`], ['fstype', 'ext4'], ['mountpoint', `/data/${k}`]], value: i * k + round * 37,
  })),
}))
/** 100 classic histograms of 12 buckets: 1,500 series. */
const classic = (round: number): WrittenFamily[] => Array.from({ length: 10 }, (_, i) => ({
  name: `rpc_${i}_seconds`, type: 'histogram', help: 'How long.', metrics: Array.from({ length: 10 }, (__, k) => ({
    labels: [['handler', `/api/${k}`], ['method', 'GET']],
    histogram: { count: 1200 + 12 * round, sum: 7.5 + round, buckets: Array.from({ length: 12 }, (___, b) => ({ bound: 0.005 * 2 ** b, count: (100 + round) * b })) },
  })),
}))
/** The same as native histograms of 20 buckets. */
const native = (round: number): WrittenFamily[] => classic(round).map((family) => ({
  ...family, metrics: family.metrics.map(({ labels = [] }) => ({
    labels, histogram: {
      count: 20 * (round + 1), sum: 7.5, schema: 3, zeroThreshold: 2 ** -128, positive: { spans: [{ offset: -30, length: 20 }], deltas: Array.from({ length: 20 }, (_, i) => (i === 0 ? round + 1 : 0)) },
    },
  })),
}))

/** ns a sample. */
function measure(made: readonly Uint8Array[], format: ExpositionFormat): string {
  const cache = new ScrapeCache(1)
  let samples = 0
  const run = (): number => {
    const before = process.cpuUsage()
    samples = 0
    for (let i = 0; i < ROUNDS; i++) {
      const body = made[i % BODIES]!
      batch.reset(i)
      if (format === 'protobuf') {
        entries.read(cache, body, format, rules, batch)
        entries.keep(cache, format)
      } else {
        bodies.read(cache, body, format, rules, batch)
        taker.keep(cache, body, format)
      }
      samples += taker.counts.scraped
    }
    const { user, system } = process.cpuUsage(before)
    return ((user + system) * 1000) / samples
  }
  run()
  const [, median] = [run(), run(), run()].toSorted((a, b) => a - b)
  return median!.toFixed(0).padStart(6)
}

function parserAlone(made: readonly Uint8Array[]): string {
  const parser = new ProtoParser()
  const run = (): number => {
    const before = process.cpuUsage()
    let samples = 0
    for (let i = 0; i < ROUNDS; i++) {
      parser.reset(made[i % BODIES]!, rules.histograms)
      for (let entry = parser.next(); entry !== ENTRY_END; entry = parser.next()) if (entry === ENTRY_SAMPLE || entry === ENTRY_HISTOGRAM) samples++
    }
    const { user, system } = process.cpuUsage(before)
    return ((user + system) * 1000) / samples
  }
  run()
  return [run(), run(), run()].toSorted((a, b) => a - b)[1]!.toFixed(0).padStart(6)
}

console.log('ns CPU a sample     parser  protobuf    text  bytes')
for (const [name, families] of [['1000 counters', counters], ['100 classic', classic], ['100 native', native]] as const) {
  const made = Array.from({ length: BODIES }, (_, round) => familiesBody(...families(round)))
  const texts = Array.from({ length: BODIES }, (_, round) => Buffer.from(textOf(families(round))))
  console.log(`${name.padEnd(18)} ${parserAlone(made)}    ${measure(made, 'protobuf')}  ${name === '100 native' ? '     -' : measure(texts, 'text')}  ${made[0]!.length}`)
}
