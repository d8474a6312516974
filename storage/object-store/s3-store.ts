// Objects in a bucket of AWS S3 or a server that speaks its API.
//
// What is put goes with Content-MD5 and a signed SHA-256, so that the server refuses what came damaged. It is right when
// the object's length and ETag are those of the content; where the ETag is no MD5 (encryption with a key of KMS), the object is
// read back once. Large content goes in parts; its ETag is the MD5 of the parts' MD5s, and their count.
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Clock } from '../../lib/std/clock.ts'
import type { Random } from '../../lib/std/random.ts'
import { checkKey, crcOf, isKey, ObjectStoreError, PIECE_BYTES, type ObjectContent, type ObjectHead, type ObjectStore } from './object-store.ts'
import { S3Requests, type S3Options } from './s3-request.ts'
import { xmlEscaped, xmlText, xmlTexts } from './s3-xml.ts'

export interface S3StoreOptions extends S3Options {
  /** Before each key: `prefix/key`; '' for none. */
  prefix: string
  /** Content larger than this goes in parts of this size. S3 takes no smaller ones than 5 MiB, but for the last. */
  partBytes: number
}

const PARTS_MAX = 10_000
/** A listing of a million objects has this many pages. */
const PAGES_MAX = 1000

export class S3Store implements ObjectStore {
  readonly place: string
  readonly #prefix: string
  readonly #partBytes: number
  readonly #requests: S3Requests

  constructor(options: S3StoreOptions, clock: Clock, random: Random) {
    this.#prefix = options.prefix === '' ? '' : `${options.prefix}/`
    this.place = `s3://${options.bucket}/${this.#prefix}`
    this.#partBytes = options.partBytes
    this.#requests = new S3Requests(options, clock, random)
  }

  async put(key: string, content: ObjectContent): Promise<void> {
    checkKey(key)
    if (content.sizeBytes <= this.#partBytes) {
      const body = content.read(0, content.sizeBytes)
      await this.#requests.send({ method: 'PUT', key: this.#prefix + key, headers: { 'content-md5': md5(body).toString('base64') }, body })
    } else {
      await this.#putInParts(this.#prefix + key, content)
    }
    if (!await this.holds(key, content)) {
      throw new ObjectStoreError('DAMAGED', `cannot put ${key} into ${this.place}: the server took ${content.sizeBytes} bytes and holds others`)
    }
  }

  async holds(key: string, content: ObjectContent): Promise<boolean> {
    const found = await this.#look(key)
    if (found === null || found.sizeBytes !== content.sizeBytes) return false
    return found.etag === this.#etagOf(content) || await this.#crcOfStored(key, content.sizeBytes) === crcOf(content)
  }

  async get(key: string, fromBytes: number, lengthBytes: number): Promise<Uint8Array> {
    checkKey(key)
    if (lengthBytes === 0) return new Uint8Array(0)
    const headers = { range: `bytes=${fromBytes}-${fromBytes + lengthBytes - 1}` }
    const { status, body, headers: told } = await this.#requests.send({ method: 'GET', key: this.#prefix + key, headers, also: [416], bytesMax: lengthBytes })
    const range = told.get('content-range') ?? ''
    // Caches between here and the bucket have given other ranges than were asked for.
    const isOther = range !== '' && !range.startsWith(`bytes ${fromBytes}-${fromBytes + lengthBytes - 1}/`)
    if (status === 206 && body.length === lengthBytes && !isOther) return body
    // A server may send the whole object instead.
    if (status === 200 && body.length >= fromBytes + lengthBytes) return body.subarray(fromBytes, fromBytes + lengthBytes)
    throw new ObjectStoreError('DAMAGED', `cannot get bytes ${fromBytes} to ${fromBytes + lengthBytes} of ${key} of ${this.place}: ${status}, ${body.length} bytes came${range && `, ${range}`}`)
  }

  async head(key: string): Promise<ObjectHead | null> {
    const found = await this.#look(key)
    return found === null ? null : { key, sizeBytes: found.sizeBytes }
  }

  async list(prefix: string): Promise<ObjectHead[]> {
    const found: ObjectHead[] = []
    let token = ''
    for (let page = 0; page < PAGES_MAX; page++) {
      const query = { 'list-type': '2', prefix: this.#prefix + prefix, ...(token !== '' && { 'continuation-token': token }) }
      const { body } = await this.#requests.send({ method: 'GET', key: '', query })
      const xml = Buffer.from(body).toString('utf8')
      for (const entry of xmlTexts(xml, 'Contents')) {
        const key = xmlText(entry, 'Key').slice(this.#prefix.length)
        if (isKey(key)) found.push({ key, sizeBytes: Number(xmlText(entry, 'Size')) })
      }
      const next = xmlText(xml, 'NextContinuationToken')
      if (xmlText(xml, 'IsTruncated') !== 'true' || next === '' || next === token) return found.toSorted((a, b) => (a.key < b.key ? -1 : 1))
      token = next
    }
    throw new ObjectStoreError('REFUSED', `cannot list ${this.place}: it has more than ${PAGES_MAX} pages of objects; give Monitor a prefix of its own`)
  }

  async delete(key: string): Promise<void> {
    checkKey(key)
    await this.#requests.send({ method: 'DELETE', key: this.#prefix + key, also: [404] })
  }

  close(): Promise<void> {
    return this.#requests.close()
  }

  async #look(key: string): Promise<{ sizeBytes: number; etag: string } | null> {
    checkKey(key)
    const { status, headers } = await this.#requests.send({ method: 'HEAD', key: this.#prefix + key, also: [404] })
    if (status === 404) return null
    return { sizeBytes: Number(headers.get('content-length') ?? NaN), etag: (headers.get('etag') ?? '').replaceAll('"', '') }
  }

  async #putInParts(key: string, content: ObjectContent): Promise<void> {
    await this.#abortParts(key)
    const begun = await this.#requests.send({ method: 'POST', key, query: { uploads: '' } })
    const uploadId = xmlText(Buffer.from(begun.body).toString('utf8'), 'UploadId')
    const etags: string[] = []
    for (const [from, length] of partsOf(content.sizeBytes, this.#partBytes)) {
      const body = content.read(from, length)
      const query = { partNumber: String(etags.length + 1), uploadId }
      const { headers } = await this.#requests.send({ method: 'PUT', key, query, headers: { 'content-md5': md5(body).toString('base64') }, body })
      etags.push(headers.get('etag') ?? '')
    }
    const parts = etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${xmlEscaped(etag)}</ETag></Part>`)
    const body = Buffer.from(`<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</CompleteMultipartUpload>`)
    await this.#requests.send({ method: 'POST', key, query: { uploadId }, headers: { 'content-type': 'application/xml' }, body })
  }

  /** Parts of an upload that a crash or a failure has cut off cost money until someone takes them away. */
  async #abortParts(key: string): Promise<void> {
    const { body } = await this.#requests.send({ method: 'GET', key: '', query: { uploads: '', prefix: key } })
    for (const upload of xmlTexts(Buffer.from(body).toString('utf8'), 'Upload')) {
      if (xmlText(upload, 'Key') !== key) continue
      await this.#requests.send({ method: 'DELETE', key, query: { uploadId: xmlText(upload, 'UploadId') }, also: [404] })
    }
  }

  #etagOf(content: ObjectContent): string {
    if (content.sizeBytes <= this.#partBytes) return md5(content.read(0, content.sizeBytes)).toString('hex')
    const sums = Array.from(partsOf(content.sizeBytes, this.#partBytes), ([from, length]) => md5(content.read(from, length)))
    return `${md5(Buffer.concat(sums)).toString('hex')}-${sums.length}`
  }

  async #crcOfStored(key: string, sizeBytes: number): Promise<number> {
    let crc = 0
    for (let at = 0; at < sizeBytes; at += PIECE_BYTES) crc = crc32(await this.get(key, at, Math.min(PIECE_BYTES, sizeBytes - at)), crc)
    return crc
  }
}

function* partsOf(sizeBytes: number, partBytes: number): Generator<[from: number, length: number]> {
  const bytes = Math.max(partBytes, Math.ceil(sizeBytes / PARTS_MAX))
  for (let at = 0; at < sizeBytes; at += bytes) yield [at, Math.min(bytes, sizeBytes - at)]
}

function md5(bytes: Uint8Array): Buffer {
  return createHash('md5').update(bytes).digest()
}
