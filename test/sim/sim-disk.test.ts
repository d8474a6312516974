// The simulation itself: without faults it is a file system like the real one; with them it loses what a real one may
// lose, and nothing else.
import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Disk } from '../../lib/std/fs.ts'
import { Random } from '../../lib/std/random.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { SimDisk, type Fault } from './sim-disk.ts'
import { SECTOR_BYTES, type Survival } from './sim-file.ts'

const WRITE = fs.constants.O_RDWR | fs.constants.O_CREAT
const SURVIVALS: readonly Survival[] = ['nothing', 'all', 'prefix', 'any']

function newDisk(faults: readonly Fault[] = [], endsAt?: number): SimDisk {
  return new SimDisk({ random: new Random(testSeed()), faults, ...(endsAt !== undefined && { endsAt }) })
}

function write(disk: Disk, path: string, text: string, at = 0): number {
  const fd = disk.openSync(path, WRITE)
  disk.writeSync(fd, Buffer.from(text), 0, text.length, at)
  return fd
}

const after = (disk: SimDisk, survival: Survival): SimDisk => new SimDisk({ random: new Random(testSeed()), names: disk.afterPowerCut(survival) })
const read = (disk: SimDisk, path: string): string | null => (disk.existsSync(path) ? Buffer.from(disk.readFileSync(path)).toString() : null)

/** One random call; what it answers, or its errno name. */
function step(disk: Disk, root: string, random: Random, open: Map<number, number>): unknown {
  const name = `${root}/${random.pick(['a', 'b', 'd/a', 'd/b'])}`
  const slot = random.int(4)
  const at = random.int(1500)
  const length = 1 + random.int(900)
  const fill = random.int(256)
  const kind = random.int(13)
  const fd = open.get(slot)
  try {
    if (kind <= 1) {
      if (fd !== undefined) disk.closeSync(fd)
      open.delete(slot)
      open.set(slot, disk.openSync(name, WRITE))
      return 'opened'
    }
    if (kind === 2) return disk.rmSync(name, { force: true })
    if (kind === 3) return disk.renameSync(name, `${root}/${random.pick(['a', 'd/b', 'c'])}`)
    if (kind === 4) return disk.readdirSync(root).toSorted()
    if (kind === 5) return disk.existsSync(name) ? [disk.statSync(name).size, disk.statSync(name).nlink, Buffer.from(disk.readFileSync(name)).toString('hex')] : null
    if (kind === 12) return disk.linkSync(name, `${root}/${random.pick(['a', 'd/b', 'c'])}`)
    if (kind === 6) return disk.writeFileSync(name, String(fill), { flag: 'wx' })
    if (fd === undefined) return null
    if (kind === 7) return disk.fstatSync(fd).size
    if (kind === 8) return disk.ftruncateSync(fd, at)
    if (kind === 9) {
      const into = new Uint8Array(length)
      return [disk.readSync(fd, into, 0, length, at), Buffer.from(into).toString('hex')]
    }
    return disk.writeSync(fd, new Uint8Array(length).fill(fill), 0, length, at)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

describe('the simulated disk', () => {
  it('answers as a real file system does', () => {
    const seed = testSeed()
    const real = tempFolder()
    const sim = newDisk()
    for (const [disk, root] of [[fs, real], [sim, '']] as const) disk.mkdirSync(`${root}/d`)
    const [randomA, randomB] = [new Random(seed), new Random(seed)]
    const [openA, openB] = [new Map<number, number>(), new Map<number, number>()]
    for (let k = 0; k < 3000; k++) {
      const want = step(fs, real, randomA, openA)
      expect(step(sim, '', randomB, openB), `call ${k} of seed ${seed}`).toEqual(want)
    }
    for (const fd of openA.values()) fs.closeSync(fd)
  })

  it('keeps what was synced, with a name that was synced, through any power cut', () => {
    for (const survival of SURVIVALS) {
      const disk = newDisk()
      const fd = write(disk, '/f', 'old'.repeat(1000))
      disk.fsyncSync(disk.openSync('/', 'r'))
      disk.fdatasyncSync(fd)
      expect(read(after(disk, survival), '/f')).toBe('old'.repeat(1000))
    }
  })

  it('loses data without a sync, names without a sync of their folder, one without the other', () => {
    const disk = newDisk()
    const fd = write(disk, '/f', 'x')
    disk.fdatasyncSync(fd)
    expect(read(after(disk, 'nothing'), '/f')).toBeNull()
    disk.fsyncSync(disk.openSync('/', 'r'))
    disk.writeSync(fd, Buffer.from('yz'), 0, 2, 0)
    expect(read(after(disk, 'nothing'), '/f')).toBe('x')
    expect(read(after(disk, 'all'), '/f')).toBe('yz')
  })

  it('tears what was not synced sector by sector, leaving each old, new or mixed', () => {
    const seen = new Set<string>()
    for (let round = 0; round < 400; round++) {
      const disk = newDisk()
      const fd = write(disk, '/f', 'a'.repeat(4 * SECTOR_BYTES))
      disk.fsyncSync(disk.openSync('/', 'r'))
      disk.fdatasyncSync(fd)
      disk.writeSync(fd, Buffer.alloc(3 * SECTOR_BYTES, 'b'), 0, 3 * SECTOR_BYTES, SECTOR_BYTES)
      const text = read(after(disk, 'any'), '/f')!
      expect(text).toMatch(/^a{512}[ab]{1536}$/)
      seen.add([1, 2, 3].map((sector) => {
        const part = text.slice(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES)
        return part === 'a'.repeat(SECTOR_BYTES) ? 'a' : part === 'b'.repeat(SECTOR_BYTES) ? 'b' : 'm'
      }).join(''))
    }
    expect([...seen].filter((kinds) => !kinds.includes('m')).toSorted()).toEqual(['aaa', 'aab', 'aba', 'abb', 'baa', 'bab', 'bba', 'bbb'])
    expect([...seen].some((kinds) => kinds.includes('m'))).toBe(true)
  })

  it('keeps the order of names within a folder, and a rename whole', () => {
    for (let round = 0; round < 300; round++) {
      const disk = newDisk()
      disk.mkdirSync('/d')
      disk.fsyncSync(disk.openSync('/', 'r'))
      for (const name of ['1', '2', '3']) disk.closeSync(write(disk, `/d/${name}`, name))
      disk.renameSync('/d/1', '/moved')
      disk.closeSync(write(disk, '/d/4', '4'))
      const left = after(disk, 'any')
      const names = left.readdirSync('/d').join('')
      expect(['', '1', '12', '123', '23', '234']).toContain(names)
      expect(left.existsSync('/moved')).toBe(names.startsWith('2'))
    }
  })

  it('never writes what a failed sync has dropped, though it reads it back and later syncs succeed', () => {
    const disk = newDisk([{ at: 1, kind: 'sync' }])
    const fd = write(disk, '/f', 'lost')
    expect(() => disk.fdatasyncSync(fd)).toThrow('EIO')
    disk.fdatasyncSync(fd)
    disk.fsyncSync(disk.openSync('/', 'r'))
    expect(read(disk, '/f')).toBe('lost')
    expect(read(after(disk, 'nothing'), '/f')).not.toContain('lost')
    disk.writeSync(fd, Buffer.from('lost'), 0, 4, 0)
    disk.fdatasyncSync(fd)
    expect(read(after(disk, 'nothing'), '/f')).toBe('lost')
  })

  it('refuses as it is told to, and ends for good', () => {
    const f = (fault: Fault, code: string): void => {
      const disk = newDisk([fault])
      expect(() => write(disk, '/f', 'text')).toThrow(code)
      expect(disk.happened).toEqual([fault])
    }
    f({ at: 2, kind: 'EIO' }, 'EIO')
    f({ at: 1, kind: 'ENOSPC', until: 5 }, 'ENOSPC')
    const short = newDisk([{ at: 1, kind: 'short' }])
    const fd = short.openSync('/f', WRITE)
    const taken = short.writeSync(fd, Buffer.alloc(1000), 0, 1000, 0)
    expect(short.fstatSync(fd).size).toBe(taken)
    const dead = newDisk([], 2)
    dead.mkdirSync('/d')
    for (let k = 0; k < 2; k++) expect(() => dead.mkdirSync(`/e${k}`)).toThrow('EIO')
    expect(dead.isDead).toBe(true)
  })
})
