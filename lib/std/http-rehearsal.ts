// A first request through undici is answered some milliseconds late: its parser is compiled then, and what handles the answer is
// interpreted still. Between the moment at which a receiver has a page and that at which Monitor has noted so, a kill doubles it,
// so messages are rehearsed with a server of our own on loopback. Nothing depends on it.
import net from 'node:net'

const ROUNDS = 40
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok'

/** Calls `send` some times with the address of a server that answers 200; never rejects. */
export async function rehearse(send: (url: URL) => Promise<unknown>): Promise<void> {
  // A request is small and comes in one piece.
  const server = net.createServer((socket) => socket.on('data', () => socket.write(ANSWER)).on('error', () => socket.destroy()))
  try {
    const port = await new Promise<number>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port))
    })
    server.unref()
    for (let round = 0; round < ROUNDS; round++) await send(new URL(`http://127.0.0.1:${port}/`))
  } catch {
    // No loopback here, or no port left: the first messages are a little slower.
  }
  server.close()
}
