// Matchers and fingerprints as Alertmanager reads and writes them (test/golden/alertmanager.json).
import { describe, expect, it } from 'vitest'
import { fingerprint } from '../../../lib/model/fingerprint.ts'
import { labelsFromRecord, labelSetSuffix, printLabelSet } from '../../../lib/model/labels.ts'
import { MatcherError, type Matcher } from '../../../lib/model/matcher.ts'
import { compileRouteMatchers, compileRoutePattern, formatRouteMatchers, parseRouteMatcher, parseRouteMatchers } from '../../../lib/model/route-matcher.ts'
import { RegexError } from '../../../lib/std/regex.ts'
import { readAlertmanagerGolden } from '../../support/alertmanager-golden.ts'

const golden = readAlertmanagerGolden()

/** What Alertmanager's JSON says of a matcher. */
const told = ({ name, op, value }: Matcher): object => ({ name, value, isRegex: op.endsWith('~'), isEqual: op.startsWith('=') })

describe('matchers of routes', () => {
  it('are read as Alertmanager reads them', () => {
    const wrong: unknown[] = []
    for (const [given, want] of golden) {
      const text = 'Matchers' in given ? given.Matchers : 'Matcher' in given ? given.Matcher : null
      if (text === null) continue
      let got: unknown = null
      try {
        const matchers = 'Matchers' in given ? parseRouteMatchers(text) : [parseRouteMatcher(text)]
        got = { matchers: matchers.map(told), text: 'Matchers' in given ? formatRouteMatchers(matchers) : formatRouteMatchers(matchers).slice(1, -1) }
      } catch (error) {
        if (!(error instanceof MatcherError)) throw error
        got = { error: error.message }
      }
      const expected = want.error === undefined ? { matchers: want.matchers ?? [], text: want.text } : { error: want.error }
      if (JSON.stringify(got) !== JSON.stringify(expected)) wrong.push({ given, got, expected })
    }
    expect(wrong).toEqual([])
  })

  it('match as a set where all of them do, and their dot matches no line break', () => {
    const test = compileRouteMatchers(parseRouteMatchers('a="1",b=~"x.y",c!~"z"'))
    const of = (labels: Record<string, string>) => test((name) => labels[name] ?? '')
    expect(of({ a: '1', b: 'x-y' })).toBe(true)
    expect(of({ a: '1', b: 'x\ny' })).toBe(false)
    expect(of({ a: '1', b: 'x-y', c: 'z' })).toBe(false)
  })
})

describe('compileRoutePattern', () => {
  /** As `amtool config routes test` has it. */
  const f = (pattern: string, texts: Readonly<Record<string, boolean>>): void => {
    const test = compileRoutePattern(pattern)
    expect(Object.fromEntries(Object.keys(texts).map((text) => [text, test(text)])), pattern).toEqual(texts)
  }

  it('takes what is well formed only within the anchors, as Alertmanager does', () => {
    f('a)(b', { ab: true, a: false, b: false, xab: false })
    // The anchors hold one side each.
    f('a)|(b', { ab: true, a: true, b: true, aX: true, Xb: true, X: false })
    f('a.)(b', { axb: true, 'a\nb': false })
    f('a|b', { a: true, b: true, ab: false, aX: false })
  })

  it('refuses what is well formed only by itself', () => {
    expect(() => compileRoutePattern('x\\Qa')).toThrow(new RegexError('error parsing regexp: missing closing ): `^(?:x\\Qa)$`'))
    expect(() => compileRoutePattern('(')).toThrow(new RegexError('error parsing regexp: missing closing ): `^(?:()$`'))
  })
})

describe('fingerprint', () => {
  it('is that of Alertmanager, and so is the text of a label set', () => {
    const cases = golden.flatMap(([given, answer]) => ('Labels' in given ? [{ given: given.Labels, answer }] : []))
    expect(cases.length).toBeGreaterThan(5)
    for (const { given, answer } of cases) {
      // An empty value is the sender's fault there, and no label here.
      if (Object.values(given).includes('')) continue
      const labels = labelsFromRecord(given)
      expect({ text: printLabelSet(labels), fingerprint: fingerprint(labels) }).toEqual(answer)
    }
  })

  it('is found again in the end of a key', () => {
    const labels = labelsFromRecord({ a: '1', ab: '1', b: '", ab="1"}:{', c: '', d: 'ü\n\\' })
    const names = [...labels.keys()].filter((i) => i % 2 === 0)
    for (let bits = 0; bits < 1 << names.length; bits++) {
      const part = names.filter((_, n) => (bits & (1 << n)) !== 0).flatMap((i) => [labels[i]!, labels[i + 1]!])
      expect(labelSetSuffix(`{}/{x="{a=\\"1\\"}"}:${printLabelSet(part)}`, labels)).toEqual(part)
    }
  })
})
