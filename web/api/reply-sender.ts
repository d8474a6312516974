// Sends finished replies of other threads: as they are, or packed; a client that goes away ends its query.
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { QueryJob, QueryReply } from '../../lang/job.ts'
import type { ServerParts } from '../parts.ts'
import { ApiError } from './envelope.ts'
import { Packer, type Encoding } from './packer.ts'

const JSON_TYPE = 'application/json'

/** Replies below this are sent as they are. */
const PACKED_BYTES_MIN = 8192

/** Larger ones are not left to the garbage collector. */
const FREED_BYTES_MIN = 256 << 10

/** Runs jobs and sends their bytes; one for all connections. */
export class ReplySender {
  readonly #parts: ServerParts
  readonly #packer = new Packer()

  constructor(parts: ServerParts) {
    this.#parts = parts
  }

  /** Sends the reply of a job, a success as `type`. A client that goes away cancels it. */
  async answer(reply: FastifyReply, request: FastifyRequest, job: QueryJob, type: string = JSON_TYPE): Promise<FastifyReply> {
    const abort = new AbortController()
    const onClose = (): void => {
      if (!reply.raw.writableFinished) abort.abort(new ApiError('canceled', 'the client closed the connection'))
    }
    reply.raw.once('close', onClose)
    try {
      const answer = await this.#parts.queries.run(job, abort.signal)
      freeWhenSent(reply, answer.body)
      return await this.send(reply, request, answer, type)
    } catch (error) {
      // Nobody is left to answer to; anything else rises to the server's error handler.
      if (!abort.signal.aborted) throw error
      return reply.hijack()
    } finally {
      reply.raw.off('close', onClose)
    }
  }

  /** Sends what has been answered, packed where that pays and the client takes it. */
  async send(reply: FastifyReply, request: FastifyRequest, { status, body }: QueryReply, type: string = JSON_TYPE): Promise<FastifyReply> {
    reply.code(status).type(type)
    if (status === 503) reply.header('Retry-After', '5')
    if (status !== 200 && type !== JSON_TYPE) return reply.type('text/plain; charset=utf-8').send(plainError(body))
    if (body.length < PACKED_BYTES_MIN) return reply.send(body)
    reply.header('Vary', 'Accept-Encoding')
    // What answers HEAD is sent, and its memory given back, before a body that nobody reads were packed.
    const encoding = request.method === 'HEAD' ? null : encodingFor(request.headers['accept-encoding'])
    if (encoding === null || !this.#packer.isFree) return reply.send(body)
    reply.header('Content-Encoding', encoding)
    return reply.send(this.#packer.isSmall(body) ? await this.#packer.whole(body, encoding) : Readable.from(this.#packer.parts(body, encoding)))
  }
}

/** For who wants no JSON. */
function plainError(body: Uint8Array): string {
  return `${(JSON.parse(Buffer.from(body).toString()) as { error: string }).error}\n`
}

/**
 * Gives the memory of a large answer back as soon as the kernel has it. Left to the garbage collector it counts as pressure on
 * the heap, and some answers later all of it is marked.
 */
function freeWhenSent(reply: FastifyReply, { buffer, length }: Uint8Array): void {
  if (length < FREED_BYTES_MIN || !(buffer instanceof ArrayBuffer)) return
  // Not so when a client goes away: a write may still be under way.
  reply.raw.once('finish', () => buffer.transfer(0))
}

/**
 * That of ours which an Accept-Encoding header ranks highest (RFC 9110 §12.5.3), of equal ones zstd: it costs a quarter of gzip
 * and makes answers a third as large. null where the header names neither, or forbids them.
 */
export function encodingFor(header: string | string[] | undefined): Encoding | null {
  const items = String(header ?? '').toLowerCase().split(',').map((item) => item.split(';').map((part) => part.trim()))
  const rank = (wanted: Encoding): number => {
    const item = items.find(([name]) => name === wanted)
    const weight = item?.find((option) => option.startsWith('q='))
    return item === undefined ? 0 : weight === undefined ? 1 : Number(weight.slice(2)) || 0
  }
  const [zstd, gzip] = [rank('zstd'), rank('gzip')]
  return zstd === 0 && gzip === 0 ? null : zstd >= gzip ? 'zstd' : 'gzip'
}
