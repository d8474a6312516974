// Kernels in WebAssembly against their twins in TypeScript, copies in and out included. node test/bench/kernels.bench.ts
// Twin and kernel take turns, 20 rounds, of which the best counts: what else the machine does cannot make one faster.
import { FLOAT } from '../../lang/exec/operator.ts'
import { WriteRequestTranslator } from '../../lib/format/remote-write-v2.ts'
import { ByteWriter } from '../../lang/reply/byte-writer.ts'
import { RemoteWriteReceiver } from '../../lib/ingest/remote-write.ts'
import { chunksKernel } from '../../lib/kernels/chunk.ts'
import { chooseKernels } from '../../lib/kernels/module.ts'
import { SnappyDecoder } from '../../lib/kernels/snappy.ts'
import { BodyReader } from '../../lib/scrape/body-reader.ts'
import { BodyTaker } from '../../lib/scrape/body-taker.ts'
import { ScrapeCache } from '../../lib/scrape/cache.ts'
import { ScrapeBatch } from '../../lib/scrape/scrape-batch.ts'
import { SeriesOwners } from '../../lib/scrape/series-owners.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { Random } from '../../lib/std/random.ts'
import { CHUNK_BYTES_MAX, CHUNK_ROWS, encodeChunk, lastHint } from '../../storage/codec/chunk-encode.ts'
import { decodePiece, PIECE_PAD_BYTES } from '../../storage/codec/piece-decode.ts'
import { encodePiece } from '../../storage/codec/piece-encode.ts'
import { PIECE_BYTES_MAX, PIECE_ROWS } from '../../storage/codec/piece-shape.ts'
import { CLASSIC_ONLY, scrapeConfig } from '../support/scrape-fixture.ts'
import { nodeLabels, writeBody } from '../support/remote-write-body.ts'
import { Symbols, bodyV2, sampleV2 } from '../support/remote-write-v2-body.ts'

const ROUNDS = 20
const random = new Random(1)

/** Prints ns a unit of `f`, which does `units` of them. */
function compare(name: string, units: number, f: () => void): void {
  const best = { ts: Infinity, wasm: Infinity }
  for (let round = 0; round < ROUNDS; round++) {
    for (const mode of ['ts', 'wasm'] as const) {
      chooseKernels(mode)
      f()
      const began = performance.now()
      f()
      best[mode] = Math.min(best[mode], ((performance.now() - began) * 1e6) / units)
    }
  }
  console.log(`${name.padEnd(44)} twin ${best.ts.toFixed(1).padStart(6)} ns  kernel ${best.wasm.toFixed(1).padStart(6)} ns  ${(best.ts / best.wasm).toFixed(2)} x`)
}

const STEPS = 240
const ROWS = 1000
const texts = Array.from({ length: STEPS }, (_, i) => `[${1_700_000_000 + i * 60},"`)
const stampBytes = Buffer.from(`${texts.join('')}   `)
let end = 0
const stamps = { view: new DataView(stampBytes.buffer, stampBytes.byteOffset, stampBytes.length), ends: Uint32Array.from(texts, (text) => (end += text.length)) }
const kinds = new Uint8Array(STEPS * ROWS).fill(FLOAT)

function points(name: string, next: () => number): void {
  const values = Float64Array.from({ length: STEPS * ROWS }, next)
  compare(`points of a reply, ${name}`, values.length, () => {
    const out = new ByteWriter()
    out.reserve(values.length * 36)
    for (let r = 0; r < ROWS; r++) out.points(stamps, { values, kinds, at: r * STEPS })
  })
}
points('rates (n / 300)', () => random.int(150_000) / 300)
points('full mantissas', () => random.float())
points('integers', () => random.int(1e9))
points('bytes', () => random.int(1e6) * 4096)
points('hundredths', () => random.int(1e6) / 100)

const labels = nodeLabels(5000)
const body = writeBody(labels.map((one) => ({ labels: one, samples: [[random.int(1e9) / 100, 1_700_000_000_000]] })))
const decoder = new SnappyDecoder(32 << 20)
compare('snappy, a sample of remote write', labels.length, () => void decoder.decode(body))

const translator = new WriteRequestTranslator(32 << 20)
const body2 = bodyV2(new Symbols(), labels.map((one) => ({ labels: one, fields: [sampleV2(random.int(1e9) / 100, 1_700_000_000_000)] })))
compare('a series of remote write 2.0, snappy included', labels.length, () => {
  const length = decoder.decode(body2)
  translator.translate({ bytes: decoder.bytes, view: decoder.view, length })
})

let pushed = 0
const counting = { series: () => ++pushed, append: () => 0, commit: () => Promise.resolve(), exemplars: null }
for (const samples of [1, 3]) {
  const receiver = new RemoteWriteReceiver(counting, new Metrics(), 7)
  const known = writeBody(labels.map((one) => ({ labels: one, samples: Array.from({ length: samples }, (_, k) => [random.int(1e9) / 100, 1_700_000_000_000 + k]) })))
  compare(`a known series of remote write, ${samples} sample${samples > 1 ? 's' : ''}, snappy included`, labels.length, () => void receiver.write(known))
}

const TARGETS = 40
const LINES = 1000
const VERSIONS = 4
let refs = 0
const appender = { series: () => ++refs, append: () => 0, commit: () => Promise.resolve(), exemplars: null }
const rules = { targetLabels: ['instance', 'here:9100', 'job', 'node'], config: scrapeConfig(), histograms: CLASSIC_ONLY }

/** Bodies of targets that are scraped again and again, each value another one with a probability of `share`. */
function scrapes(name: string, share: number, next: (before: number) => number): void {
  const taker = new BodyTaker(appender, new SeriesOwners(), 7)
  const reader = new BodyReader(taker, { readsStartTimes: false, labelsFamilies: false })
  const batch = new ScrapeBatch()
  const targets = Array.from({ length: TARGETS }, (_, t) => {
    const values = Float64Array.from({ length: LINES }, () => random.int(1e6))
    const bodies = Array.from({ length: VERSIONS }, () => {
      for (let i = 0; i < LINES; i++) if (random.float() < share) values[i] = next(values[i]!)
      const lines = Array.from(values, (value, i) => `node_metric_${Math.floor(i / 10)}_total{device="nvme${i % 10}n1p1",fstype="ext4",mountpoint="/data/${i % 10}"} ${value}\n`)
      return Buffer.from(lines.map((line, i) => (i % 10 === 0 ? `# HELP node_metric_${i / 10}_total What it counts.\n# TYPE node_metric_${i / 10}_total counter\n${line}` : line)).join(''))
    })
    return { cache: new ScrapeCache(t + 1), bodies }
  })
  compare(`a scraped line, ${name}`, TARGETS * LINES * VERSIONS, () => {
    for (let version = 0; version < VERSIONS; version++) {
      for (const { cache, bodies } of targets) {
        batch.reset(version)
        reader.read(cache, bodies[version]!, 'text', rules, batch)
        taker.keep(cache, bodies[version]!, 'text')
      }
    }
  })
}
scrapes('a tenth of values change', 0.1, (v) => v + random.int(1000))
scrapes('half of values change', 0.5, (v) => v + random.int(1000))
scrapes('all change, hundredths', 1, (v) => (Math.round(v * 100) + 45 + random.int(90)) / 100)
scrapes('all change, full mantissas', 1, () => random.float() * 1e6)

const PIECES = 64
const SHAPES: readonly (readonly [string, (before: number) => number])[] = [
  ['counter + [0, 1000)', (v) => v + random.int(1000)],
  ['counter, hundredths', (v) => (Math.round(v * 100) + 45 + random.int(90)) / 100],
  ['gauge, hundredths', (v) => (Math.round(v * 100) + random.int(41) - 20) / 100],
  ['gauge, pages', (v) => v + 4096 * (random.int(4001) - 2000)],
  ['10 % change', (v) => (random.int(10) === 0 ? v + random.int(1000) : v)],
  ['full mantissa', () => random.float()],
]
for (const [name, next] of SHAPES) {
  const values = new Float64Array(PIECES * PIECE_ROWS)
  for (let i = 0, v = 1e6; i < values.length; i++) values[i] = v = next(v)
  const page = new Uint8Array(PIECES * PIECE_BYTES_MAX + PIECE_PAD_BYTES)
  const starts: number[] = []
  for (let p = 0, at = 0; p < PIECES; p++) {
    starts.push(at)
    at = encodePiece(values, p * PIECE_ROWS, PIECE_ROWS, page, at)
  }
  const piece = new Uint8Array(PIECE_BYTES_MAX)
  compare(`encoding a piece, ${name}`, values.length, () => {
    for (let p = 0; p < PIECES; p++) encodePiece(values, p * PIECE_ROWS, PIECE_ROWS, piece, 0)
  })
  const src = { bytes: page, view: new DataView(page.buffer) }
  const out = new Float64Array(PIECE_ROWS)
  compare(`decoding a piece, ${name}`, values.length, () => {
    for (const start of starts) decodePiece(src, start, PIECE_ROWS, out, 0)
  })
}

const COLUMNS = 512
const GROUPS = 20
/** Columns whose values are transposed at once, as in storage/head/segment-encode.ts. */
const TILE = 64
for (const [name, next] of SHAPES) {
  const rows = new Float64Array(GROUPS * COLUMNS * CHUNK_ROWS)
  for (let g = 0; g < GROUPS; g++) for (let c = 0; c < COLUMNS; c++) for (let r = 0, v = 1e6; r < CHUNK_ROWS; r++) rows[(g * CHUNK_ROWS + r) * COLUMNS + c] = v = next(v)
  const hints = new Uint8Array(COLUMNS)
  const tile = new Float64Array(TILE * CHUNK_ROWS)
  const out = new Uint8Array(COLUMNS * CHUNK_BYTES_MAX)
  compare(`encoding a chunk, ${name}`, rows.length, () => {
    const kernel = chunksKernel(COLUMNS)
    for (let g = 0, row = 0; g < GROUPS; g++, row += CHUNK_ROWS * COLUMNS) {
      if (kernel !== null) {
        for (let r = 0; r < CHUNK_ROWS; r++) kernel.takeRow(r, rows, row + r * COLUMNS, COLUMNS)
        out.set(kernel.chunks.subarray(0, kernel.encode(CHUNK_ROWS, hints, 0, COLUMNS)))
        continue
      }
      for (let c = 0, at = 0; c < COLUMNS; c += TILE) {
        for (let r = 0; r < CHUNK_ROWS; r++) for (let k = 0; k < TILE; k++) tile[k * CHUNK_ROWS + r] = rows[row + r * COLUMNS + c + k]!
        for (let k = 0; k < TILE; k++) {
          at = encodeChunk(tile, k * CHUNK_ROWS, CHUNK_ROWS, out, at, hints[c + k]!)
          hints[c + k] = lastHint
        }
      }
    }
  })
}
