import { describe, expect, it } from 'vitest'
import { editDistance, nearestWord } from '../../../lib/std/nearest-word.ts'

describe('nearestWord', () => {
  it('counts edits, a swap of neighbours as one, up to the limit', () => {
    const f = (a: string, b: string, want: number, limit = 10): void => expect(editDistance(a, b, limit)).toBe(want)
    f('kitten', 'sitting', 3)
    f('', 'abc', 3)
    f('up', 'up', 0)
    f('jbo', 'job', 1)
    f('ca', 'abc', 3)
    f('abcdef', 'uvwxyz', 3, 3)
    f('abcdefgh', 'xxxxefgh', 4, 9)
    f('a', 'abcdef', 2, 2)
  })

  it('takes the nearest of what is near', () => {
    expect(nearestWord('scrape_intervall', ['scrape_timeout', 'scrape_interval'])).toBe('scrape_interval')
    expect(nearestWord('Jobname', ['job_name'])).toBe('job_name')
    expect(nearestWord('<', ['gt', 'gte', 'lt', 'lte', 'eq'])).toBe(null)
    expect(nearestWord('bogus', ['global', 'scrape_configs'])).toBe(null)
  })
})
