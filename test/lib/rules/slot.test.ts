// Offsets are those of Prometheus 3.14: model/labels Hash of {file, name}, modulo the interval in nanoseconds.
import { describe, expect, it } from 'vitest'
import { slotBefore, slotOffsetMs } from '../../../lib/rules/slot.ts'

describe('slots of groups', () => {
  it.each<[string, string, number, number]>([
    ['/etc/rules.yml', 'node', 14_885_950_639, 885_950_639], ['monitor.yml', 'a', 6_756_405_143, 756_405_143], ['', 'x', 6_537_756_623, 537_756_623],
    ['f'.repeat(300), 'g', 6_248_785_662, 248_785_662], ['é.yml', 'ü', 14_307_750_445, 307_750_445],
  ])('of %s, %s are those of Prometheus', (file, name, ns15, ns1) => {
    expect(slotOffsetMs(file, name, 15_000)).toBe(Math.floor(ns15 / 1e6))
    expect(slotOffsetMs(file, name, 1000)).toBe(Math.floor(ns1 / 1e6))
  })

  it('begin at or before now', () => {
    expect(slotBefore(100_000, 5000, 15_000)).toBe(95_000)
    expect(slotBefore(95_000, 5000, 15_000)).toBe(95_000)
    expect(slotBefore(94_999, 5000, 15_000)).toBe(80_000)
  })
})
