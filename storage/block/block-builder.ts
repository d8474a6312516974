// Makes a block of samples that come group by group (the head's cut): encodes them as they come, spools the pieces, and
// lays them out in block order once all series are known.
import { assert } from '../../lib/std/assert.ts'
import { encodePiece } from '../codec/piece-encode.ts'
import { PIECE_BYTES_MAX, PIECE_ROWS } from '../codec/piece-shape.ts'
import type { LabelSource, SeriesBatch } from '../interface.ts'
import type { BlockMeta, BlockOrigin } from './block-meta.ts'
import { BlockWriter, type BlockPlace } from './block-writer.ts'
import type { BlockBuilder } from './block.ts'
import { GrowingF64, GrowingU32 } from './growing-array.ts'
import { PairTable } from './pair-table.ts'
import { PieceSpool } from './piece-spool.ts'
import { countSamples, encodeSeriesPiece, encoded } from './series-encode.ts'

/** Timestamp columns of up to this many bytes are compared with those before: even steps are what groups share. */
const SHARED_TIMES_BYTES = 48

const piece = new Uint8Array(PIECE_BYTES_MAX)

/** Runs of pieces in the spool. */
class Runs {
  readonly at = new GrowingF64()
  readonly bytes = new GrowingU32()
}

export class GroupBlockBuilder implements BlockBuilder {
  readonly #writer: BlockWriter
  readonly #spool: PieceSpool
  readonly #labels: LabelSource
  readonly #pairTable = new PairTable()
  readonly #groupRuns = new Runs()
  readonly #groupRows = new GrowingU32()
  readonly #groupMinT = new GrowingF64()
  readonly #groupMaxT = new GrowingF64()
  /** Groups by their encoded timestamps, where those are short. */
  readonly #sharedTimes = new Map<string, number>()
  readonly #refs = new GrowingU32()
  readonly #seriesGroup = new GrowingU32()
  readonly #seriesRuns = new Runs()
  readonly #pairsAt = new GrowingU32()
  readonly #pairs = new GrowingU32()
  #symbols = new Uint32Array(256)
  readonly #lacking = new Set<number>()
  #group = -1
  #rows = 0
  #samples = 0

  constructor(place: BlockPlace, labels: LabelSource) {
    this.#labels = labels
    this.#writer = new BlockWriter(place)
    this.#spool = new PieceSpool(this.#writer.folder)
  }

  beginGroup(t: Float64Array, n: number): void {
    this.beginPieces(n, { minT: t[0]!, maxT: t[n - 1]! }, (from, rows) => encodePiece(t, from, rows, piece, 0), piece)
  }

  /** A group whose timestamps, at each PIECE_ROWS-th row on, `encode` writes to `bytes`; it returns their length. */
  beginPieces(n: number, { minT, maxT }: { minT: number; maxT: number }, encode: (from: number, rows: number) => number, bytes: Uint8Array): void {
    assert(n > 0, 'a group without rows')
    this.#rows = n
    let key = `${n}:`
    for (let from = 0; from < n; from += PIECE_ROWS) {
      const end = encode(from, Math.min(PIECE_ROWS, n - from))
      this.#spool.add(bytes, 0, end)
      if (key.length <= SHARED_TIMES_BYTES) key += Buffer.from(bytes.subarray(0, end)).toString('latin1')
    }
    const at = this.#spool.endRun()
    const shared = key.length <= SHARED_TIMES_BYTES ? this.#sharedTimes.get(key) : undefined
    this.#group = shared ?? this.#groupRows.length
    if (shared !== undefined) return
    this.#groupRows.push(n)
    this.#groupMinT.push(minT)
    this.#groupMaxT.push(maxT)
    this.#groupRuns.at.push(at)
    this.#groupRuns.bytes.push(this.#spool.runBytes)
    if (key.length <= SHARED_TIMES_BYTES) this.#sharedTimes.set(key, this.#group)
  }

  addSeries(ref: number, batch: SeriesBatch, s: number): void {
    assert(batch.n === this.#rows, `batch of ${batch.n} rows for a group of ${this.#rows}`)
    const samples = countSamples(batch, s)
    if (samples === 0) return
    this.addPieces(ref, samples, (from, rows) => encodeSeriesPiece(batch, s, from, rows), () => encoded)
  }

  /** A series of the group, with this many samples; `encode` makes each piece, whose bytes then begin `bytesOf()`. */
  addPieces(ref: number, samples: number, encode: (from: number, rows: number) => number, bytesOf: () => Uint8Array): void {
    const n = this.#rows
    this.#samples += samples
    for (let from = 0; from < n; from += PIECE_ROWS) {
      const length = encode(from, Math.min(PIECE_ROWS, n - from))
      this.#spool.add(bytesOf(), 0, length)
    }
    this.#seriesRuns.at.push(this.#spool.endRun())
    this.#seriesRuns.bytes.push(this.#spool.runBytes)
    this.#refs.push(ref)
    this.#seriesGroup.push(this.#group)
    this.#pairsAt.push(this.#pairs.length)
    const count = this.#labels.labelsOf(ref, this.#symbols)
    if (count > this.#symbols.length) this.#labels.labelsOf(ref, this.#symbols = new Uint32Array(count))
    for (let i = 0; i < count; i += 2) this.#pairs.push(this.#pairTable.intern(this.#symbols[i]!, this.#symbols[i + 1]!))
  }

  /** Says that the block lacks native histograms of the series added last. */
  noteLacking(): void {
    this.#lacking.add(this.#refs.length - 1)
  }

  async finish(origin: BlockOrigin): Promise<{ name: string; meta: BlockMeta } | null> {
    const count = this.#refs.length
    if (count === 0 && origin.range === undefined) {
      this.abort()
      return null
    }
    try {
      this.#pairsAt.push(this.#pairs.length)
      const { ranks, texts } = this.#pairTable.order(this.#labels)
      this.#rankPairs(ranks)
      const groups = this.#layGroups()
      for (const s of this.#blockOrder(count)) {
        const from = this.#pairsAt.data[s]!
        this.#writer.beginSeries(this.#refs.data[s]!, groups[this.#seriesGroup.data[s]!]!, this.#pairs.data, from, this.#pairsAt.data[s + 1]!)
        if (this.#lacking.has(s)) this.#writer.noteLacking()
        this.#spool.replay(this.#seriesRuns.at.data[s]!, this.#seriesRuns.bytes.data[s]!, (src, start, end) => this.#writer.addPiece(src, start, end))
      }
      this.#spool.close()
      return await this.#writer.finish(texts, this.#samples, origin)
    } catch (error) {
      this.abort()
      throw error
    }
  }

  abort(): void {
    this.#spool.close()
    this.#writer.abort()
  }

  /** Gives pairs their numbers, each series' ascending. */
  #rankPairs(ranks: Uint32Array): void {
    const { data, length } = this.#pairs
    for (let i = 0; i < length; i++) data[i] = ranks[data[i]!]!
    for (let s = 0; s < this.#refs.length; s++) data.subarray(this.#pairsAt.data[s]!, this.#pairsAt.data[s + 1]!).sort()
  }

  /** Writes the groups that series were added to; returns the number of each in the block. */
  #layGroups(): Uint32Array {
    const numbers = new Uint32Array(this.#groupRows.length).fill(0xffffffff)
    for (let s = 0; s < this.#refs.length; s++) numbers[this.#seriesGroup.data[s]!] = 0
    for (let g = 0; g < numbers.length; g++) {
      if (numbers[g] !== 0) continue
      numbers[g] = this.#writer.addGroup(this.#groupRows.data[g]!, this.#groupMinT.data[g]!, this.#groupMaxT.data[g]!)
      this.#spool.replay(this.#groupRuns.at.data[g]!, this.#groupRuns.bytes.data[g]!, (src, from, to) => this.#writer.addTimes(src, from, to))
    }
    return numbers
  }

  #blockOrder(count: number): Uint32Array {
    const { data } = this.#pairs
    const starts = this.#pairsAt.data
    return Uint32Array.from({ length: count }, (_, s) => s).sort((a, b) => {
      let i = starts[a]!
      let j = starts[b]!
      const endA = starts[a + 1]!
      const endB = starts[b + 1]!
      while (i < endA && j < endB) {
        if (data[i] !== data[j]) return data[i]! - data[j]!
        i++
        j++
      }
      return (endA - i) - (endB - j)
    })
  }
}
