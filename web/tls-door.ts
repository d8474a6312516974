// The web server over TLS. Certificates are looked up anew with each connection, so that renewed ones need no restart; whether
// clients show theirs is judged before they can ask anything.
import type { RequestListener, Server, ServerOptions } from 'node:http'
import { createServer } from 'node:https'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import type { ClientAuthType } from '../lib/config/web-config.ts'
import { alternativeNames } from '../lib/std/tls-server.ts'

const HANDSHAKE_MS = 10_000

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
  return server
}

function isLetIn(socket: TLSSocket, { clientAuth, allowedNames }: ClientRule): boolean {
  if (clientAuth === '' || clientAuth === 'NoClientCert') return true
  const certificate = socket.getPeerCertificate()
  // Empty where the client has shown none.
  if (Object.keys(certificate).length === 0) return clientAuth === 'RequestClientCert' || clientAuth === 'VerifyClientCertIfGiven'
  if (!socket.authorized && (clientAuth === 'VerifyClientCertIfGiven' || clientAuth === 'RequireAndVerifyClientCert')) return false
  return allowedNames.length === 0 || alternativeNames(certificate).some((name) => allowedNames.includes(name))
}
