// Label sets as JSON objects, kept from reply to reply: what dashboards ask for again is copied as it was written before.
import { unmarked, type LabelTable } from '../exec/label-table.ts'
import { grown } from '../exec/set-pool.ts'
import { ByteWriter, jsonString } from './byte-writer.ts'

/** Bytes kept of a table's sets; some 30,000 sets of six labels. */
const KEPT_BYTES_MAX = 4 << 20

const known = new WeakMap<LabelTable, LabelJson>()

/** The JSON of a table's sets. */
export function labelJsonOf(labels: LabelTable): LabelJson {
  let json = known.get(labels)
  if (json === undefined || json.generation !== labels.generation) {
    json = new LabelJson(labels)
    known.set(labels, json)
  }
  return json
}

class LabelJson {
  readonly #labels: LabelTable
  readonly generation: number
  #kept = new ByteWriter()
  /** One more than where the JSON of a set begins in what is kept, 0 where it is not kept; and where it ends. */
  #starts: Uint32Array = new Uint32Array(64)
  #ends: Uint32Array = new Uint32Array(64)

  constructor(labels: LabelTable) {
    this.#labels = labels
    this.generation = labels.generation
  }

  /** Writes `{"name":"value",…}`. */
  write(out: ByteWriter, marked: number): void {
    const set = unmarked(marked)
    if (set >= this.#starts.length) {
      this.#starts = grown(this.#starts, set + 1)
      this.#ends = grown(this.#ends, set + 1)
    }
    if (this.#starts[set] === 0) this.#keep(set)
    out.copy(this.#kept, this.#starts[set]! - 1, this.#ends[set]!)
  }

  #keep(set: number): void {
    if (this.#kept.length > KEPT_BYTES_MAX) {
      this.#kept = new ByteWriter()
      this.#starts.fill(0)
    }
    this.#starts[set] = this.#kept.length + 1
    const labels = this.#labels.labels(set)
    let text = '{'
    for (let i = 0; i < labels.length; i += 2) text += `${i === 0 ? '' : ','}${jsonString(labels[i]!)}:${jsonString(labels[i + 1]!)}`
    this.#kept.text(`${text}}`)
    this.#ends[set] = this.#kept.length
  }
}
