// The labels of a new series, put to their places among the target's or by way of a map: the same, faults included.
import { describe, expect, it } from 'vitest'
import { ENTRY_SAMPLE } from '../../../lib/format/exposition-entry.ts'
import { TextParser } from '../../../lib/format/text-parser.ts'
import { labelsFromMap, labelsFromRecord } from '../../../lib/model/labels.ts'
import { storedLabels, type LabelReader } from '../../../lib/scrape/sample-labels.ts'
import { fc } from '../../support/property.ts'
import { scrapeConfig } from '../../support/scrape-fixture.ts'

const NAMES = ['a', 'b', 'exported_a', 'instance', 'job', 'le', 'quantile', 'Zone', '__name__', 'größe', 'x_y'] as const
const VALUES = ['', 'v', '1', '0.5', '+Inf', '1e3', 'größe', 'a b', 'q\\"q', 'n\\nl', 'x'.repeat(70)] as const
const TYPES = ['counter', 'histogram', 'summary', 'gauge'] as const
const pairs = (names: readonly string[], values: readonly string[], maxLength: number): fc.Arbitrary<[string, string][]> => (
  fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...values)), { maxLength })
)

function outcome(f: () => unknown): unknown {
  try {
    return f()
  } catch (error) {
    return String(error)
  }
}

describe('storedLabels', () => {
  it('gives what labels by name give', () => {
    let direct = 0
    fc.assert(fc.property(
      pairs(NAMES, VALUES, 6), pairs(NAMES, ['v', 'größe'], 4), fc.constantFrom(...TYPES), fc.boolean(), fc.constantFrom('utf8', 'legacy'), fc.constantFrom(0, 3),
      (labels, target, type, isQuoted, metricNameValidationScheme, labelLimit) => {
        const inside = labels.map(([name, value]) => `"${name}"="${value}"`)
        const line = isQuoted ? `{${['"mé"', ...inside].join()}} 1\n` : `m${inside.length > 0 ? `{${inside.join()}}` : ''} 1\n`
        const body = Buffer.from(`# TYPE ${isQuoted ? '"mé"' : 'm'} ${type}\n${line}`)
        const config = scrapeConfig({ metricNameValidationScheme, limits: { ...scrapeConfig().limits, labels: labelLimit } })
        const targetLabels = labelsFromMap(new Map(target))
        const parser = new TextParser()
        parser.reset(body, body.length, 'text')
        while (parser.next() !== ENTRY_SAMPLE);
        const byMap: LabelReader = { labels: () => parser.labels() }
        if (parser.labelsInto(targetLabels.slice())) direct++
        expect(outcome(() => storedLabels(parser, targetLabels, config))).toEqual(outcome(() => storedLabels(byMap, targetLabels, config)))
      },
    ), { numRuns: 3000 })
    expect(direct).toBeGreaterThan(300)
  })

  it('puts labels of the sample aside that the target has, too, the shorter name first', () => {
    const f = (sample: Record<string, string>, target: Record<string, string>, want: Record<string, string>): void => {
      const reader: LabelReader = { labels: () => new Map(Object.entries({ __name__: 'm', ...sample })) }
      expect(storedLabels(reader, labelsFromRecord(target), scrapeConfig())).toEqual(labelsFromRecord({ __name__: 'm', ...want }))
    }
    f({ a: 's' }, { a: 't' }, { a: 't', exported_a: 's' })
    f({ a: 's', exported_a: 'u' }, { a: 't' }, { a: 't', exported_a: 'u', exported_exported_a: 's' })
    f({ a: 's', exported_a: 'u', exported_exported_a: 'v' }, { a: 't' }, { a: 't', exported_a: 'u', exported_exported_a: 'v', exported_exported_exported_a: 's' })
    f({ exported_z: 'u', z: 's' }, { exported_z: 'y', z: 't' }, { z: 't', exported_z: 'y', exported_exported_z: 's', exported_exported_exported_z: 'u' })
  })
})
