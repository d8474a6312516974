// One process per data folder: a file with the owner's pid. A lock left by a process that is gone does not count, but
// says that its end was not clean.
import { createExclusive, readTextIfThere, removeFile, rename } from '../lib/std/fs.ts'
import { FolderError } from './errors.ts'

export class FolderLock {
  readonly #path: string
  /** The last owner did not release it: it crashed or was killed. */
  readonly wasUnclean: boolean

  /** Throws FolderError if a live process owns the folder. */
  constructor(folder: string) {
    this.#path = `${folder}/lock`
    const text = `${process.pid} ${startOf(process.pid)}\n`
    if (createExclusive(this.#path, text)) {
      this.wasUnclean = false
      return
    }
    const [pid = '', start = ''] = (readTextIfThere(this.#path) ?? '').trim().split(' ')
    const owner = Number(pid)
    // A pid is given again; the process that had it when the lock was written is known by when it started.
    if (owner !== process.pid && isAlive(owner) && startOf(owner) === start) {
      throw new FolderError(`cannot open ${folder}: it is locked by pid ${owner}; stop that process or give another --storage.tsdb.path`)
    }
    this.#takeOver(text)
    this.wasUnclean = true
  }

  /** `isClean` false: the next owner must not take what it finds for synced. */
  release(isClean: boolean): void {
    if (isClean) removeFile(this.#path)
    else this.#takeOver('')
  }

  /** The folder is never without a lock meanwhile: who is killed here leaves one that tells of an end that was not clean. */
  #takeOver(text: string): void {
    const aside = `${this.#path}.new`
    removeFile(aside)
    createExclusive(aside, text)
    rename(aside, this.#path)
  }
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
