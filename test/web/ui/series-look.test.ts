// Labels as text, and the colour a line gets.
import { describe, expect, it } from 'vitest'
import { commonLabels, labelNames, labelSetOf, ownLabels, seriesText, type LabelSet } from '../../../web/ui/query/label-set.ts'
import { assignLineStyles, hashText, LINE_COLORS } from '../../../web/ui/query/series-color.ts'
import { fc } from '../../support/property.ts'

const hosts = (count: number): LabelSet[] => Array.from({ length: count }, (_, i) => labelSetOf({ __name__: 'up', instance: `web-${i}:9100` }))

describe('labels', () => {
  it('writes a series as PromQL selects it', () => {
    const f = (metric: Record<string, string>, want: string): void => expect(seriesText(labelSetOf(metric))).toBe(want)
    f({}, '{}')
    f({ __name__: 'up' }, 'up')
    f({ __name__: 'up', job: 'a', instance: 'b' }, 'up{instance="b",job="a"}')
    f({ __name__: 'my.metric', 'k.v': 'x' }, '{"my.metric","k.v"="x"}')
    f({ a: 'q"\\\n' }, '{a="q\\"\\\\\\n"}')
  })

  it('keeps a label called __proto__', () => {
    const labels = labelSetOf(JSON.parse('{"__proto__":"x","a":"b"}') as Record<string, string>)
    expect(labels).toEqual([['__proto__', 'x'], ['a', 'b']])
    expect(commonLabels([labels, labels])).toEqual(labels)
  })

  it('splits sets into what they share and what is their own', () => {
    const sets = [labelSetOf({ job: 'n', env: 'p', host: 'a' }), labelSetOf({ job: 'n', env: 'p', host: 'b' }), labelSetOf({ job: 'n', host: 'c' })]
    expect(commonLabels(sets)).toEqual([['job', 'n']])
    expect(ownLabels(sets[0]!, commonLabels(sets))).toEqual([['env', 'p'], ['host', 'a']])
    expect(labelNames(sets)).toEqual(['env', 'host', 'job'])
    expect(commonLabels([])).toEqual([])
  })

  it('leaves a lone series its labels', () => {
    const [only] = hosts(1)
    expect(commonLabels([only!])).toEqual([['__name__', 'up']])
  })
})

describe('line styles', () => {
  it('hashes as FNV-1a with a mix does', () => {
    // FNV-1a of '' is its offset basis 0x811c9dc5; the mix was worked out by hand in 64-bit arithmetic.
    let basis = 0x811c9dc5n
    basis = ((basis ^ (basis >> 16n)) * 0x45d9f3bn) & 0xffffffffn
    expect(hashText('')).toBe(Number(basis ^ (basis >> 16n)))
  })

  it('gives up to eight lines eight colours, all solid', () => {
    for (let count = 1; count <= 8; count++) {
      const styles = assignLineStyles(hosts(count))
      expect(new Set(styles.map(({ color }) => color)).size).toBe(count)
      expect(styles.every(({ dash }) => dash === 0)).toBe(true)
    }
  })

  it('tells up to 24 lines apart by colour and dash', () => {
    const styles = assignLineStyles(hosts(24))
    expect(new Set(styles.map(({ color, dash }) => `${color}/${dash}`)).size).toBe(24)
  })

  it('does not depend on the order of the series', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 60 }), (names) => {
      const sets = names.map((name) => labelSetOf({ host: name }))
      const forward = assignLineStyles(sets)
      expect(assignLineStyles(sets.toReversed()).toReversed()).toEqual(forward)
    }))
  })

  it('keeps a lone host its colour across panels: it gets the slot of its hash', () => {
    const [host] = hosts(1)
    expect(assignLineStyles([host!])[0]).toEqual({ color: hashText(seriesText(host!)) % 8, dash: 0 })
  })

  it('has 3:1 contrast or more on its background (WCAG 1.4.11)', () => {
    const luminance = (hex: string): number => {
      const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)) as [number, number, number]
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const contrast = (a: string, b: string): number => (Math.max(luminance(a), luminance(b)) + 0.05) / (Math.min(luminance(a), luminance(b)) + 0.05)
    for (const color of LINE_COLORS.light) expect(contrast(color, '#ffffff'), color).toBeGreaterThanOrEqual(3)
    for (const color of LINE_COLORS.dark) expect(contrast(color, '#111418'), color).toBeGreaterThanOrEqual(3)
  })
})
