// Texts that only queries make, in a table that outlives them, over a store that may learn the same texts later.
import { describe, expect, it } from 'vitest'
import { LabelTable } from '../../../lang/exec/label-table.ts'
import type { LabelSource } from '../../../storage/interface.ts'

/** A store's symbols, and how often one was looked for. */
class Symbols {
  readonly texts: string[] = []
  looks = 0

  /** As a querier sees them that begins now; `counts`: whether it says how many there are. */
  source(counts = true): LabelSource {
    return {
      ...(counts && { symbolCount: this.texts.length }),
      symbolOf: (text) => {
        this.looks++
        return this.texts.indexOf(text) + 1
      },
      textOf: (symbol) => this.texts[symbol - 1]!,
      labelsOf: () => 0,
    }
  }
}

function filled(counts: boolean, own: number): { symbols: Symbols; table: LabelTable; ids: number[] } {
  const symbols = new Symbols()
  symbols.texts.push('a', 'b')
  const table = new LabelTable(symbols.source(counts))
  const ids = Array.from({ length: own }, (_, i) => table.intern(`own ${i}`))
  return { symbols, table, ids }
}

describe('a table of labels', () => {
  it('keeps texts of its own from query to query, without looking for each in the store', () => {
    const { symbols, table, ids } = filled(true, 1000)
    symbols.looks = 0
    for (let i = 0; i < 10; i++) {
      symbols.texts.push(`new ${i}`)
      table.open(symbols.source())
    }
    expect(symbols.looks).toBe(0)
    expect(table.generation).toBe(0)
    expect(table.textOf(ids[999]!)).toBe('own 999')
    expect(table.intern('own 7')).toBe(ids[7])
  })

  it.each([['few', true, 1], ['many', true, 5000], ['it does not say how many', false, 1]])('starts afresh when one of them is among the new texts of the store, of which there are %s', (_, counts, news) => {
    const { symbols, table } = filled(counts, 10)
    for (let i = 1; i < news; i++) symbols.texts.push(`new ${i}`)
    symbols.texts.push('own 3')
    table.open(symbols.source(counts))
    expect(table.generation).toBe(1)
    expect(table.intern('own 3')).toBe(symbols.texts.length)
  })

  it('has no second id for a text that the store learns in the midst of a query', () => {
    const { symbols, table } = filled(true, 1)
    const open = symbols.source()
    table.open(open)
    symbols.texts.push('late')
    const id = table.intern('late')
    table.open(symbols.source())
    expect([id, table.generation, table.intern('late')]).toEqual([3, 0, 3])
  })
})
