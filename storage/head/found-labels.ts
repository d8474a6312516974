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
  #bytes: Uint8Array = new Uint8Array(0)
  #last = new Places()
  #now = new Places()

  constructor(symbols: SymbolWriter) {
    this.#symbols = symbols
  }

  /** Reads the `count` labels at bytes[at, …) into `found`, whose pairs are made where they are new; returns the place behind them. */
  read(bytes: Uint8Array, at: number, count: number): number {
    // Of the same bytes: what was read before is still there.
    if (bytes !== this.#bytes) this.#last.count = 0
    this.#bytes = bytes
    const last = this.#last
    const now = this.#now
    now.reserve(count)
    const place = this.#place
    place.at = at
    let k = 0
    for (let i = 0; i < count; i++) {
      const nameAt = place.at
      skipText(bytes, place)
      const valueAt = place.at
      skipText(bytes, place)
      const end = place.at
      now.nameAt[i] = nameAt
      now.valueAt[i] = valueAt
      now.end[i] = end
      // Where the one before has a label more, the names behind it stand one further.
      let isNameKnown = k < last.count && isSame(bytes, last.nameAt[k]!, last.valueAt[k]!, nameAt, valueAt)
      if (!isNameKnown && k + 1 < last.count && isSame(bytes, last.nameAt[k + 1]!, last.valueAt[k + 1]!, nameAt, valueAt)) {
        k++
        isNameKnown = true
      }
      if (isNameKnown) {
        now.names[i] = last.names[k]!
        now.pairs[i] = isSame(bytes, last.valueAt[k]!, last.end[k]!, valueAt, end) ? last.pairs[k]! : this.#pair(bytes, last.names[k]!, valueAt)
        k++
      } else {
        now.names[i] = this.#symbolAt(bytes, nameAt)
        now.pairs[i] = this.#pair(bytes, now.names[i]!, valueAt)
      }
    }
    this.#last = now
    this.#now = last
    return place.at
  }

  /** What was read last. */
  get found(): Uint32Array {
    return this.#last.pairs
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

/** True if bytes[a, aEnd) are bytes[b, bEnd). */
function isSame(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  if (aEnd - a !== bEnd - b) return false
  while (a < aEnd && bytes[a] === bytes[b]) {
    a++
    b++
  }
  return a === aEnd
}
