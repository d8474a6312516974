// Lines to a stream whose reader may be slow, stuck or gone, as those of logs are: nothing waits for it, memory for it is bounded, and
// nobody ends because of it.
import type { Writable } from 'node:stream'

/** Some thousands of lines. */
const WAITING_BYTES_MAX = 1 << 20

export class LineSink {
  readonly #stream: Writable
  /** Lines since the stream took some last. */
  #leftOut = 0

  constructor(stream: Writable) {
    this.#stream = stream
    // There is nobody left to be told of it.
    stream.on('error', () => {})
  }

  /** `line` ends with a line break. */
  readonly write = (line: string): void => {
    if (this.#stream.writableLength > WAITING_BYTES_MAX) {
      this.#leftOut++
      return
    }
    if (this.#leftOut > 0) this.#stream.write(`${this.#leftOut} lines were left out here: whoever reads them was too slow\n`)
    this.#leftOut = 0
    this.#stream.write(line)
  }
}
