// Encoded pieces on their way into a block, in the order the source gives them; read again in block order. A million
// series' values do not fit in memory, their pieces' places do.
import path from 'node:path'
import { DiskFile, removeFile } from '../../lib/std/fs.ts'

const WRITE_BYTES = 1 << 20
const LENGTH_BYTES = 4

export class PieceSpool {
  readonly #file: DiskFile
  readonly #buffer = Buffer.alloc(WRITE_BYTES)
  #fill = 0
  #flushed = 0
  #runAt = 0
  #read = Buffer.alloc(64 * 1024)

  constructor(folder: string) {
    this.#file = DiskFile.openForWrite(path.join(folder, 'spool'))
  }

  /** Adds a piece to the run of pieces that `endRun` completes. */
  add(src: Uint8Array, from: number, to: number): void {
    if (this.#fill + LENGTH_BYTES + to - from > WRITE_BYTES) this.#flush()
    this.#buffer.writeUInt32LE(to - from, this.#fill)
    this.#buffer.set(src.subarray(from, to), this.#fill + LENGTH_BYTES)
    this.#fill += LENGTH_BYTES + to - from
  }

  /** Ends a run; returns where it begins, and in `runBytes` its length. */
  endRun(): number {
    const at = this.#runAt
    this.#runAt = this.#flushed + this.#fill
    this.runBytes = this.#runAt - at
    return at
  }

  runBytes = 0

  /** Calls `take` for each piece of a run; the bytes are good until it returns. */
  replay(at: number, bytes: number, take: (src: Uint8Array, from: number, to: number) => void): void {
    if (this.#fill > 0) this.#flush()
    if (bytes > this.#read.length) this.#read = Buffer.alloc(bytes * 2)
    this.#file.read(this.#read, at, bytes)
    for (let p = 0; p < bytes;) {
      const end = p + LENGTH_BYTES + this.#read.readUInt32LE(p)
      take(this.#read, p + LENGTH_BYTES, end)
      p = end
    }
  }

  /** Removes the spool. */
  close(): void {
    this.#file.close()
    removeFile(this.#file.path)
  }

  #flush(): void {
    this.#file.write(this.#buffer.subarray(0, this.#fill), this.#flushed)
    this.#flushed += this.#fill
    this.#fill = 0
  }
}
