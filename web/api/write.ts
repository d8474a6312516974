// POST /api/v1/write: remote write 1.0 and 2.0 over HTTP. The body is taken raw and whole, within a budget for all senders
// together; what it holds is the RemoteWriter's business.
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { RemoteWriteAnswer, ServerParts } from '../parts.ts'
import { addRoute } from './router.ts'

export const WRITE_PATH = '/api/v1/write'

/** Of one compressed body; its decoded size has the same limit. */
const BODY_BYTES_MAX = 32 << 20
const BODY_TOO_LARGE = 'body exceeds 32 MiB'
/** Of all bodies in memory at once. Beyond it senders are told to come again. */
const IN_FLIGHT_BYTES_MAX = 256 << 20
const RETRY_AFTER_SECONDS = '5'
const PROTO_V1 = 'prometheus.WriteRequest'
const PROTO_V2 = 'io.prometheus.write.v2.Request'

/** Why a body was not read to its end. */
class BodyError extends Error {
  readonly statusCode: number

  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

export function addWriteRoutes(app: FastifyInstance, parts: ServerParts): void {
  const bodies = new BodyReader()
  // A scope of its own for its parsers: any type gets as far as the guard, which answers before the body is read.
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => bodies.read(payload, done))
    scope.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
      const status = error.statusCode ?? 500
      if (!(error instanceof BodyError)) parts.logger.repeated('error', 'remote write failed', { err: error })
      // What was not read would be taken for the next request.
      return plain(reply.header('Connection', 'close'), status, error.message)
    })
    addRoute(scope, ['POST'], WRITE_PATH, async (request, reply) => {
      const body = request.body instanceof Uint8Array ? request.body : EMPTY
      try {
        return sendResult(reply, await parts.writer.write(body, protoOf(request) === PROTO_V2 ? 2 : 1))
      } finally {
        bodies.release(body.length)
      }
    }, { guard: refuseRequest })
  })
}

const EMPTY = new Uint8Array(0)

/** Collects bodies within the limits of one and of all. */
class BodyReader {
  #inFlightBytes = 0

  /** `done` gets the body, whose bytes count until `release`, or an error. */
  read(payload: Readable, done: (error: Error | null, body?: Uint8Array) => void): void {
    const chunks: Buffer[] = []
    let sizeBytes = 0
    let isOver = false
    const end = (error: Error | null, body?: Uint8Array): void => {
      if (isOver) return
      isOver = true
      payload.off('data', onData)
      if (error !== null) this.release(sizeBytes)
      done(error, body)
    }
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk)
      sizeBytes += chunk.length
      this.#inFlightBytes += chunk.length
      if (sizeBytes > BODY_BYTES_MAX) end(new BodyError(413, BODY_TOO_LARGE))
      else if (this.#inFlightBytes > IN_FLIGHT_BYTES_MAX) end(new BodyError(503, 'too many bodies at once'))
    }
    payload.on('data', onData)
    payload.once('end', () => end(null, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, sizeBytes)))
    payload.once('error', () => end(new BodyError(400, 'body cut off')))
    payload.once('close', () => end(new BodyError(400, 'body cut off')))
  }

  release(sizeBytes: number): void {
    this.#inFlightBytes -= sizeBytes
  }
}

function sendResult(reply: FastifyReply, { status, message, samplesWritten, histogramsWritten, exemplarsWritten }: RemoteWriteAnswer): FastifyReply {
  reply.header('X-Prometheus-Remote-Write-Samples-Written', String(samplesWritten))
  reply.header('X-Prometheus-Remote-Write-Histograms-Written', String(histogramsWritten))
  reply.header('X-Prometheus-Remote-Write-Exemplars-Written', String(exemplarsWritten))
  return status === 204 ? reply.code(204).send() : plain(reply, status, message)
}

/** The message that a request says it holds; undefined where it says nothing: 1.0's. */
function protoOf(request: FastifyRequest): string | undefined {
  const parameters = request.headers['content-type']?.split(';').slice(1).map((part) => part.trim())
  return parameters?.find((parameter) => parameter.startsWith('proto='))?.slice('proto='.length)
}

/** 415 for what is no snappy-compressed body, 413 for one that says it is too large. Old senders name no type. */
function refuseRequest(request: FastifyRequest, reply: FastifyReply): boolean {
  const type = request.headers['content-type']
  const encoding = request.headers['content-encoding']
  if (type !== undefined) {
    const media = type.split(';', 1)[0]!.trim()
    if (media.toLowerCase() !== 'application/x-protobuf') {
      const got = media.slice(0, 100)
      plain(reply, 415, `expected application/x-protobuf as the first (media) part, got ${got} content-type`)
      return true
    }
    const proto = protoOf(request)
    if (proto !== undefined && proto !== PROTO_V1 && proto !== PROTO_V2) {
      const got = proto.slice(0, 100)
      plain(reply, 415, `${got} protobuf message is not accepted by this server; only accepts ${PROTO_V1} and ${PROTO_V2}`)
      return true
    }
  }
  if (encoding !== undefined && encoding !== 'snappy') {
    const got = encoding.slice(0, 100)
    plain(reply, 415, `${got} encoding (compression) is not accepted by this server; only snappy is acceptable`)
    return true
  }
  if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) {
    plain(reply.header('Connection', 'close'), 413, BODY_TOO_LARGE)
    return true
  }
  return false
}

function plain(reply: FastifyReply, status: number, message: string): FastifyReply {
  if (status === 503) reply.header('Retry-After', RETRY_AFTER_SECONDS)
  return reply.code(status).type('text/plain; charset=utf-8').send(`${message}\n`)
}
