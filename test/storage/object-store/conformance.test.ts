// One suite for all object stores: a folder, and a bucket of a real S3 server in both styles of address.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../lib/std/clock.ts'
import { Random } from '../../../lib/std/random.ts'
import { FolderStore } from '../../../storage/object-store/folder-store.ts'
import { bytesContent, fileContent, type ObjectStore } from '../../../storage/object-store/object-store.ts'
import { S3Requests, type S3Options } from '../../../storage/object-store/s3-request.ts'
import { S3Store } from '../../../storage/object-store/s3-store.ts'
import { hasSwift, startSwift, type SwiftServer } from '../../support/swift-server.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const PART_BYTES = 100_000

function noise(bytes: number, seed: number): Uint8Array {
  const random = new Random(seed)
  return Uint8Array.from({ length: bytes }, () => random.u32() & 255)
}

function behavesAsAStore(open: (prefix: string) => Promise<ObjectStore>): void {
  it.each([['nothing', 0], ['a byte', 1], ['some bytes', 12_345], ['one part', PART_BYTES], ['several parts', 3 * PART_BYTES + 17]])('holds %s as it was put', async (_, bytes) => {
    const store = await open(`put-${bytes}`)
    const content = noise(bytes, bytes + 1)
    await store.put('a.parquet', bytesContent(content))
    expect(await store.head('a.parquet')).toEqual({ key: 'a.parquet', sizeBytes: bytes })
    expect(Buffer.compare(await store.get('a.parquet', 0, bytes), content)).toBe(0)
    await store.close()
  })

  it('gives ranges, and refuses those past the end', async () => {
    const store = await open('ranges')
    const content = noise(250_000, 2)
    await store.put('r', bytesContent(content))
    for (const [from, length] of [[0, 1], [249_999, 1], [1, 249_998], [99_990, 20]] as const) {
      expect(Buffer.compare(await store.get('r', from, length), content.subarray(from, from + length))).toBe(0)
    }
    await expect(store.get('r', 249_999, 2)).rejects.toMatchObject({ code: 'DAMAGED' })
    await expect(store.get('r', 300_000, 1)).rejects.toMatchObject({ code: 'DAMAGED' })
    await store.close()
  })

  it('knows by length and checksum what it holds', async () => {
    const store = await open('holds')
    for (const bytes of [50_000, 230_000]) {
      const content = noise(bytes, 3)
      expect(await store.holds('h', bytesContent(content))).toBe(false)
      await store.put('h', bytesContent(content))
      expect(await store.holds('h', bytesContent(content))).toBe(true)
      const other = content.slice()
      other[bytes - 1]! ^= 1
      expect(await store.holds('h', bytesContent(other))).toBe(false)
      expect(await store.holds('h', bytesContent(content.subarray(1)))).toBe(false)
      await store.delete('h')
    }
    await store.close()
  })

  it('puts a file, and something else in its place', async () => {
    const store = await open('replace')
    const file = path.join(tempFolder(), 'f')
    const content = noise(220_000, 4)
    fs.writeFileSync(file, content)
    await store.put('x', bytesContent(noise(10, 5)))
    await store.put('x', fileContent(file, content.length))
    expect(Buffer.compare(await store.get('x', 0, content.length), content)).toBe(0)
    await store.put('x', bytesContent(noise(10, 6)))
    expect(Buffer.compare(await store.get('x', 0, 10), noise(10, 6))).toBe(0)
    expect((await store.list('')).map(({ key }) => key)).toEqual(['x'])
    await store.close()
  })

  it('lists by prefix, sorted', async () => {
    const store = await open('list')
    expect(await store.list('')).toEqual([])
    for (const key of ['b.2', 'a', 'b.1', 'c']) await store.put(key, bytesContent(noise(key.length, 7)))
    expect(await store.list('')).toEqual(['a', 'b.1', 'b.2', 'c'].map((key) => ({ key, sizeBytes: key.length })))
    expect((await store.list('b.')).map(({ key }) => key)).toEqual(['b.1', 'b.2'])
    expect(await store.list('z')).toEqual([])
    await store.close()
  })

  it('deletes, also what is not there', async () => {
    const store = await open('delete')
    await store.put('d', bytesContent(noise(9, 8)))
    await store.delete('d')
    await store.delete('d')
    expect(await store.head('d')).toBeNull()
    await expect(store.get('d', 0, 9)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await store.close()
  })
}

describe('a folder', () => {
  behavesAsAStore(() => Promise.resolve(new FolderStore(path.join(tempFolder(), 'archive'))))

  it('takes no notice of files that are not whole', async () => {
    const store = new FolderStore(path.join(tempFolder(), 'archive'))
    await store.put('a', bytesContent(noise(5, 9)))
    fs.writeFileSync(path.join(store.place, 'b.new'), 'half')
    expect((await store.list('')).map(({ key }) => key)).toEqual(['a'])
    await store.put('b', bytesContent(noise(3, 10)))
    expect((await store.list('')).map(({ key }) => key)).toEqual(['a', 'b'])
  })
})

describe.skipIf(!hasSwift)(hasSwift ? 'a bucket' : 'a bucket (needs the package python3-swift)', () => {
  let folder: string
  let server: SwiftServer

  const options = (isPathStyle: boolean): S3Options => ({
    endpoint: isPathStyle ? server.endpoint : server.endpoint.replace('127.0.0.1', 'localhost'), bucket: 'archive', region: 'us-east-1', isPathStyle,
    credentials: () => ({ accessKey: server.accessKey, secretKey: server.secretKey, sessionToken: '' }),
    tls: null, attempts: 2, firstWaitMs: 10, connections: 4,
  })
  const open = (isPathStyle: boolean, prefix: string): S3Store => new S3Store({ ...options(isPathStyle), prefix, partBytes: PART_BYTES }, systemClock, new Random(1))

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-swift-'))
    server = await startSwift(folder)
    const requests = new S3Requests(options(true), systemClock, new Random(1))
    await requests.send({ method: 'PUT', key: '' })
    await requests.close()
  }, 120_000)
  afterAll(async () => {
    await server.stop()
    fs.rmSync(folder, { recursive: true, force: true })
  })

  describe('named in the path', () => behavesAsAStore((prefix) => Promise.resolve(open(true, `path/${prefix}`))))
  // *.localhost is this machine (RFC 6761).
  describe('named in the host', () => behavesAsAStore((prefix) => Promise.resolve(open(false, prefix))))

  it('shares a bucket with others by its prefix', async () => {
    const [one, two] = [open(true, 'one'), open(true, 'two')]
    await one.put('k', bytesContent(noise(1, 11)))
    await two.put('k', bytesContent(noise(2, 12)))
    expect(await one.list('')).toEqual([{ key: 'k', sizeBytes: 1 }])
    await one.delete('k')
    expect(await two.list('')).toEqual([{ key: 'k', sizeBytes: 2 }])
    await Promise.all([one.close(), two.close()])
  })

  it('lists more than a page holds', async () => {
    const store = open(true, 'pages')
    // The server gives 50 a page.
    await Promise.all(Array.from({ length: 120 }, (_, i) => store.put(`k-${String(i).padStart(4, '0')}`, bytesContent(noise(1, 1)))))
    expect((await store.list('k-')).map(({ key }) => key)).toEqual(Array.from({ length: 120 }, (_, i) => `k-${String(i).padStart(4, '0')}`))
    await store.close()
  })

  it('takes the parts of an upload away that was cut off', async () => {
    const store = open(true, 'parts')
    const requests = new S3Requests(options(true), systemClock, new Random(1))
    await requests.send({ method: 'POST', key: 'parts/p', query: { uploads: '' } })
    const uploads = async (): Promise<string> => {
      const { body } = await requests.send({ method: 'GET', key: '', query: { uploads: '', prefix: 'parts/' } })
      return Buffer.from(body).toString('utf8')
    }
    expect(await uploads()).toContain('<Key>parts/p</Key>')
    await store.put('p', bytesContent(noise(3 * PART_BYTES, 13)))
    expect(await uploads()).not.toContain('<Key>parts/p</Key>')
    await Promise.all([store.close(), requests.close()])
  })

  it('says what is wrong with keys and buckets', async () => {
    const wrong = new S3Store({ ...options(true), credentials: () => ({ accessKey: 'test:tester', secretKey: 'other', sessionToken: '' }), prefix: '', partBytes: PART_BYTES }, systemClock, new Random(1))
    await expect(wrong.put('a', bytesContent(noise(3, 1)))).rejects.toMatchObject({ code: 'REFUSED', message: expect.stringMatching(/403 SignatureDoesNotMatch.*check secret_key and region/) as string })
    const missing = new S3Store({ ...options(true), bucket: 'elsewhere', prefix: '', partBytes: PART_BYTES }, systemClock, new Random(1))
    await expect(missing.list('')).rejects.toMatchObject({ code: 'REFUSED', message: expect.stringMatching(/404 NoSuchBucket.*make the bucket/) as string })
    await Promise.all([wrong.close(), missing.close()])
  })
})
