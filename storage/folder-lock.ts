// One process per data folder: a file with the owner's pid. A lock left by a process that is gone does not count, but
// says that its end was not clean.
import { DiskError, createExclusive, createExclusiveLink, link, listFolder, readLinkIfThere, readTextIfThere, removeFile, rename } from '../lib/std/fs.ts'
import { isMarkAlive, ownMark } from '../lib/std/process-mark.ts'
import { FolderError } from './errors.ts'

const ASIDE = 'lock.stale.'
/** Of a stale lock, one that a disk without room left empty, and one that came between. */
const ASIDE_MAX = 3

export class FolderLock {
  readonly #folder: string
  readonly #path: string
  readonly #text = `${ownMark()}\n`
  /** The last owner did not release it: it crashed or was killed. */
  readonly wasUnclean: boolean
  /** The disk had no room for a lock's text. */
  #isFull = false

  /** Throws FolderError if a live process owns the folder. */
  constructor(folder: string) {
    this.#folder = folder
    this.#path = `${folder}/lock`
    // Names of their own: what one of them tells must not go with another.
    for (let tries = 0; !this.#create(this.#text); tries++) {
      if (tries === ASIDE_MAX) throw this.#isTaken(readLock(this.#path) ?? '')
      this.#setStaleAside(`${folder}/${ASIDE}${process.pid}.${tries}`)
    }
    // Who found it half-written has put it aside for a stale one.
    if (readLock(this.#path) !== this.#text) throw this.#isTaken(readLock(this.#path) ?? '')
    const stale = listFolder(folder).filter((name) => name.startsWith(ASIDE))
    this.wasUnclean = stale.length > 0
    for (const name of stale) removeFile(`${folder}/${name}`)
  }

  /** False where the folder was moved or deleted, or another's is in its place: what is written to open files is lost. */
  isHeld(): boolean {
    try {
      return readLock(this.#path) === this.#text
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      // Not told is not gone: what the disk then refuses is noticed where it is written.
      return true
    }
  }

  /** `isClean` false: the next owner must not take what it finds for synced. */
  release(isClean: boolean): void {
    if (!this.isHeld()) return
    // A name that stays behind also tells the next owner.
    if (isClean) removeFile(this.#path)
    else rename(this.#path, `${this.#folder}/${ASIDE}${process.pid}`)
  }

  /**
   * Makes way for a lock where that of an owner who is gone is. Of several that try, one moves the stale file; another would
   * move the new one, sees that by its text, and puts it back. Whoever is killed here leaves a lock or what was put aside.
   */
  #setStaleAside(aside: string): void {
    const found = readLock(this.#path) ?? ''
    if (isOwned(found)) throw this.#isTaken(found)
    this.#move(aside)
    const moved = readLock(aside) ?? ''
    if (moved !== found && isOwned(moved)) {
      this.#putBack(aside, moved)
      removeFile(aside)
      throw this.#isTaken(moved)
    }
    // Begun in this start, it tells of no end.
    if (this.#isFull && moved === '') removeFile(aside)
  }

  /**
   * False if there is a lock already. A disk without room for its text has room for a link of that name. An empty file may be
   * in its way then; it is put aside as a stale lock is, never removed: the name may be another's by now, or have told of an
   * end before this start.
   */
  #create(text: string): boolean {
    try {
      if (!this.#isFull) return createExclusive(this.#path, text)
    } catch (error) {
      if (!(error instanceof DiskError && error.code === 'ENOSPC')) throw error
      this.#isFull = true
    }
    return createExclusiveLink(this.#path, text)
  }

  #move(aside: string): void {
    try {
      rename(this.#path, aside)
    } catch (error) {
      if (error instanceof DiskError && error.code === 'ENOENT') throw this.#isTaken('')
      throw error
    }
  }

  /** Unless another has the name already. */
  #putBack(aside: string, text: string): void {
    try {
      link(aside, this.#path)
    } catch (error) {
      // Not every file system has links.
      if (!(error instanceof DiskError)) throw error
      this.#create(text)
    }
  }

  #isTaken(lock: string): FolderError {
    const [pid = ''] = lock.trim().split(' ')
    const owner = pid === '' ? 'by a process that has just started' : `by pid ${pid}`
    return new FolderError(`cannot open ${this.#folder}: it is locked ${owner}; stop that process or give another --storage.tsdb.path`)
  }
}

function readLock(path: string): string | null {
  return readLinkIfThere(path) ?? readTextIfThere(path)
}

/** Whether the process that a lock names lives, and is another. */
function isOwned(lock: string): boolean {
  return Number(lock.trim().split(' ')[0]) !== process.pid && isMarkAlive(lock)
}
