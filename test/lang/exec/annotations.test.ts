import { describe, expect, it } from 'vitest'
import { checkPick } from '../../../lang/exec/aggregate-params.ts'
import { Annotations, ofArgument } from '../../../lang/exec/annotations.ts'

const QUERY = 'sum(grüße) +\n  sum(b) + sum(b)'
const at = (text: string, from = 0): { start: number; end: number } => {
  const start = QUERY.indexOf(text, from)
  return { start, end: start + text.length }
}
const LAST = QUERY.lastIndexOf('sum(b)')

describe('annotations', () => {
  it('end with line and column, in UTF-8 bytes', () => {
    const notes = new Annotations(QUERY)
    notes.warn('w', at('sum(b)'))
    notes.info('i', at('+'))
    expect([notes.warnings(), notes.infos()]).toEqual([['PromQL warning: w (2:3)'], ['PromQL info: i (1:14)']])
  })

  it('tell a text once, at the place evaluated last: right after left, outer after inner', () => {
    const notes = new Annotations(QUERY)
    for (const place of [at('sum(b)', LAST), at('grüße'), at('b')]) notes.warn('w', place)
    notes.info('i', at('sum(grüße)'))
    notes.info('i', at('grüße'))
    expect([notes.warnings(), notes.infos()]).toEqual([['PromQL warning: w (2:12)'], ['PromQL info: i (1:1)']])
  })

  it('tell what a caller says of its arguments behind what they say themselves, also in copies', () => {
    const notes = new Annotations(QUERY)
    notes.warn('w', at('b'))
    notes.warn('w', ofArgument(at('b'), at('sum(b)')))
    notes.info('i', ofArgument(at('sum(b)'), { start: 0, end: LAST }))
    notes.info('i', ofArgument(at('b'), at('sum(b)')))
    expect([notes.warnings(), notes.infos()]).toEqual([['PromQL warning: w (2:7)'], ['PromQL info: i (2:3)']])
    notes.copy(at('sum(b)'), LAST)
    expect([notes.warnings(), notes.infos()]).toEqual([['PromQL warning: w (2:16)'], ['PromQL info: i (2:16)']])
    notes.copy(at('b'), 4)
    expect(notes.warnings()).toEqual(['PromQL warning: w (2:16)'])
  })

  it('speak of a copy where it stands, also within copies', () => {
    const notes = new Annotations(QUERY)
    notes.copy(at('sum(b)'), LAST)
    notes.warn('w', at('b'))
    expect(notes.warnings()).toEqual(['PromQL warning: w (2:16)'])
  })

  it('gather what is merged, at the place evaluated first', () => {
    const notes = new Annotations(QUERY)
    for (const [place, size] of [[at('sum(b)', LAST), 3], [at('grüße'), 2]] as const) {
      const sum = notes.warnMerged('sizes', place, () => ({ total: 0 }), ({ total }) => `sizes of ${total}`)
      sum.total += size
    }
    notes.infoMerged('sizes', at('b'), () => ({ total: 0 }), () => 'another kind')
    expect([notes.warnings(), notes.infos()]).toEqual([['PromQL warning: sizes of 5 (1:5)'], ['PromQL info: another kind (2:7)']])
  })

  it('are ten of a kind at most, and a count of the others', () => {
    const notes = new Annotations(QUERY)
    for (let i = 0; i < 13; i++) notes.warn(`w${i}`, at('b'))
    for (let i = 0; i < 10; i++) notes.info(`i${i}`, at('b'))
    notes.warnPlain('of the answer')
    expect([notes.warnings().length, notes.warnings().at(-1), notes.infos().length]).toEqual([11, '4 more warning annotations omitted', 10])
  })
})

describe('k of topk', () => {
  it('is a number that an int64 holds, at every step', () => {
    const check = (...ks: number[]): unknown => checkPick('topk', Float64Array.of(...ks), new Annotations(QUERY), at('b'))
    expect(check(1, 2 ** 62)).toEqual(Float64Array.of(1, 2 ** 62))
    expect(check(1, -(2 ** 62))).toEqual(Float64Array.of(1, -(2 ** 62)))
    // Nothing is picked at any step.
    expect(check(0.5, -Infinity)).toEqual(Float64Array.of(0.5, -Infinity))
    expect(() => check(1, -(2 ** 63))).toThrow('Scalar value -9.223372036854776e+18 underflows int64')
    expect(() => check(1, 2 ** 63)).toThrow('Scalar value 9.223372036854776e+18 overflows int64')
    expect(() => check(1, NaN)).toThrow('Parameter value is NaN')
  })
})
