// The label sets of the series file, turned into pairs without making a text of any: a start with a million series has
// eight million labels to put back. Series come in the order in which they were made, and share most labels with the one
// before: what stands there byte by byte is the same pair.
import { readVarint, type VarintPlace } from '../codec/bits.ts'
import type { SymbolWriter } from './symbols.ts'

/** Where the texts of one label set stand, and what they are; by label. */
class Places {
  nameAt: Uint32Array = new Uint32Array(64)
  valueAt: Uint32Array = new Uint32Array(64)
  end: Uint32Array = new Uint32Array(64)
  names: Uint32Array = new Uint32Array(64)
  pairs: Uint32Array = new Uint32Array(64)
  count = 0

  reserve(count: number): void {
    this.count = count
    if (count <= this.pairs.length) return
    this.nameAt = new Uint32Array(count)
    this.valueAt = new Uint32Array(count)
    this.end = new Uint32Array(count)
    this.names = new Uint32Array(count)
    this.pairs = new Uint32Array(count)
  }
}

export class FoundLabels {
  readonly #symbols: SymbolWriter
  readonly #place: VarintPlace = { at: 0 }
  /** Whether what was read last has a pair that no series had before. */
  hasNewPair = false
  #bytes: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(new ArrayBuffer(0))
  #last = new Places()
  #now = new Places()

  constructor(symbols: SymbolWriter) {
    this.#symbols = symbols
  }

  /** Reads the `count` labels at bytes[at, …) into `found`, whose pairs are made where they are new; returns the place behind them. */
  read(bytes: Uint8Array, at: number, count: number): number {
    // Of the same bytes: what was read before is still there.
    if (bytes !== this.#bytes) {
      this.#last.count = 0
      this.#bytes = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    }
    const last = this.#last
    const now = this.#now
    now.reserve(count)
    const place = this.#place
    place.at = at
    const { newestPair } = this.#symbols
    let k = 0
    for (let i = 0; i < count; i++) {
      const nameAt = place.at
      // Fast path: name and value stand there as before.
      if (k < last.count && this.#isSame(last.nameAt[k]!, nameAt, last.end[k]! - last.nameAt[k]!)) {
        now.nameAt[i] = nameAt
        now.valueAt[i] = nameAt + last.valueAt[k]! - last.nameAt[k]!
        now.end[i] = place.at = nameAt + last.end[k]! - last.nameAt[k]!
        now.names[i] = last.names[k]!
        now.pairs[i] = last.pairs[k]!
        k++
        continue
      }
      skipText(bytes, place)
      const valueAt = place.at
      skipText(bytes, place)
      const end = place.at
      now.nameAt[i] = nameAt
      now.valueAt[i] = valueAt
      now.end[i] = end
      // Where the one before has a label more, the names behind it stand one further.
      if (k + 1 < last.count && !this.#isName(k, nameAt, valueAt) && this.#isName(k + 1, nameAt, valueAt)) k++
      if (k < last.count && this.#isName(k, nameAt, valueAt)) {
        now.names[i] = last.names[k]!
        const isValueKnown = last.end[k]! - last.valueAt[k]! === end - valueAt && this.#isSame(last.valueAt[k]!, valueAt, end - valueAt)
        now.pairs[i] = isValueKnown ? last.pairs[k]! : this.#pair(bytes, last.names[k]!, valueAt)
        k++
      } else {
        now.names[i] = this.#symbolAt(bytes, nameAt)
        now.pairs[i] = this.#pair(bytes, now.names[i]!, valueAt)
      }
    }
    this.hasNewPair = this.#symbols.newestPair > newestPair
    this.#last = now
    this.#now = last
    return place.at
  }

  /** What was read last. */
  get found(): Uint32Array {
    return this.#last.pairs
  }

  /** True if the k-th name of the last label set is bytes[at, end). */
  #isName(k: number, at: number, end: number): boolean {
    const from = this.#last.nameAt[k]!
    return this.#last.valueAt[k]! - from === end - at && this.#isSame(from, at, end - at)
  }

  /** True if the n bytes at a are those at b, which stand behind them. */
  #isSame(a: number, b: number, n: number): boolean {
    const view = this.#view
    if (b + n > view.byteLength) return false
    let i = 0
    for (; i + 4 <= n; i += 4) if (view.getInt32(a + i) !== view.getInt32(b + i)) return false
    for (; i < n; i++) if (view.getUint8(a + i) !== view.getUint8(b + i)) return false
    return true
  }

  #pair(bytes: Uint8Array, name: number, valueAt: number): number {
    return this.#symbols.internPair(name, this.#symbolAt(bytes, valueAt))
  }

  /** The symbol of the text at a place: its length and its UTF-8. */
  #symbolAt(bytes: Uint8Array, at: number): number {
    const behind = this.#place.at
    this.#place.at = at
    const length = readVarint(bytes, this.#place)
    const from = this.#place.at
    this.#place.at = behind
    return this.#symbols.internBytes(bytes, from, from + length)
  }
}

function skipText(bytes: Uint8Array, place: VarintPlace): void {
  const length = readVarint(bytes, place)
  place.at += length
}
