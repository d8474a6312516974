import { expect, it } from 'vitest'
import { TextCache } from '../../../lib/format/text-cache.ts'
import { Random } from '../../../lib/std/random.ts'
import { testSeed } from '../../support/seed.ts'

it('gives each text its own bytes, whatever came before at its place', () => {
  const random = new Random(testSeed())
  const cache = new TextCache()
  const parts = ['a', 'b', 'é', 'Ã', '©', '\u0080', '\u00ff', '🐟', '~', '\0', 'x'.repeat(31), 'y'.repeat(32)]
  for (let round = 0; round < 20_000; round++) {
    const want = Array.from({ length: random.int(5) }, () => parts[random.int(parts.length)]).join('')
    const bytes = Buffer.from(`--${want}--`)
    expect(cache.text(bytes.subarray(1), 1, bytes.length - 3)).toBe(want)
  }
})

it('takes the bytes of one letter for no text of as many letters, where both have one place', () => {
  const cache = new TextCache()
  const wrong: string[] = []
  for (let code = 0x80; code < 0xd800; code++) {
    const letter = Buffer.from(String.fromCharCode(code))
    const text = Buffer.from(letter.toString('latin1'))
    cache.text(text, 0, text.length)
    if (cache.text(letter, 0, letter.length) !== String.fromCharCode(code)) wrong.push(`U+${code.toString(16)}`)
  }
  expect(wrong).toEqual([])
})
