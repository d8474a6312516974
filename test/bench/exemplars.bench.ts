// Exemplars: ns for each that is new, ns for each that comes again (most do), with parsing; ms to find those of every
// series in a full ring; bytes of the ring an exemplar.
//   node test/bench/exemplars.bench.ts
import { BodyReader } from '../../lib/scrape/body-reader.ts'
import { BodyTaker } from '../../lib/scrape/body-taker.ts'
import { ScrapeCache } from '../../lib/scrape/cache.ts'
import { ScrapeBatch } from '../../lib/scrape/scrape-batch.ts'
import { SeriesOwners } from '../../lib/scrape/series-owners.ts'
import { ExemplarRing } from '../../storage/exemplars/exemplar-ring.ts'
import { readExemplars } from '../../storage/exemplars/exemplar-reader.ts'
import { CLASSIC_ONLY, scrapeConfig } from '../support/scrape-fixture.ts'

const LINES = 1000
const ROUNDS = 300
const CAPACITY = 100_000
const START = 1_700_000_000_000

const ring = new ExemplarRing(CAPACITY)
let lastRef = 0
const appender = { series: () => ++lastRef, append: () => 0, commit: () => Promise.resolve(), exemplars: { refOf: () => 0, append: () => {} } }
const taker = new BodyTaker(appender, new SeriesOwners(), 7)
const reader = new BodyReader(taker, { readsStartTimes: false, labelsFamilies: false })
const batch = new ScrapeBatch()
const cache = new ScrapeCache(1)
const rules = { targetLabels: ['instance', 'here:9100', 'job', 'app'], config: scrapeConfig(), histograms: CLASSIC_ONLY }

/** `round` < 0: without exemplars. */
function render(round: number): Buffer {
  let text = ''
  for (let i = 0; i < LINES; i++) {
    const id = (round * LINES + i).toString(16).padStart(16, '0')
    const exemplar = round < 0 ? '' : ` # {span_id="${id}",trace_id="${id}${id}"} 0.${i} ${START / 1000 + round}.${i % 1000}`
    text += `http_request_duration_seconds_bucket{handler="/api/${i % 50}",method="GET",le="${i}.5"} ${i * 37}${exemplar}\n`
  }
  return Buffer.from(`${text}# EOF\n`)
}

/** ns a line. */
function measure(bodyOf: (round: number) => Buffer): number {
  const bodies = Array.from({ length: ROUNDS }, (_, round) => bodyOf(round))
  const start = performance.now()
  for (const body of bodies) {
    batch.reset(START)
    reader.read(cache, body, 'openmetrics', rules, batch)
    ring.append(taker.exemplars, Infinity)
    taker.keep(cache, body, 'openmetrics')
  }
  return ((performance.now() - start) * 1e6) / ROUNDS / LINES
}

const plain = render(-1)
measure(() => plain)
measure((round) => render(round))
const none = measure(() => plain)
const fresh = measure((round) => render(ROUNDS + round))
const last = render(2 * ROUNDS)
const again = measure(() => last)
const refs = Uint32Array.from({ length: lastRef }, (_, i) => i + 1)
const readMs = (selected: Uint32Array): number => {
  const runs = Array.from({ length: 5 }, () => {
    const start = performance.now()
    readExemplars(ring.buffer, [selected], -Infinity, Infinity)
    return performance.now() - start
  })
  return runs.toSorted((a, b) => a - b)[2]!
}
const rows: [string, string][] = [
  ['lines without, ns', none.toFixed(0)], ['lines with new ones, ns', fresh.toFixed(0)], ['lines with known ones, ns', again.toFixed(0)],
  [`all of ${ring.count}, ms`, readMs(refs).toFixed(1)], [`those of one series, ms`, readMs(refs.subarray(0, 1)).toFixed(2)],
  ['bytes of ring each', (ring.buffer.byteLength / CAPACITY).toFixed(0)],
]
for (const [name, value] of rows) process.stdout.write(`  ${name.padEnd(28)} ${value.padStart(8)}\n`)
