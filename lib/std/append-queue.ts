// Lines on their way to a file whose disk may hang. One writer at a time takes what waits, in order; who gives a line is never held
// up, and what waits is bounded.
import { DiskError } from './fs.ts'

interface Waiting {
  line: Buffer
  settle: (isWritten: boolean) => void
}

/** Beyond it those that wait are dropped: they are older than what comes. */
const WAITING_BYTES_MAX = 1 << 22
/** Taken at once. */
const PIECE_BYTES = 1 << 16

export class AppendQueue {
  readonly #write: (lines: Buffer) => Promise<void>
  readonly #onError: (error: DiskError) => void
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #writing: Promise<void> | null = null
  /** `wake` was called since `write` was. */
  #isWoken = false

  /** `write` rejects with DiskError, which drops what waits. */
  constructor(write: (lines: Buffer) => Promise<void>, onError: (error: DiskError) => void) {
    this.#write = write
    this.#onError = onError
  }

  /** Whether it was written; never rejects. */
  push(line: Buffer): Promise<boolean> {
    if (this.#waitingBytes + line.length > WAITING_BYTES_MAX) this.drop()
    const written = new Promise<boolean>((settle) => this.#waiting.push({ line, settle }))
    this.#waitingBytes += line.length
    this.#writing ??= this.#run()
    return written
  }

  /** Lets go of lines that nobody has begun to write. */
  drop(): void {
    for (const { settle } of this.#waiting) settle(false)
    this.#waiting = []
    this.#waitingBytes = 0
  }

  /** Has `write` look at the file, though no line may wait. */
  wake(): void {
    this.#isWoken = true
    this.#writing ??= this.#run()
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    await this.#writing
  }

  async #run(): Promise<void> {
    let taken: Waiting[] = []
    try {
      do {
        this.#isWoken = false
        taken = this.#take()
        await this.#write(Buffer.concat(taken.map(({ line }) => line)))
        for (const { settle } of taken) settle(true)
      } while (this.#waiting.length > 0 || this.#isWoken)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      for (const { settle } of taken) settle(false)
      this.drop()
      this.#onError(error)
    } finally {
      // In the turn of the last look at what waits.
      this.#writing = null
    }
  }

  #take(): Waiting[] {
    let [count, bytes] = [0, 0]
    while (count < this.#waiting.length && (count === 0 || bytes + this.#waiting[count]!.line.length <= PIECE_BYTES)) bytes += this.#waiting[count++]!.line.length
    this.#waitingBytes -= bytes
    return this.#waiting.splice(0, count)
  }
}
