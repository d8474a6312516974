// Where files go that are written once and read in parts: a folder, or a bucket that speaks S3.
//
//   put  ─▶ all of it, or nothing, under a key; resolves when length and checksum are known to be right
//   get  ─▶ a range of it
//
// Keys are flat names. Objects are not changed: who has something newer puts it under another key.
import { crc32 } from 'node:zlib'
import { assert } from '../../lib/std/assert.ts'
import { DiskFile } from '../../lib/std/fs.ts'

export interface ObjectHead {
  key: string
  sizeBytes: number
}

export interface ObjectStore {
  /** Where it is, for messages. */
  readonly place: string
  /** Resolves when the store holds exactly these bytes, durably; an object of that key is replaced. */
  put(key: string, content: ObjectContent): Promise<void>
  /** Whether the store holds exactly these bytes under the key, by length and checksum. */
  holds(key: string, content: ObjectContent): Promise<boolean>
  /** `lengthBytes` bytes from `fromBytes` on. Rejects with NOT_FOUND, and with DAMAGED if the object ends before. */
  get(key: string, fromBytes: number, lengthBytes: number): Promise<Uint8Array>
  /** null if there is no such object. */
  head(key: string): Promise<ObjectHead | null>
  /** All whose key begins so, by key. */
  list(prefix: string): Promise<ObjectHead[]>
  /** What is not there is no failure. */
  delete(key: string): Promise<void>
  /** Requests under way fail. */
  close(): Promise<void>
}

export type ObjectStoreErrorCode =
  | 'NOT_FOUND'
  /** The store will not, now or later: credentials, permissions, no such bucket. */
  | 'REFUSED'
  /** No usable answer: it may go later. */
  | 'UNREACHABLE'
  /** The store holds, or gave, other bytes than it should. */
  | 'DAMAGED'

/** What a store could not do. `message` names the object, the store and the reason. */
export class ObjectStoreError extends Error {
  readonly code: ObjectStoreErrorCode

  constructor(code: ObjectStoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause })
    this.code = code
  }
}

/** What is put: bytes that do not change while they are read, in pieces. */
export interface ObjectContent {
  readonly sizeBytes: number
  /** A copy of its own. */
  read(fromBytes: number, lengthBytes: number): Uint8Array
}

export function bytesContent(bytes: Uint8Array): ObjectContent {
  return { sizeBytes: bytes.length, read: (from, length) => bytes.slice(from, from + length) }
}

/** Content of a file that stays as it is; opened for each piece, so that nobody need close it. */
export function fileContent(file: string, sizeBytes: number): ObjectContent {
  const read = (from: number, length: number): Uint8Array => {
    const open = DiskFile.openForRead(file)
    try {
      const bytes = new Uint8Array(length)
      if (open.read(bytes, from, length) !== length) throw new ObjectStoreError('DAMAGED', `cannot read ${file}: it is shorter than ${sizeBytes} bytes`)
      return bytes
    } finally {
      open.close()
    }
  }
  return { sizeBytes, read }
}

/** Pieces in which content is read. */
export const PIECE_BYTES: number = 1 << 20

export function* piecesOf(content: ObjectContent): Generator<Uint8Array> {
  for (let at = 0; at < content.sizeBytes; at += PIECE_BYTES) yield content.read(at, Math.min(PIECE_BYTES, content.sizeBytes - at))
}

export function crcOf(content: ObjectContent): number {
  let crc = 0
  for (const piece of piecesOf(content)) crc = crc32(piece, crc)
  return crc
}

/** A key is a file's name, too: no folder can be left with it. */
export function isKey(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(text) && !text.endsWith(ASIDE)
}

export function checkKey(key: string): void {
  assert(isKey(key), `${JSON.stringify(key)} is no key of an object`)
}

/** End of names of files that are not whole yet. */
export const ASIDE: string = '.new'
