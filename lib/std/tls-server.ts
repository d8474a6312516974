// What a web configuration says of TLS, as options for a server of node:tls; and which clients' certificates will do.
import { createSecureContext, type PeerCertificate, type SecureContextOptions } from 'node:tls'
import { TLS_VERSIONS } from './http-tls.ts'

export interface ServedTls {
  /** PEM. */
  cert: string
  key: string
  /** Of clients' authorities; '' for none. */
  clientCa: string
  /** Go's names. */
  cipherSuites: readonly string[]
  curves: readonly string[]
  prefersServerCiphers: boolean
  minVersion: string
  maxVersion: string
}

/** Certificates or settings that OpenSSL does not take. */
export class TlsSettingsError extends Error {
  readonly code = 'TLS_SETTINGS'
}

const CURVES: ReadonlyMap<string, string> = new Map([['CurveP256', 'P-256'], ['CurveP384', 'P-384'], ['CurveP521', 'P-521'], ['X25519', 'X25519']])
const CERTIFICATE = /-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/

/** Throws TlsSettingsError. */
export function secureContext(tls: ServedTls): SecureContextOptions {
  if (!CERTIFICATE.test(tls.cert)) throw new TlsSettingsError('the certificate is not in PEM form: want a text with -----BEGIN CERTIFICATE-----')
  // Node passes over an authority that is none, and then trusts nobody.
  if (tls.clientCa !== '' && !CERTIFICATE.test(tls.clientCa)) throw new TlsSettingsError('the authority of clients is not in PEM form: want a text with -----BEGIN CERTIFICATE-----')
  const options: SecureContextOptions = {
    cert: tls.cert, key: tls.key, honorCipherOrder: tls.prefersServerCiphers,
    minVersion: TLS_VERSIONS.get(tls.minVersion)!, maxVersion: TLS_VERSIONS.get(tls.maxVersion)!,
    ...(tls.clientCa !== '' && { ca: tls.clientCa }),
    ...(tls.curves.length > 0 && { ecdhCurve: tls.curves.map((name) => CURVES.get(name)!).join(':') }),
    ...(tls.cipherSuites.length > 0 && { ciphers: cipherList(tls.cipherSuites) }),
  }
  try {
    createSecureContext(options)
  } catch (error) {
    throw new TlsSettingsError(`certificate and key cannot be used: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  return options
}

/** Go's names as OpenSSL's; TLS 1.3's are the same, and as in Go not for choice. */
function cipherList(names: readonly string[]): string {
  const older = names.filter((name) => name.includes('_WITH_')).map((name) => {
    return name.slice('TLS_'.length).replace('_WITH_AES_128_', '-AES128-').replace('_WITH_AES_256_', '-AES256-').replace('CBC_SHA', 'SHA').replace('_WITH_CHACHA20_POLY1305_SHA256', '-CHACHA20-POLY1305').replaceAll('_', '-')
  })
  return ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', ...older].join(':')
}

/** What a certificate is for: names, addresses, URIs and mail addresses of its subjectAltName. */
export function alternativeNames({ subjectaltname = '' }: Pick<PeerCertificate, 'subjectaltname'>): string[] {
  // Values in which a separator stands are JSON texts.
  return [...subjectaltname.matchAll(/(?:^|, )(?:DNS|IP Address|URI|email):(?:("(?:[^"\\]|\\.)*")|([^,]*))/g)].map(([, quoted, plain]) => (quoted === undefined ? plain! : (JSON.parse(quoted) as string)))
}
