// What is kept of label sets between replies must not outlive their ids, nor be taken for that of other sets.
import { describe, expect, it } from 'vitest'
import { LabelTable } from '../../../lang/exec/label-table.ts'
import { ByteWriter } from '../../../lang/reply/byte-writer.ts'
import { labelJsonOf } from '../../../lang/reply/label-json.ts'
import { labelOrder } from '../../../lang/reply/label-order.ts'
import { compareLabels, type Labels } from '../../../lib/model/labels.ts'
import { Random } from '../../../lib/std/random.ts'
import type { LabelSource } from '../../../storage/interface.ts'

const COUNT = 100

/** A store that knows some texts, and no series. */
function sourceOf(texts: readonly string[]): LabelSource {
  return { symbolOf: (text) => texts.indexOf(text) + 1, textOf: (symbol) => texts[symbol - 1]!, labelsOf: () => 0 }
}

function setsOf(random: Random): Labels[] {
  return Array.from({ length: COUNT }, () => ['a', `x${random.int(1000)}"`, 'b', String(random.int(9))])
}

function inOrder(table: LabelTable, all: readonly Labels[]): Labels[] {
  return Array.from(labelOrder(Uint32Array.from(all, (labels) => table.ofLabels(labels)), table), (i) => all[i]!)
}

function json(table: LabelTable, all: readonly Labels[]): unknown {
  const out = new ByteWriter()
  for (const labels of all) {
    out.ascii(out.length === 0 ? '[' : ',')
    labelJsonOf(table).write(out, table.ofLabels(labels))
  }
  out.ascii(']')
  return JSON.parse(Buffer.from(out.finish()).toString())
}

const records = (all: readonly Labels[]): unknown => all.map(([a, x, b, y]) => ({ [a!]: x, [b!]: y }))

describe('what is kept of label sets', () => {
  it('is that of the same sets, in the same order', () => {
    const random = new Random(1)
    const table = new LabelTable(sourceOf(['a', 'b']))
    const [first, second] = [setsOf(random), setsOf(random)]
    for (const all of [first, second, first, first.toReversed(), second]) {
      expect(inOrder(table, all)).toEqual(all.toSorted(compareLabels))
      expect(json(table, all)).toEqual(records(all))
    }
  })

  it('ends with the ids of the table', () => {
    const random = new Random(2)
    const table = new LabelTable(sourceOf(['a', 'b']))
    const [first, second] = [setsOf(random), setsOf(random)]
    inOrder(table, first)
    json(table, first)
    // The store has met a text meanwhile that was the table's own: all ids are given anew.
    table.open(sourceOf(['a', 'b', first[0]![1]!]))
    expect(json(table, second)).toEqual(records(second))
    expect(inOrder(table, second)).toEqual(second.toSorted(compareLabels))
  })
})
