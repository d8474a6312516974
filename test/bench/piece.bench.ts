// ns and bytes a value of the piece codec, by the kind of series. node test/bench/piece.bench.ts
import { Random } from '../../lib/std/random.ts'
import { decodePiece, PIECE_PAD_BYTES } from '../../storage/codec/piece-decode.ts'
import { encodePiece } from '../../storage/codec/piece-encode.ts'
import { PIECE_BYTES_MAX, PIECE_ROWS } from '../../storage/codec/piece-shape.ts'

const PIECES = 64
const random = new Random(1)
const shapes: readonly (readonly [string, (before: number) => number])[] = [
  ['constant', () => 1_700_000_000],
  ['counter + [0, 1000)', (v) => v + random.int(1000)],
  ['counter 100 ± 5', (v) => v + 95 + random.int(11)],
  ['counter, hundredths', (v) => (Math.round(v * 100) + 45 + random.int(90)) / 100],
  ['gauge, hundredths', (v) => (Math.round(v * 100) + random.int(41) - 20) / 100],
  ['gauge, pages', (v) => v + 4096 * (random.int(4001) - 2000)],
  ['10 % change', (v) => (random.int(10) === 0 ? v + random.int(1000) : v)],
  ['full mantissa', () => random.float()],
]
const page = new Uint8Array(PIECES * PIECE_BYTES_MAX + PIECE_PAD_BYTES)
const src = { bytes: page, view: new DataView(page.buffer) }
const starts = new Uint32Array(PIECES)
const out = new Float64Array(PIECE_ROWS)

/** All shapes in turn, so that the code is measured as it runs on mixed data. */
const columns = shapes.map(([, next]) => {
  const values = new Float64Array(PIECES * PIECE_ROWS)
  for (let i = 0, v = 1e6; i < values.length; i++) values[i] = v = next(v)
  return values
})
const best = shapes.map(() => ({ encode: Infinity, decode: Infinity, bytes: 0 }))
for (let round = 0; round < 30; round++) {
  columns.forEach((values, s) => {
    const record = best[s]!
    let t0 = performance.now()
    let at = 0
    for (let p = 0; p < PIECES; p++) {
      starts[p] = at
      at = encodePiece(values, p * PIECE_ROWS, PIECE_ROWS, page, at)
    }
    record.encode = Math.min(record.encode, performance.now() - t0)
    record.bytes = at
    t0 = performance.now()
    for (let p = 0; p < PIECES; p++) decodePiece(src, starts[p]!, PIECE_ROWS, out, 0)
    record.decode = Math.min(record.decode, performance.now() - t0)
  })
}
const n = PIECES * PIECE_ROWS
shapes.forEach(([name], s) => {
  const { encode, decode, bytes } = best[s]!
  console.log(`${name.padEnd(22)} encode ${(encode * 1e6 / n).toFixed(1).padStart(5)} ns  decode ${(decode * 1e6 / n).toFixed(2).padStart(5)} ns  ${(bytes / n).toFixed(3)} B`)
})
