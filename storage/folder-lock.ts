// One process per data folder: a file with the owner's pid. A lock left by a process that is gone does not count, but
// says that its end was not clean.
import { DiskError, createExclusive, createExclusiveLink, listFolder, readLinkIfThere, readTextIfThere, removeFile, rename } from '../lib/std/fs.ts'
import { FolderError } from './errors.ts'

const ASIDE = 'lock.stale.'

export class FolderLock {
  readonly #folder: string
  readonly #path: string
  /** The last owner did not release it: it crashed or was killed. */
  readonly wasUnclean: boolean

  /** Throws FolderError if a live process owns the folder. */
  constructor(folder: string) {
    this.#folder = folder
    this.#path = `${folder}/lock`
    const text = `${process.pid} ${startOf(process.pid)}\n`
    if (!createLock(this.#path, text)) this.#setStaleAside(text)
    // Who found it half-written has put it aside for a stale one.
    if (readLock(this.#path) !== text) throw this.#isTaken(readLock(this.#path) ?? '')
    const stale = listFolder(folder).filter((name) => name.startsWith(ASIDE))
    this.wasUnclean = stale.length > 0
    for (const name of stale) removeFile(`${folder}/${name}`)
  }

  /** `isClean` false: the next owner must not take what it finds for synced. */
  release(isClean: boolean): void {
    // A name that stays behind also tells the next owner.
    if (isClean) removeFile(this.#path)
    else rename(this.#path, `${this.#folder}/${ASIDE}${process.pid}`)
  }

  /**
   * Takes the place of a lock whose owner is gone. Of several that try, one moves the stale file; another would move the
   * new one, sees that by its text, and puts it back. Whoever is killed here leaves a lock or what was put aside.
   */
  #setStaleAside(text: string): void {
    const found = readLock(this.#path) ?? ''
    if (isOwned(found)) throw this.#isTaken(found)
    const aside = `${this.#folder}/${ASIDE}${process.pid}`
    this.#move(aside)
    const moved = readLock(aside) ?? ''
    if (moved !== found && isOwned(moved)) {
      createLock(this.#path, moved)
      removeFile(aside)
      throw this.#isTaken(moved)
    }
    if (!createLock(this.#path, text)) throw this.#isTaken(readLock(this.#path) ?? '')
  }

  #move(aside: string): void {
    try {
      rename(this.#path, aside)
    } catch (error) {
      if (error instanceof DiskError && error.code === 'ENOENT') throw this.#isTaken('')
      throw error
    }
  }

  #isTaken(lock: string): FolderError {
    const [pid = ''] = lock.trim().split(' ')
    const owner = pid === '' ? 'by a process that has just started' : `by pid ${pid}`
    return new FolderError(`cannot open ${this.#folder}: it is locked ${owner}; stop that process or give another --storage.tsdb.path`)
  }
}

/** False if there is a lock already. A disk without room for its text has room for a link of that name. */
function createLock(path: string, text: string): boolean {
  try {
    return createExclusive(path, text)
  } catch (error) {
    if (!(error instanceof DiskError && error.code === 'ENOSPC')) throw error
    removeFile(path)
    return createExclusiveLink(path, text)
  }
}

function readLock(path: string): string | null {
  return readLinkIfThere(path) ?? readTextIfThere(path)
}

/** Whether the process that a lock names lives. A pid is given again; the one that wrote the lock is known by when it started. */
function isOwned(lock: string): boolean {
  const [pid = '', start = ''] = lock.trim().split(' ')
  const owner = Number(pid)
  return owner !== process.pid && isAlive(owner) && startOf(owner) === start
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: alive, but another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Clock ticks after boot at which a process started, as /proc says; '' where there is no /proc, or it is dead already. */
function startOf(pid: number): string {
  const stat = readTextIfThere(`/proc/${pid}/stat`) ?? ''
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // A killed process whose parent has not noticed yet (Z) owns nothing any more.
  return fields[0] === 'Z' || fields[0] === 'X' ? '' : fields[19] ?? ''
}
