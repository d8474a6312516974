// Answers read off a connection, in pieces of every kind.
import net, { type AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../../../lib/std/clock.ts'
import { AnswerReader, type AnswerHandler } from '../../../lib/std/http-answer.ts'
import { HttpError } from '../../../lib/std/http-error.ts'
import { PlainHttp, type PlainRequest } from '../../../lib/std/http-plain.ts'

const CONTROL = { abort: () => {} }

interface Read {
  status: number
  statusText: string
  type: string | string[] | undefined
  body: string
  isDone: boolean
  isKept: boolean
  used: number
}

/** Reads `text` in pieces of `size` bytes, through one buffer, as a socket does. */
function read(text: string, size: number): Read {
  const bytes = Buffer.from(text, 'latin1')
  const buffer = Buffer.alloc(65_536)
  const reader = new AnswerReader()
  reader.begin()
  const out: Read = { status: 0, statusText: '', type: undefined, body: '', isDone: false, isKept: false, used: 0 }
  const handler: AnswerHandler = {
    onResponseStart(_, status, headers, statusText) {
      out.status = status
      out.statusText = statusText ?? ''
      out.type = headers['content-type']
    },
    onResponseData: (_, chunk) => void (out.body += chunk.toString('latin1')),
    onResponseEnd: () => {},
    onResponseError: () => {},
  }
  for (let at = 0; at < bytes.length && !reader.isDone; at += size) {
    const n = bytes.copy(buffer, 0, at, Math.min(bytes.length, at + size))
    out.used += reader.read(buffer, n, handler, CONTROL)
    buffer.fill(0x58, 0, n)
  }
  return { ...out, isDone: reader.isDone, isKept: reader.isKept }
}

const SIZES = [1, 2, 3, 5, 7, 16, 40, 10_000]

describe('an answer', () => {
  const f = (text: string, want: Partial<Read>): void => {
    for (const size of SIZES) expect(read(text, size)).toMatchObject(want)
  }
  it('is read whole, however it comes', () => {
    f('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello', { status: 200, statusText: 'OK', type: 'text/plain', body: 'hello', isDone: true, isKept: true })
    f('HTTP/1.1 200 \r\ncontent-length:0\r\n\r\n', { status: 200, statusText: '', body: '', isDone: true })
    f('HTTP/1.1 204\r\nx-Y: \xe4\r\n\r\n', { status: 204, isDone: true, isKept: true })
    f('HTTP/1.1 503 Not now\r\nContent-Length: 2\r\nConnection: Close\r\n\r\nno', { status: 503, statusText: 'Not now', body: 'no', isDone: true, isKept: false })
    f('HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx', { body: 'x', isDone: true, isKept: false })
    f('HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx', { body: 'x', isDone: true, isKept: true })
    f('HTTP/1.1 200 OK\r\ncOnTeNt-tYpE:\t text/plain \t\r\nContent-Typed: no\r\nX-Content-Type: no\r\nContent-Type: later\r\nCONTENT-LENGTH: 1\r\ncontent-length: 1\r\nempty:\r\n\r\nx', { type: 'text/plain', body: 'x', isDone: true })
    f('HTTP/1.1 200 OK\r\nConnection: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n', { isKept: false, isDone: true })
    // As Go's clients take it, whatever the body has.
    for (const [head, end] of [['\n', '\n'], ['\r\n', '\n'], ['\n', '\r\n']] as const) {
      f(`HTTP/1.1 200 OK${head}Content-Type: text/plain${head}Content-Length: 6${head}${end}a\r\n\r\nb`, { status: 200, type: 'text/plain', body: 'a\r\n\r\nb', isDone: true, isKept: true })
    }
    f('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab', { status: 200, body: 'ab', isDone: true })
  })

  it('in chunks is read whole, with extensions, trailers and sizes of any case', () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
    const long = 'y'.repeat(0x2a)
    f(`${head}5\r\nhello\r\n2A;a="b"\r\n${long}\r\n0\r\n\r\n`, { body: `hello${long}`, isDone: true, isKept: true })
    const trailed = `${head}00005 \r\nhello\r\n0\r\nx: y\r\nz\r\n\r\n`
    f(trailed, { body: 'hello', isDone: true, used: trailed.length })
    f(`${head}1\r\na\r\n`, { body: 'a', isDone: false })
    const lines = 'x: y\r\n'.repeat(2700)
    f(`${head}0\r\n${lines}\r\n`, { isDone: true })
    for (const size of [7, 10_000]) expect(() => read(`${head}0\r\n${lines}${lines}\r\n`, size)).toThrow('its trailer is too long')
  })

  it('without a length ends with its connection', () => {
    const text = 'HTTP/1.1 200 OK\r\n\r\nto the end'
    f(text, { body: 'to the end', isDone: false, isKept: false })
    const reader = new AnswerReader()
    reader.begin()
    expect(reader.close()).toBe(false)
  })

  it('says which bytes end it', () => {
    const lasts = (text: string, size: number): boolean[] => {
      const list: boolean[] = []
      const reader = new AnswerReader()
      reader.begin()
      for (let at = 0; at < text.length; at += size) {
        const part = Buffer.from(text.slice(at, at + size))
        reader.read(part, part.length, { onResponseStart: () => {}, onResponseData: (_, __, isLast) => void list.push(isLast === true), onResponseEnd: () => {}, onResponseError: () => {} }, CONTROL)
      }
      return list
    }
    expect(lasts('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\nabcd', 100)).toEqual([true])
    expect(lasts('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\nabcd', 40)).toEqual([false, true])
    expect(lasts('HTTP/1.1 200 OK\r\n\nabcd', 100)).toEqual([false])
    expect(lasts('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\n4\r\nabcd\r\n0\r\n\r\n', 100)).toEqual([false])
  })

  it('takes no byte of what follows', () => {
    const text = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab'
    expect(read(`${text}HTTP/1.1 200 OK`, 10_000)).toMatchObject({ body: 'ab', isDone: true, used: text.length })
  })

  it('that could be read in two ways is refused', () => {
    const refused = (text: string, want: string, code = 'PROTOCOL'): void => {
      for (const size of SIZES) {
        const failure = ((): unknown => {
          try {
            return read(text, size)
          } catch (error) {
            return error
          }
        })()
        expect(failure, text).toBeInstanceOf(HttpError)
        expect(failure).toMatchObject({ code, message: expect.stringContaining(want) as string })
      }
    }
    refused('SSH-2.0-OpenSSH_9.6\r\n', 'it begins with "S')
    refused('HTTP/2 200 OK\r\n\r\n', '"HTTP/2')
    refused('HTTP/1.1 20 OK\r\n\r\n', 'its first line is')
    for (const line of ['HTTP/1.1 099 OK', 'HTTP/1.1 2000 OK', 'HTTP/1.1 200OK', 'HTTP/1.2 200 OK', 'HTTP/1.1  200 OK', 'HTTP/1.1 20x OK', 'HTTP/1.1 200 O\rK', 'HTTP/1.1']) refused(`${line}\r\n\r\n`, 'its first line is')
    for (const line of [': x', 'no colon', 'a b: c', 'ä: b', 'a: b\x7f', 'a: \vb']) refused(`HTTP/1.1 200 OK\r\n${line}\r\n\r\n`, 'a header is')
    refused('HTTP/1.1 200 OK\nContent-Length: 1\rx\n\nx', 'a header is')
    refused('HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\nx', 'a header is')
    refused('HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n', 'a header is')
    refused('HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n', 'a header is')
    refused('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy', 'two values of Content-Length')
    refused('HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx', 'Content-Length is "+1"')
    refused('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx', 'both Content-Length and Transfer-Encoding')
    refused('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n', 'is not understood')
    refused('HTTP/1.1 101 Switching Protocols\r\n\r\n', 'changes the protocol')
    refused('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n', 'a chunk has no size')
    refused('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc', 'longer than it says')
    refused(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(3000)}\r\n`, 'larger than 16 KiB', 'HEADERS_TOO_LARGE')
  })
})

describe('connections', () => {
  const closers: (() => void)[] = []
  afterEach(() => {
    for (const close of closers.splice(0)) close()
  })

  /** Answers every request with `answer`; returns the origin and the number of connections. */
  async function serve(answer: string): Promise<{ origin: string; connections: () => number }> {
    let connections = 0
    const sockets = new Set<net.Socket>()
    const server = net.createServer((socket) => {
      connections++
      sockets.add(socket)
      socket.on('data', () => socket.write(answer))
      socket.on('error', () => {})
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => connections }
  }

  function ask(http: PlainHttp, origin: string, headers: Record<string, string> = {}): Promise<string> {
    const request: PlainRequest = { origin, path: '/', method: 'GET', headers, text: '' }
    return new Promise((resolve, reject) => {
      let body = ''
      http.dispatch(request, {
        onRequestStart: () => {}, onResponseStart: () => {}, onResponseData: (_, chunk) => void (body += chunk.toString()),
        onResponseEnd: () => resolve(body), onResponseError: (_, error) => reject(error),
      })
    })
  }

  function plain(clock = new FakeClock()): PlainHttp {
    const http = new PlainHttp(clock, 1000)
    closers.push(() => http.destroy())
    return http
  }

  it('are not used when the server may just be closing them', async () => {
    const { origin, connections } = await serve('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nKeep-Alive: timeout=5\r\n\r\nx')
    const clock = new FakeClock()
    const http = plain(clock)
    await ask(http, origin)
    await clock.advance(3900)
    await ask(http, origin)
    expect(connections()).toBe(1)
    await clock.advance(4001)
    await ask(http, origin)
    expect(connections()).toBe(2)
  })

  it('that bring more than was asked for are closed', async () => {
    const { origin, connections } = await serve('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n')
    const http = plain()
    expect(await ask(http, origin)).toBe('x')
    expect(await ask(http, origin)).toBe('x')
    expect(connections()).toBe(2)
  })

  it('carry no header that would end itself', async () => {
    const { origin, connections } = await serve('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx')
    const http = plain()
    await expect(ask(http, origin, { a: 'b\r\nc: d' })).rejects.toThrow('a header has a character that none may have')
    await expect(ask(http, origin, { 'a\r\nb': 'c' })).rejects.toThrow('a header has a character that none may have')
    expect(connections()).toBe(0)
  })
})
