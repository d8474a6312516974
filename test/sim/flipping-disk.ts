// A simulated disk with one rotten bit: whoever reads it gets the other value.
import { SimDisk } from './sim-disk.ts'

export class FlippingDisk extends SimDisk {
  #path = ''
  #at = 0
  #mask = 0
  readonly #paths = new Map<number, string>()

  /** From now on this bit of a file is wrong, and no other. */
  flip(path: string, bit: number): void {
    this.#path = path
    this.#at = bit >>> 3
    this.#mask = 1 << (bit & 7)
  }

  override openSync(path: string, flags: string | number): number {
    const fd = super.openSync(path, flags)
    this.#paths.set(fd, path)
    return fd
  }

  override readFileSync(path: string): Uint8Array {
    const bytes = super.readFileSync(path)
    if (path === this.#path && this.#at < bytes.length) bytes[this.#at]! ^= this.#mask
    return bytes
  }

  override readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number): number {
    const n = super.readSync(fd, into, offset, length, position)
    const place = this.#at - position
    if (this.#paths.get(fd) === this.#path && place >= 0 && place < n) into[offset + place]! ^= this.#mask
    return n
  }
}
