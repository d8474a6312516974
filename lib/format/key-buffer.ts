// Keys of series and metadata of families, one behind the other: what the scrape cache keeps of a body whose series
// stand nowhere in it as one run of bytes (protobuf; histograms made of several lines).
import { copyBytes } from '../std/bytes.ts'

export class KeyBuffer {
  bytes: Uint8Array = new Uint8Array(0)
  view: DataView = new DataView(this.bytes.buffer)
  used = 0

  /** Makes room for `extra` bytes more. */
  reserve(extra: number): void {
    const need = this.used + extra
    if (need <= this.bytes.length) return
    const larger = new Uint8Array(Math.max(need, this.bytes.length * 2, 4096))
    larger.set(this.bytes.subarray(0, this.used))
    this.bytes = larger
    this.view = new DataView(larger.buffer)
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.used++] = value
  }

  double(value: number): void {
    this.reserve(8)
    this.view.setFloat64(this.used, value, true)
    this.used += 8
  }

  /** Appends from[at, end). */
  copy(from: DataView, at: number, end: number): void {
    this.reserve(end - at)
    copyBytes(from, at, this.view, this.used, end - at)
    this.used += end - at
  }

  text(text: string): void {
    this.reserve(text.length * 3)
    this.used += Buffer.from(this.bytes.buffer).write(text, this.used)
  }

  /** Begins a metadata entry; the text follows the name. */
  metadata(entry: number, nameBytes: number): void {
    this.reserve(5)
    this.bytes[this.used] = entry
    this.view.setUint32(this.used + 1, nameBytes, true)
    this.used += 5
  }

  clear(): void {
    this.used = 0
  }

  /** Gives back memory beyond `bytesMax`. */
  shrink(bytesMax: number): void {
    if (this.bytes.length <= bytesMax) return
    this.bytes = new Uint8Array(0)
    this.view = new DataView(this.bytes.buffer)
    this.used = 0
  }
}

/** The metadata that stands in bytes[from, end); `entry` is ENTRY_TYPE, ENTRY_HELP or ENTRY_UNIT. */
export function metadataOf(bytes: Uint8Array, from: number, end: number): { entry: number; name: string; text: string } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const nameEnd = from + 5 + buffer.readUInt32LE(from + 1)
  return {
    entry: bytes[from]!,
    name: buffer.toString('utf8', from + 5, nameEnd), text: buffer.toString('utf8', nameEnd, end),
  }
}
