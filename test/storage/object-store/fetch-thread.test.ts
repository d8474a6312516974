// Ranges that a thread fetches for one that must not await, over a folder.
import fs from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { FetchThread } from '../../../storage/object-store/fetch-thread.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const ENTRY = new URL('../../../cmd/fetch-worker.ts', import.meta.url)
const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach((close) => close()))

function threadOver(objects: Record<string, string>, entry = ENTRY): FetchThread {
  const folder = tempFolder()
  for (const [key, text] of Object.entries(objects)) fs.writeFileSync(path.join(folder, key), text)
  const thread = new FetchThread(entry, { folder })
  closers.push(() => thread.close())
  return thread
}

const range = (key: string, offset: number, bytes: number): { key: string; offset: number; bytes: number } => ({ key, offset, bytes })
const texts = (fetched: readonly (Uint8Array | string)[] | null): string[] | null => fetched && fetched.map((one) => (typeof one === 'string' ? `(${one})` : Buffer.from(one).toString()))

describe('a fetching thread', () => {
  it('gives what was begun in any order, each range in its place', () => {
    const thread = threadOver({ a: 'abcdef', b: 'uvwxyz' })
    const first = thread.begin([range('a', 0, 2), range('b', 3, 3)])
    const second = thread.begin([range('b', 0, 1)])
    const third = thread.begin([])
    expect(texts(thread.take(second))).toEqual(['u'])
    expect(texts(thread.take(first))).toEqual(['ab', 'xyz'])
    expect(texts(thread.take(third))).toEqual([])
    expect(() => thread.take(first)).toThrow('taken twice')
  })

  it('says of each range why it could not be had', () => {
    const thread = threadOver({ a: 'abcdef' })
    const [good, bad] = texts(thread.take(thread.begin([range('a', 1, 2), range('missing', 0, 1)])))!
    expect(good).toBe('bc')
    expect(bad).toContain('missing')
  })

  it('keeps nothing of what was forgotten, and goes on', () => {
    const thread = threadOver({ a: 'abcdef' })
    const forgotten = [thread.begin([range('a', 0, 1)]), thread.begin([range('a', 1, 1)])]
    thread.forget()
    const next = thread.begin([range('a', 2, 1)])
    expect(texts(thread.take(next))).toEqual(['c'])
    for (const id of forgotten) expect(thread.take(id)).toBeNull()
  })

  it('is started anew after it was closed; what it had begun is forgotten', () => {
    const thread = threadOver({ a: 'abcdef' })
    const lost = thread.begin([range('a', 0, 1)])
    thread.close()
    expect(thread.take(lost)).toBeNull()
    expect(texts(thread.take(thread.begin([range('a', 5, 1)])))).toEqual(['f'])
  })

  describe('that dies', () => {
    const DYING = new URL('../../support/dying-fetch-worker.ts', import.meta.url)
    const dying = (left: number, isSilent: boolean): FetchThread => threadOver({ a: 'abcdef', deaths: JSON.stringify({ left, isSilent }) }, DYING)

    it.each([false, true])('gives way to another, which is asked for all that was not there yet (without a word: %s)', (isSilent) => {
      const thread = dying(1, isSilent)
      const [first, second] = [thread.begin([range('a', 0, 2)]), thread.begin([range('a', 4, 1)])]
      expect(texts(thread.take(second))).toEqual(['e'])
      expect(texts(thread.take(first))).toEqual(['ab'])
    }, 120_000)

    it('twice at one fetch ends that alone, with an error for each range', () => {
      const thread = dying(2, false)
      const [first, second] = [thread.begin([range('a', 0, 2), range('a', 1, 1)]), thread.begin([range('a', 4, 1)])]
      expect(texts(thread.take(first))!.map((text) => text.includes('died twice'))).toEqual([true, true])
      expect(texts(thread.take(second))).toEqual(['e'])
    }, 120_000)

    it('while nobody waits is noticed when somebody does', async () => {
      const folder = tempFolder()
      fs.writeFileSync(path.join(folder, 'a'), 'abcdef')
      fs.writeFileSync(path.join(folder, 'deaths'), JSON.stringify({ left: 1, isSilent: false }))
      const thread = new FetchThread(DYING, { folder })
      closers.push(() => thread.close())
      const id = thread.begin([range('a', 0, 2)])
      await vi.waitFor(() => expect(fs.readFileSync(path.join(folder, 'deaths'), 'utf8')).toContain('"left":0'), { timeout: 60_000, interval: 5 })
      expect(texts(thread.take(id))).toEqual(['ab'])
      expect(texts(thread.take(thread.begin([range('a', 5, 1)])))).toEqual(['f'])
    }, 120_000)
  })
})
