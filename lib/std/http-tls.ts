// What a scrape config says of TLS, as options for node:tls.
import type { buildConnector } from 'undici'
import { readRegular } from './fs.ts'

export interface TlsOptions {
  ca: string
  caFile: string
  cert: string
  certFile: string
  key: string
  keyFile: string
  serverName: string
  insecureSkipVerify: boolean
  minVersion: string
  maxVersion: string
}

/** Go's names as OpenSSL's. */
export const TLS_VERSIONS: ReadonlyMap<string, 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'> = new Map([
  ['TLS10', 'TLSv1'], ['TLS11', 'TLSv1.1'], ['TLS12', 'TLSv1.2'], ['TLS13', 'TLSv1.3'],
])

/** Options for node:tls. Throws where a file cannot be read. */
export function tlsContext(tls: TlsOptions | null): Partial<buildConnector.BuildOptions> {
  if (tls === null) return {}
  const text = (inline: string, file: string): string => (file === '' ? inline : Buffer.from(readRegular(file)).toString('utf8'))
  const ca = text(tls.ca, tls.caFile)
  const cert = text(tls.cert, tls.certFile)
  const key = text(tls.key, tls.keyFile)
  const minVersion = TLS_VERSIONS.get(tls.minVersion)
  const maxVersion = TLS_VERSIONS.get(tls.maxVersion)
  return {
    rejectUnauthorized: !tls.insecureSkipVerify,
    ...(ca !== '' && { ca }), ...(cert !== '' && { cert }), ...(key !== '' && { key }),
    ...(tls.serverName !== '' && { servername: tls.serverName }),
    ...(minVersion !== undefined && { minVersion }), ...(maxVersion !== undefined && { maxVersion }),
  }
}
