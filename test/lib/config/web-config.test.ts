import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../lib/config/reader.ts'
import { loadWebConfig } from '../../../lib/config/web-config.ts'

const HASH = '$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a'

describe('a web configuration', () => {
  it('is read as Prometheus reads it', () => {
    expect(loadWebConfig('', 'web.yml')).toEqual({ tls: null, headers: new Map(), users: new Map(), rateLimit: null, warnings: [] })
    expect(loadWebConfig('tls_server_config: {}', 'web.yml').tls).toBeNull()
    expect(loadWebConfig(`
tls_server_config:
  cert_file: c.pem
  key_file: /k/k.pem
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
  client_allowed_sans: [a.example]
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]
  curve_preferences: [X25519, CurveP256]
  prefer_server_cipher_suites: false
  min_version: TLS13
http_server_config:
  http2: false
  headers: { X-Frame-Options: sameorigin, X-XSS-Protection: "0", Content-Security-Policy: default-src 'self' }
basic_auth_users: { ops: "${HASH}" }
rate_limit: { interval: 1s, burst: 20 }
`, '/etc/monitor/web.yml')).toEqual({
      tls: {
        cert: '', certFile: '/etc/monitor/c.pem', key: '', keyFile: '/k/k.pem', clientAuth: 'RequireAndVerifyClientCert', clientCa: '', clientCaFile: '/etc/monitor/ca.pem', clientAllowedSans: ['a.example'],
        cipherSuites: ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA'], curves: ['X25519', 'CurveP256'], prefersServerCiphers: false, minVersion: 'TLS13', maxVersion: 'TLS13',
      },
      headers: new Map([['X-Frame-Options', 'sameorigin'], ['X-XSS-Protection', '0'], ['Content-Security-Policy', "default-src 'self'"]]),
      users: new Map([['ops', HASH]]),
      rateLimit: { intervalMs: 1000, burst: 20 },
      warnings: [],
    })
    expect(loadWebConfig('rate_limit: { interval: 1000000000, burst: 1 }', 'web.yml').rateLimit).toEqual({ intervalMs: 1000, burst: 1 })
  })

  it('is refused with the place of each fault', () => {
    const f = (text: string, ...faults: string[]): void => {
      let said = ''
      try {
        loadWebConfig(text, 'web.yml')
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        said = error.message
      }
      expect(said.split('\n'), text).toEqual(faults)
    }
    // All of these promtool 3.5.3 refuses, too.
    f('- a', 'web.yml:1:1: want keys such as tls_server_config and basic_auth_users, got a list')
    f('tls_server_conf: {}', 'web.yml:1:1: unknown key "tls_server_conf"; did you mean "tls_server_config"?')
    f('tls_server_config: {cert_file: c}', 'web.yml:1:32: tls_server_config.cert_file: a certificate also wants key_file (or key)')
    f('tls_server_config: {key_file: k}', 'web.yml:1:20: tls_server_config.cert_file: must be set, with the certificate of this server (or cert)')
    f('tls_server_config: {cert_file: c, key_file: k, client_ca_file: a}', 'web.yml:1:20: tls_server_config.client_auth_type: client_ca_file has no effect; set client_auth_type to RequireAndVerifyClientCert (or VerifyClientCertIfGiven) too')
    f('tls_server_config: {cert_file: c, key_file: k, client_auth_type: RequireClientCert}', 'web.yml:1:66: tls_server_config.client_auth_type: want one of NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert, got "RequireClientCert"; did you mean RequestClientCert?')
    f('tls_server_config: {cert_file: c, key_file: k, cipher_suites: [FOO], curve_preferences: [P256], min_version: TLS9}',
      'web.yml:1:64: tls_server_config.cipher_suites[0]: want one of TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, got "FOO"',
      'web.yml:1:90: tls_server_config.curve_preferences[0]: want one of CurveP256, CurveP384, CurveP521, X25519, got "P256"',
      'web.yml:1:110: tls_server_config.min_version: want one of TLS10, TLS11, TLS12, TLS13, got "TLS9"; did you mean TLS10?')
    f('http_server_config: {headers: {X-Frame-Options: DENY}}', 'web.yml:1:49: http_server_config.headers.X-Frame-Options: want deny or sameorigin, got "DENY"')
    f('http_server_config: {headers: {X-Frame-Option: deny}}', 'web.yml:1:32: unknown key "X-Frame-Option" in http_server_config.headers; did you mean "X-Frame-Options"?')
    const NO_HASH = 'web.yml:1:23: basic_auth_users.a: want the bcrypt hash of a password, which begins with $2a, $2b or $2y and has 60 characters; htpasswd -nB USER makes one'
    f('basic_auth_users: {a: secret}', NO_HASH)
    f(`basic_auth_users: {a: ${HASH.slice(0, 58)}}`, NO_HASH)
    f(`basic_auth_users: {a: ${HASH.replace('$2b', '$1')}}`, NO_HASH)
    f(`basic_auth_users: {a: ${HASH.replace('$05$', '$03$')}}`, 'web.yml:1:23: basic_auth_users.a: want a cost of 4 to 31, got 3')
    f(`basic_auth_users: {a: ${HASH.replace('$05$', '$32$')}}`, 'web.yml:1:23: basic_auth_users.a: want a cost of 4 to 31, got 32')
    // These it takes, and does not do what is asked for, or lets nobody in.
    f(`basic_auth_users: {a: ${HASH.replace('$2b', '$2x')}}`, NO_HASH)
    f(`basic_auth_users: {a: ${HASH}a}`, NO_HASH)
    f('tls_server_config: {cert_file: c, cert: c, key_file: k}', 'web.yml:1:41: tls_server_config.cert: is given beside cert_file; leave one of them out')
    f('tls_server_config: {cert_file: c, key_file: k, client_auth_type: RequireAndVerifyClientCert}', 'web.yml:1:66: tls_server_config.client_auth_type: RequireAndVerifyClientCert also wants client_ca_file, with the authority that signs the certificates of clients')
    f('tls_server_config: {cert_file: c, key_file: k, client_allowed_sans: [x]}', 'web.yml:1:69: tls_server_config.client_allowed_sans: has no effect; set client_auth_type to RequireAndVerifyClientCert too')
    f('tls_server_config: {cert_file: c, key_file: k, min_version: TLS13, max_version: TLS12}', 'web.yml:1:61: tls_server_config.min_version: is above max_version TLS12')
    f('rate_limit: {interval: 1s}', 'web.yml:1:13: rate_limit.burst: want 1 or more: with 0 no request would be answered')
    f(`basic_auth_users: {"a:b": "${HASH}"}`, 'web.yml:1:20: basic_auth_users: "a:b" cannot be a name: want one without a colon')
  })
})
