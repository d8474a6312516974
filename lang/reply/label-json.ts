// Label sets as JSON objects. Texts repeat over thousands of series, so each symbol is quoted and escaped once.
import type { LabelTable } from '../exec/label-table.ts'
import type { ByteWriter } from './byte-writer.ts'

export class LabelJson {
  readonly #labels: LabelTable
  readonly #quoted = new Map<number, string>()

  constructor(labels: LabelTable) {
    this.#labels = labels
  }

  /** Writes `{"name":"value",…}`. */
  write(out: ByteWriter, set: number): void {
    const pairs = this.#labels.pairs(set)
    let text = '{'
    for (let i = 0; i < pairs.length; i += 2) {
      text += `${i === 0 ? '' : ','}${this.#quote(pairs[i]!)}:${this.#quote(pairs[i + 1]!)}`
    }
    out.text(`${text}}`)
  }

  #quote(symbol: number): string {
    let quoted = this.#quoted.get(symbol)
    if (quoted === undefined) {
      quoted = JSON.stringify(this.#labels.textOf(symbol))
      this.#quoted.set(symbol, quoted)
    }
    return quoted
  }
}
