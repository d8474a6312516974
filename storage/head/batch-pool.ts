// The batch buffers of one thread: each selection that is being read has one of its own, and the next one has it after that.
import { BatchBuffer } from './batch-buffer.ts'

/** Selections that are read side by side: those of a sum of joins. */
const POOLED_MAX = 16
/** Values that buffers in the pool have room for, together. */
const POOLED_VALUES_MAX = 4 << 20

/** Allocating a buffer for each selection would be a megabyte of zeros for a hundred series. */
export class BatchPool {
  readonly #free: BatchBuffer[] = []
  #values = 0

  take(): BatchBuffer {
    const batch = this.#free.pop()
    if (batch === undefined) return new BatchBuffer()
    this.#values -= batch.v.length
    return batch
  }

  /** Nobody looks at the buffer any more. */
  give(batch: BatchBuffer): void {
    if (this.#free.length === POOLED_MAX || this.#values + batch.v.length > POOLED_VALUES_MAX) return
    this.#values += batch.v.length
    this.#free.push(batch)
  }
}
