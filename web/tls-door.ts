// The web server over TLS. Certificates are looked up anew with each connection, so that renewed ones need no restart; whether
// clients show theirs is judged before they can ask anything.
import type { RequestListener, ServerOptions } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import type { ClientAuthType } from '../lib/config/web-config.ts'
import { alternativeNames } from '../lib/std/tls-server.ts'

const HANDSHAKE_MS = 10_000
/** Go's answer to who speaks HTTP where TLS is spoken, of the same words. */
const WANTS_TLS = 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n'

export interface ClientRule {
  clientAuth: ClientAuthType
  allowedNames: readonly string[]
}

export interface TlsSource {
  /** As of now: another object once certificates have changed. */
  context(): SecureContextOptions
  clients(): ClientRule
}

export function createTlsServer(source: TlsSource, options: ServerOptions, handler: RequestListener): Server {
  let inForce = source.context()
  const { clientAuth } = source.clients()
  // Who is let in is decided below: rules differ from what Node's own refusal can say.
  const server = createServer({ ...options, ...inForce, requestCert: clientAuth !== '' && clientAuth !== 'NoClientCert', rejectUnauthorized: false, handshakeTimeout: HANDSHAKE_MS }, handler)
  server.prependListener('connection', () => {
    const newest = source.context()
    if (newest === inForce) return
    server.setSecureContext(newest)
    inForce = newest
  })
  server.prependListener('secureConnection', (socket) => {
    if (!isLetIn(socket, source.clients())) socket.destroy()
  })
  tellOfTls(server)
  return server
}

/** What is written to a TLS socket whose handshake has failed goes nowhere; its connection still takes bytes. */
function tellOfTls(server: Server): void {
  const connections = new Map<string, Socket>()
  const peer = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
  server.prependListener('connection', (connection: Socket) => {
    const key = peer(connection)
    connections.set(key, connection)
    connection.once('close', () => connections.delete(key))
  })
  server.prependListener('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    if (error.code === 'ERR_SSL_HTTP_REQUEST') connections.get(peer(socket))?.end(WANTS_TLS)
  })
}

function isLetIn(socket: TLSSocket, { clientAuth, allowedNames }: ClientRule): boolean {
  if (clientAuth === '' || clientAuth === 'NoClientCert') return true
  const certificate = socket.getPeerCertificate()
  // Empty where the client has shown none.
  if (Object.keys(certificate).length === 0) return clientAuth === 'RequestClientCert' || clientAuth === 'VerifyClientCertIfGiven'
  if (!socket.authorized && (clientAuth === 'VerifyClientCertIfGiven' || clientAuth === 'RequireAndVerifyClientCert')) return false
  return allowedNames.length === 0 || alternativeNames(certificate).some((name) => allowedNames.includes(name))
}
