// Two processes that start at the same moment: at every point of the one's start, the other's whole start comes between.
// Both run in this process; the other's pid is that of a process that lives, its parent.
import fs from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { DiskError, useDisk, type Disk } from '../../lib/std/fs.ts'
import { FolderError } from '../../storage/errors.ts'
import { FolderLock } from '../../storage/folder-lock.ts'
import { tempFolder } from '../support/temp-folder.ts'

afterEach(() => void useDisk(fs))

const DEAD = '999999999 1\n'
const startOf = (pid: number): string => fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[19]!
/** What a living process writes. */
const OTHER = `${process.ppid} ${startOf(process.ppid)}\n`

/** The disk, with `between` run once before the n-th call that touches the lock. */
function diskWith(n: number, between: () => void, under: Disk): { disk: Disk; calls: () => number } {
  let calls = 0
  const disk = new Proxy(under, {
    get: (target, name: keyof Disk) => (...args: unknown[]): unknown => {
      if (args.some((arg) => String(arg).includes('/lock')) && ++calls === n) between()
      return (target[name] as (...args: unknown[]) => unknown)(...args)
    },
  })
  return { disk, calls: () => calls }
}

const full = (): never => { throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }) }
/** Has room for names, not for a byte. */
const FULL_DISK: Disk = { ...fs, writeFileSync(path, _text, options) {
  fs.writeFileSync(path, '', options)
  full()
} }

function readLock(folder: string): string | null {
  const path = `${folder}/lock`
  if (fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return null
  return fs.lstatSync(path).isSymbolicLink() ? fs.readlinkSync(path) : fs.readFileSync(path, 'utf8')
}

/** Another process takes the stale lock over, or finds this one's: what its constructor does, in one go. */
function otherStarts(folder: string): 'owns' | 'refused' {
  const path = `${folder}/lock`
  const found = readLock(folder)
  if (found !== null && found !== DEAD && found !== '') return 'refused'
  if (found !== null) fs.renameSync(path, `${folder}/lock.stale.other`)
  fs.writeFileSync(path, OTHER, { flag: 'wx' })
  return 'owns'
}

describe('the lock of a folder', () => {
  it.each([
    ['none', null, fs], ['a stale lock', DEAD, fs], ['an empty one', '', fs], ['none, and no room', null, FULL_DISK], ['a stale lock, and no room', DEAD, FULL_DISK],
  ])('is had by one of two that start at once, where there is %s', (_, found, under) => {
    let interleavings = 0
    for (let n = 1; ; n++) {
      const folder = tempFolder()
      if (found !== null) fs.writeFileSync(`${folder}/lock`, found)
      let other: 'owns' | 'refused' | null = null
      const { disk, calls } = diskWith(n, () => (other = otherStarts(folder)), under)
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
      expect([n, readLock(folder)]).toEqual([n, own === 'owns' ? `${process.pid} ${startOf(process.pid)}\n` : OTHER])
    }
    expect(interleavings).toBeGreaterThan(found === null ? 1 : 4)
  })

  it.each([['none', null], ['a stale lock', DEAD]])('is taken on a disk without room for its text, where there is %s', (_, found) => {
    const folder = tempFolder()
    if (found !== null) fs.writeFileSync(`${folder}/lock`, found)
    useDisk(FULL_DISK)
    const lock = new FolderLock(folder)
    expect(lock.wasUnclean).toBe(found !== null)
    expect(fs.readdirSync(folder)).toEqual(['lock'])
    lock.release(true)
    expect(fs.readdirSync(folder)).toEqual([])
  })

  it('tells the next start of an end that was not clean, where a disk refuses to have it taken over at any call', () => {
    let refusals = 0
    for (let n = 1; ; n++) {
      const folder = tempFolder()
      fs.writeFileSync(`${folder}/lock`, DEAD)
      let isFull = false
      const refuseFrom: Disk = new Proxy(fs as Disk, {
        get: (target, name: keyof Disk) => isFull && (name === 'writeFileSync' || name === 'symlinkSync' || name === 'renameSync') ? full : target[name],
      })
      useDisk(diskWith(n, () => (isFull = true), refuseFrom).disk)
      let lock: FolderLock | null = null
      try {
        lock = new FolderLock(folder)
      } catch (error) {
        expect(error).toBeInstanceOf(DiskError)
        refusals++
      }
      useDisk(fs)
      if (!isFull) break
      if (lock === null) lock = new FolderLock(folder)
      expect([n, lock.wasUnclean]).toEqual([n, true])
    }
    expect(refusals).toBeGreaterThan(2)
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
