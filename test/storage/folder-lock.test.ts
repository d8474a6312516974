// Two processes that start at the same moment: at every point of the one's start, the other's whole start comes between.
// Both run in this process; the other's pid is that of a process that lives, its parent.
import fs from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { useDisk, type Disk } from '../../lib/std/fs.ts'
import { FolderError } from '../../storage/errors.ts'
import { FolderLock } from '../../storage/folder-lock.ts'
import { tempFolder } from '../support/temp-folder.ts'

afterEach(() => void useDisk(fs))

const DEAD = '999999999 1\n'
const startOf = (pid: number): string => fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[19]!
/** What a living process writes. */
const OTHER = `${process.ppid} ${startOf(process.ppid)}\n`

/** The disk, with `between` run once before the n-th call that touches the lock. */
function diskWith(n: number, between: () => void): { disk: Disk; calls: () => number } {
  let calls = 0
  const disk = new Proxy(fs as Disk, {
    get: (target, name: keyof Disk) => (...args: unknown[]): unknown => {
      if (String(args[0]).includes('/lock') && ++calls === n) between()
      return (target[name] as (...args: unknown[]) => unknown)(...args)
    },
  })
  return { disk, calls: () => calls }
}

/** Another process takes the stale lock over, or finds this one's: what its constructor does, in one go. */
function otherStarts(folder: string): 'owns' | 'refused' {
  const path = `${folder}/lock`
  const found = fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : null
  if (found !== null && found !== DEAD && found !== '') return 'refused'
  if (found !== null) fs.renameSync(path, `${folder}/lock.stale.other`)
  fs.writeFileSync(path, OTHER, { flag: 'wx' })
  return 'owns'
}

describe('the lock of a folder', () => {
  it.each([['none', null], ['a stale lock', DEAD], ['an empty one', '']])('is had by one of two that start at once, where there is %s', (_, found) => {
    let interleavings = 0
    for (let n = 1; ; n++) {
      const folder = tempFolder()
      if (found !== null) fs.writeFileSync(`${folder}/lock`, found)
      let other: 'owns' | 'refused' | null = null
      const { disk, calls } = diskWith(n, () => (other = otherStarts(folder)))
      useDisk(disk)
      let own: 'owns' | 'refused' = 'owns'
      try {
        new FolderLock(folder)
      } catch (error) {
        if (!(error instanceof FolderError)) throw error
        own = 'refused'
      }
      useDisk(fs)
      if (calls() < n) break
      interleavings++
      expect([n, [own, other].filter((one) => one === 'owns').length]).toEqual([n, 1])
      expect(fs.readFileSync(`${folder}/lock`, 'utf8')).toBe(own === 'owns' ? `${process.pid} ${startOf(process.pid)}\n` : OTHER)
    }
    expect(interleavings).toBeGreaterThan(found === null ? 1 : 4)
  })

  it('tells of an end that was not clean, also of one between two locks', () => {
    const folder = tempFolder()
    const first = new FolderLock(folder)
    expect(first.wasUnclean).toBe(false)
    first.release(false)
    expect(new FolderLock(folder).wasUnclean).toBe(true)
    fs.writeFileSync(`${folder}/lock`, DEAD)
    const second = new FolderLock(folder)
    expect(second.wasUnclean).toBe(true)
    second.release(true)
    expect(fs.readdirSync(folder)).toEqual([])
    const third = new FolderLock(folder)
    expect(third.wasUnclean).toBe(false)
    third.release(true)
  })

  it('names the process that has it', () => {
    const folder = tempFolder()
    fs.writeFileSync(`${folder}/lock`, OTHER)
    expect(() => new FolderLock(folder)).toThrow(`cannot open ${folder}: it is locked by pid ${process.ppid}; stop that process or give another --storage.tsdb.path`)
  })
})
