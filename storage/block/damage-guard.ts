// What a reader of a block does about damage: it leaves out what it cannot read, and says so.
import { DiskError } from '../../lib/std/fs.ts'
import { BlockError } from '../errors.ts'

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
