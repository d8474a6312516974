// Sends finished replies of other threads: as they are, or packed; a client that goes away ends its query.
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { QueryJob, QueryReply } from '../../lang/job.ts'
import type { ServerParts } from '../parts.ts'
import { ApiError } from './envelope.ts'
import { Packer, type Encoding } from './packer.ts'

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

  /** Sends the reply of a job. A client that goes away cancels it. */
  async answer(reply: FastifyReply, request: FastifyRequest, job: QueryJob): Promise<FastifyReply> {
    const abort = new AbortController()
    const onClose = (): void => {
      if (!reply.raw.writableFinished) abort.abort(new ApiError('canceled', 'the client closed the connection'))
    }
    reply.raw.once('close', onClose)
    try {
      const answer = await this.#parts.queries.run(job, abort.signal)
      freeWhenSent(reply, answer.body)
      return await this.send(reply, request, answer)
    } catch (error) {
      // Nobody is left to answer to; anything else rises to the server's error handler.
      if (!abort.signal.aborted) throw error
      return reply.hijack()
    } finally {
      reply.raw.off('close', onClose)
    }
  }

  /** Sends what has been answered, packed where that pays and the client takes it. */
  async send(reply: FastifyReply, request: FastifyRequest, { status, body }: QueryReply): Promise<FastifyReply> {
    reply.code(status).type('application/json')
    if (status === 503) reply.header('Retry-After', '5')
    if (body.length < PACKED_BYTES_MIN) return reply.send(body)
    reply.header('Vary', 'Accept-Encoding')
    const encoding = encodingFor(request.headers['accept-encoding'])
    if (encoding === null || !this.#packer.isFree) return reply.send(body)
    reply.header('Content-Encoding', encoding)
    return reply.send(this.#packer.isSmall(body) ? await this.#packer.whole(body, encoding) : Readable.from(this.#packer.parts(body, encoding)))
  }
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
 * The first of ours that an Accept-Encoding header names and does not forbid (RFC 9110 §12.5.3): browsers take zstd, which costs
 * a quarter of gzip and makes answers a third as large.
 */
export function encodingFor(header: string | string[] | undefined): Encoding | null {
  const items = String(header ?? '').toLowerCase().split(',').map((item) => item.split(';').map((part) => part.trim()))
  const takes = (wanted: Encoding): boolean => items.some(([name, ...options]) => name === wanted && !options.some((option) => /^q=0(\.0*)?$/.test(option)))
  return takes('zstd') ? 'zstd' : takes('gzip') ? 'gzip' : null
}
