// What an S3 server, or the way to it, can do wrong: a loopback server that answers by a script. (What it should do:
// conformance.test.ts, against a real one.)
import { createHash } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { systemClock, type Clock } from '../../../lib/std/clock.ts'
import { Random } from '../../../lib/std/random.ts'
import { bytesContent } from '../../../storage/object-store/object-store.ts'
import { S3Store } from '../../../storage/object-store/s3-store.ts'

const BODY = Buffer.from('the object')
const MD5 = createHash('md5').update(BODY).digest('hex')
/** What a small answer may take. */
const ANSWER_MS = 30_000

type Step = (request: http.IncomingMessage, response: http.ServerResponse) => void

const status = (code: number, headers: Record<string, string> = {}, body = ''): Step => (_, response) => void response.writeHead(code, headers).end(body)
const stored = (etag: string): Step => status(200, { 'content-length': String(BODY.length), etag: `"${etag}"` })
const part = (bytes: Buffer): Step => (_, response) => void response.writeHead(206, { 'content-length': String(bytes.length) }).end(bytes)
const cut: Step = (_, response) => {
  response.writeHead(206, { 'content-length': String(BODY.length) })
  response.write(BODY.subarray(0, 3), () => response.destroy())
}
const silence: Step = () => undefined

/** Waits take no time; how long they would have been is kept. `isHasty`: deadlines pass at once, too. */
function hurried(waits: number[], isHasty: boolean): Clock {
  return {
    now: () => Date.parse('2026-01-01T00:00:00Z'), monotonic: () => 0,
    after(delayMs, f) {
      const isDeadline = delayMs >= ANSWER_MS && delayMs < ANSWER_MS + 100
      if (!isDeadline) waits.push(delayMs)
      return !isDeadline ? systemClock.after(0, f) : isHasty ? systemClock.after(20, f) : { cancel: () => undefined }
    },
  }
}

/** A store whose server takes one step a request. */
async function scripted(steps: Step[], { attempts = 4, isHasty = false, headersMs = 0 } = {}): Promise<{ store: S3Store; asked: string[]; waits: number[] }> {
  const asked: string[] = []
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    request.resume().on('end', () => (steps.shift() ?? status(500))(request, response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const waits: number[] = []
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const store = new S3Store({
    endpoint, bucket: 'b', region: 'r', isPathStyle: true, prefix: '', partBytes: 1000, tls: null, attempts, firstWaitMs: 1000, connections: 2, headersMs,
    credentials: () => ({ accessKey: 'a', secretKey: 's', sessionToken: '' }),
  }, hurried(waits, isHasty), new Random(1))
  onTestFinished(async () => {
    await store.close()
    server.closeAllConnections()
    server.close()
  })
  return { store, asked, waits }
}

it('tries again after errors of the server, each time later', async () => {
  const { store, asked, waits } = await scripted([status(500), status(503), status(429), part(BODY)])
  expect(Buffer.from(await store.get('k', 0, BODY.length))).toEqual(BODY)
  expect(asked).toHaveLength(4)
  expect(waits).toHaveLength(3)
  waits.forEach((ms, i) => {
    expect(ms).toBeGreaterThanOrEqual(500 * 2 ** i)
    expect(ms).toBeLessThanOrEqual(1000 * 2 ** i)
  })
})

it('waits at most five minutes', async () => {
  const { store, waits } = await scripted([], { attempts: 12 })
  await expect(store.get('k', 0, 1)).rejects.toMatchObject({ code: 'UNREACHABLE' })
  expect(waits).toHaveLength(11)
  expect(Math.max(...waits)).toBeLessThanOrEqual(300_000)
  expect(Math.max(...waits)).toBeGreaterThanOrEqual(150_000)
})

it('waits as long as the server says, within bounds', async () => {
  const at = new Date('2026-01-01T00:00:25Z').toUTCString()
  const { store, waits } = await scripted([status(503, { 'retry-after': '20' }), status(503, { 'retry-after': at }), status(503, { 'retry-after': '99999' }), part(BODY)])
  await store.get('k', 0, BODY.length)
  expect(waits).toEqual([20_000, 25_000, 300_000])
})

it('does not repeat what is refused, and says what to do', async () => {
  const { store, asked } = await scripted([status(403, {}, '<Error><Code>AccessDenied</Code><Message>Access &lt;Denied&gt;</Message></Error>')])
  await expect(store.put('k', bytesContent(BODY))).rejects.toMatchObject({ code: 'REFUSED', message: expect.stringMatching(/cannot PUT k .*403 AccessDenied Access <Denied> \(the key needs s3:GetObject.*AbortMultipartUpload/) as string })
  expect(asked).toEqual(['PUT /b/k'])
})

it('says what to check where the server says nothing, as to HEAD', async () => {
  const { store } = await scripted([status(403), status(400)])
  const refused = (why: RegExp): object => ({ code: 'REFUSED', message: expect.stringMatching(why) as string })
  await expect(store.head('k')).rejects.toMatchObject(refused(/^cannot HEAD k at http:.*, bucket b: 403, and no reason, as answers to HEAD have none \(check access_key, secret_key, region and this machine's clock; if they are right, the key needs s3:GetObject/))
  await expect(store.head('k')).rejects.toMatchObject(refused(/400, and no reason.*\(check region/))
})

it('takes no part of a body for the whole', async () => {
  const { store, asked } = await scripted([cut, part(BODY)])
  expect(Buffer.from(await store.get('k', 0, BODY.length))).toEqual(BODY)
  expect(asked).toHaveLength(2)
  const other = await scripted([status(206, { 'content-range': 'bytes 8-11/16' }, 'else'), status(206, { 'content-range': 'bytes 4-7/16' }, 'here')])
  await expect(other.store.get('k', 4, 4)).rejects.toMatchObject({ code: 'DAMAGED', message: expect.stringContaining('206, 4 bytes came, bytes 8-11/16') as string })
  expect(Buffer.from(await other.store.get('k', 4, 4)).toString()).toBe('here')
  const short = await scripted([part(BODY.subarray(0, 4))])
  await expect(short.store.get('k', 0, BODY.length)).rejects.toMatchObject({ code: 'DAMAGED' })
})

it('gives up a server that does not answer', async () => {
  const { store, asked } = await scripted([silence, silence, silence], { attempts: 3, isHasty: true })
  await expect(store.get('k', 0, 1)).rejects.toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining('no whole answer within 30') as string })
  expect(asked).toHaveLength(3)
})

it('gives up a server whose answer does not begin, where who asks has little patience', async () => {
  const { store, asked } = await scripted([silence, silence], { attempts: 2, headersMs: 50 })
  await expect(store.get('k', 0, 1)).rejects.toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining('context deadline exceeded (no answer)') as string })
  expect(asked).toHaveLength(2)
})

it('believes no put that the server does not hold', async () => {
  const { store } = await scripted([status(200), status(404)])
  await expect(store.put('k', bytesContent(BODY))).rejects.toMatchObject({ code: 'DAMAGED' })
  const other = Buffer.from('THE object')
  const damaged = await scripted([status(200), stored('0'.repeat(32)), part(other)])
  await expect(damaged.store.put('k', bytesContent(BODY))).rejects.toMatchObject({ code: 'DAMAGED' })
})

it('reads an object back whose ETag is no checksum', async () => {
  const plain = await scripted([status(200), stored(MD5)])
  await plain.store.put('k', bytesContent(BODY))
  expect(plain.asked).toEqual(['PUT /b/k', 'HEAD /b/k'])
  const encrypted = await scripted([status(200), stored('0'.repeat(32)), part(BODY)])
  await encrypted.store.put('k', bytesContent(BODY))
  expect(encrypted.asked).toEqual(['PUT /b/k', 'HEAD /b/k', 'GET /b/k'])
})

it('sends again what came damaged', async () => {
  const { store, asked } = await scripted([status(400, {}, '<Error><Code>BadDigest</Code></Error>'), status(200), stored(MD5)])
  await store.put('k', bytesContent(BODY))
  expect(asked).toEqual(['PUT /b/k', 'PUT /b/k', 'HEAD /b/k'])
})

it('takes an error for one that comes with status 200', async () => {
  const id = '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>'
  const steps = [status(200), status(200, {}, id), status(200, { etag: '"1"' }), status(200, { etag: '"2"' }), status(200, {}, '<Error><Code>InternalError</Code></Error>')]
  const { store } = await scripted(steps, { attempts: 1 })
  await expect(store.put('k', bytesContent(Buffer.alloc(1500)))).rejects.toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining('InternalError') as string })
})

it('needs no listing to be up to date, and ends one that goes in circles', async () => {
  const page = '<R><IsTruncated>true</IsTruncated><Contents><Key>gone</Key><Size>10</Size></Contents><NextContinuationToken>t</NextContinuationToken></R>'
  const { store } = await scripted([status(200), stored(MD5), status(200, {}, page), status(200, {}, page), status(404)])
  await store.put('new', bytesContent(BODY))
  expect((await store.list('')).map(({ key }) => key)).toEqual(['gone', 'gone'])
  await expect(store.get('gone', 0, 10)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

it('waits no longer once it is closed', async () => {
  const { store, asked } = await scripted([silence])
  const got = expect(store.get('k', 0, 1)).rejects.toMatchObject({ code: 'UNREACHABLE' })
  await expect.poll(() => asked).toHaveLength(1)
  await store.close()
  await got
})
