// What a reader of a block does about damage: it leaves out what it cannot read, and says so.
import path from 'node:path'
import { DiskError } from '../../lib/std/fs.ts'
import { BlockError, MergeError } from '../errors.ts'

/** The error of a merge that met damage: it names the sources it was in, as their readers tell; where one could not be opened, that one. */
export function mergeError(error: unknown, folders: readonly string[], readers: readonly { leftOut: ReadonlySet<string> }[]): unknown {
  if (!(error instanceof BlockError)) return error
  const damaged = folders.filter((_, i) => i === readers.length || (readers[i]?.leftOut.size ?? 0) > 0)
  return new MergeError(error.message, damaged.map((folder) => path.basename(folder)), { cause: error })
}

export class DamageGuard {
  /** Sentences about what was left out, each once. */
  readonly leftOut: Set<string> = new Set<string>()

  /** undefined, and a word in leftOut, where `f` meets damage. */
  run<T>(f: () => T): T | undefined {
    try {
      return f()
    } catch (error) {
      this.note(error)
      return undefined
    }
  }

  /** Notes damage; throws anything else on. A sector that cannot be read is damage too, which may pass. */
  note(error: unknown): void {
    if (!(error instanceof BlockError) && !(error instanceof DiskError && error.code === 'EIO')) throw error
    this.leftOut.add(error.message)
  }
}
