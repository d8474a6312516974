// ns per sample of reading a scraped body, on the body shape of a node_exporter with 1000 series: the first time, in
// unchanged order with every second value moved, with one line inserted, and by the parser alone.
//   node test/bench/parse-text.bench.ts
import { ENTRY_END, ENTRY_SAMPLE } from '../../lib/format/exposition-entry.ts'
import { TextParser } from '../../lib/format/text-parser.ts'
import { BodyReader } from '../../lib/scrape/body-reader.ts'
import { BodyTaker } from '../../lib/scrape/body-taker.ts'
import { ScrapeCache } from '../../lib/scrape/cache.ts'
import { ScrapeBatch } from '../../lib/scrape/scrape-batch.ts'
import { SeriesOwners } from '../../lib/scrape/series-owners.ts'
import { Random } from '../../lib/std/random.ts'
import { CLASSIC_ONLY, scrapeConfig } from '../support/scrape-fixture.ts'

const SERIES = 1000
const ROUNDS = 2000

interface Line {
  text: string
  kind: 'const' | 'counter' | 'centi'
  base: number
}

function template(): { head: string; lines: Line[] }[] {
  const blocks: { head: string; lines: Line[] }[] = []
  let left = SERIES
  const metric = (name: string, type: string, labelSets: string[], kind: Line['kind'], base: number): void => {
    const lines = labelSets.slice(0, left).map((labels, i) => ({ text: `${name}${labels === '' ? '' : `{${labels}}`} `, kind, base: Math.round(base * (1 + i * 0.137)) }))
    left -= lines.length
    if (lines.length > 0) blocks.push({ head: `# HELP ${name} What ${name} is about, in a sentence.\n# TYPE ${name} ${type}\n`, lines })
  }
  const each = (n: number, f: (i: number) => string): string[] => Array.from({ length: n }, (_, i) => f(i))
  const modes = ['idle', 'iowait', 'irq', 'nice', 'softirq', 'steal', 'system', 'user']
  metric('node_cpu_seconds_total', 'counter', each(128, (i) => `cpu="${i >> 3}",mode="${modes[i & 7]}"`), 'centi', 91234)
  for (const name of ['receive_bytes', 'transmit_bytes', 'receive_packets', 'transmit_packets']) metric(`node_network_${name}_total`, 'counter', each(6, (i) => `device="eth${i}"`), 'counter', 4.4e10)
  for (const name of ['size_bytes', 'files', 'readonly']) metric(`node_filesystem_${name}`, 'gauge', each(10, (i) => `device="/dev/nvme${i}n1p1",fstype="ext4",mountpoint="/data/${i}"`), 'const', 2.1e11)
  metric('node_systemd_unit_state', 'gauge', each(300, (i) => `name="unit-${Math.floor(i / 5)}.service",state="${['active', 'activating', 'deactivating', 'failed', 'inactive'][i % 5]}",type="simple"`), 'const', 0)
  for (let i = 0; left > 0; i++) metric(`node_vmstat_field${i}`, 'untyped', [''], i % 3 === 0 ? 'counter' : 'const', 1e6 * (i + 1))
  return blocks
}

const blocks = template()
const random = new Random(1)

function render(round: number, extra: string): Buffer {
  let out = ''
  for (const block of blocks) {
    out += block.head
    for (const { text, kind, base } of block.lines) {
      const value = kind === 'const' ? base : kind === 'counter' ? base + round * 300 + random.int(100) : Math.floor((base + round * 0.7 + random.float()) * 100) / 100
      out += `${text}${value}\n`
    }
    if (block === blocks[3]) out += extra
  }
  return Buffer.from(out)
}

const config = scrapeConfig()
let lastRef = 0
const appender = { series: () => ++lastRef, append: () => 0, commit: () => Promise.resolve(), exemplars: null }
const taker = new BodyTaker(appender, new SeriesOwners(), 1)
const reader = new BodyReader(taker, { readsStartTimes: false, labelsFamilies: false })
const batch = new ScrapeBatch()
const rules = { targetLabels: ['instance', 'here:9100', 'job', 'node'], config, histograms: CLASSIC_ONLY }
const bodies = Array.from({ length: 16 }, (_, i) => render(i, ''))
const longer = Array.from({ length: 16 }, (_, i) => render(i, i % 2 === 0 ? 'node_new_metric{x="y"} 1\n' : ''))

function read(cache: ScrapeCache, body: Buffer): void {
  batch.reset(0)
  reader.read(cache, body, 'text', rules, batch)
  taker.keep(cache, body, 'text')
}

/** Median of five runs, ns per sample. */
function measure(rounds: number, f: (i: number) => void): number {
  for (let i = 0; i < rounds; i++) f(i)
  const runs = Array.from({ length: 5 }, () => {
    const start = performance.now()
    for (let i = 0; i < rounds; i++) f(i)
    return ((performance.now() - start) * 1e6) / rounds / SERIES
  })
  return runs.toSorted((a, b) => a - b)[2]!
}

const parser = new TextParser()
const parseOnly = (i: number): void => {
  const body = bodies[i & 15]!
  parser.reset(body, body.length, 'text')
  let count = 0
  for (let entry = parser.next(); entry !== ENTRY_END; entry = parser.next()) if (entry === ENTRY_SAMPLE) count++
  if (count !== SERIES) throw new Error(`${count} samples`)
}

const cache = new ScrapeCache(1)
const results = {
  'first scrape': measure(ROUNDS / 20, (i) => read(new ScrapeCache(1), bodies[i & 15]!)),
  'parser alone': measure(ROUNDS, parseOnly),
  'unchanged order': measure(ROUNDS, (i) => read(cache, bodies[i & 15]!)),
  'nothing changed': measure(ROUNDS, () => read(cache, bodies[0]!)),
  'a line comes and goes': measure(ROUNDS / 4, (i) => read(cache, longer[i & 15]!)),
}
process.stdout.write(`${SERIES} series, ${(bodies[0]!.length / SERIES).toFixed(0)} B/sample with comments; ns/sample\n`)
for (const [name, ns] of Object.entries(results)) process.stdout.write(`  ${name.padEnd(22)} ${ns.toFixed(0).padStart(6)}\n`)
