import { expect, it } from 'vitest'
import { freshOrderedUuid } from '../../../lib/std/random.ts'

it('gives UUIDs of version 7 in order of their time', () => {
  const ids = [1_700_000_000_000, 1_700_000_000_001, 1_800_000_000_000, 2 ** 48 - 1].map(freshOrderedUuid)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(ids.toSorted()).toEqual(ids)
  expect(ids[0]).toMatch(/^018bcfe5-6800-7/)
  expect(freshOrderedUuid(5)).not.toBe(freshOrderedUuid(5))
})
