import { describe, expect, it } from 'vitest'
import { AGGREGATORS, SIGNATURES } from '../../../lang/func/signatures.ts'

describe('SIGNATURES', () => {
  it('holds the 90 functions of Prometheus 3.14, 17 of them experimental', () => {
    expect(SIGNATURES.size).toBe(90)
    expect([...SIGNATURES.values()].filter((signature) => signature.isExperimental).length).toBe(17)
  })

  it('knows the arguments of each kind', () => {
    expect(SIGNATURES.get('label_join')).toEqual({
      name: 'label_join', args: ['vector', 'string', 'string', 'string'], variadic: -1, returns: 'vector', isExperimental: false,
    })
    expect(SIGNATURES.get('quantile_over_time')!.args).toEqual(['scalar', 'matrix'])
    expect(SIGNATURES.get('time')).toMatchObject({ args: [], returns: 'scalar' })
    expect(SIGNATURES.get('hasOwnProperty')).toBeUndefined()
  })

  it('knows which aggregations take a parameter', () => {
    expect(AGGREGATORS.count_values.param).toBe('string')
    expect(Object.entries(AGGREGATORS).filter(([, { param }]) => param === 'scalar').map(([op]) => op).toSorted())
      .toEqual(['bottomk', 'limit_ratio', 'limitk', 'quantile', 'topk'])
  })
})
