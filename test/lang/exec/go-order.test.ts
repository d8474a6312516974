import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sortAsGo } from '../../../lang/exec/go-order.ts'

interface Recorded {
  values: number[]
  places: number[]
}

const recorded = JSON.parse(readFileSync(new URL("../../golden/go-sort.json", import.meta.url), "utf8")) as Recorded[]

describe("Go's sort", () => {
  it.each(recorded.map(({ values, places }, i) => [i, values.length, values, places] as const))('leaves list %i, of %i, as Go 1.26 does', (_, _count, values, places) => {
    const isBehind = (a: number, b: number): boolean => values[a] === -1 || values[a]! < values[b]!
    expect(sortAsGo(values.map((_value, i) => i), isBehind)).toEqual(places)
  })

  it('sorts what has an order, like other sorts', () => {
    const items = Array.from({ length: 5000 }, (_, i) => (i * 7919) % 5000)
    expect(sortAsGo([...items], (a, b) => a > b)).toEqual(items.toSorted((a, b) => a - b))
  })
})
