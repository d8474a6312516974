// Certificates for tests of TLS, made by the openssl program in a folder of the test's own: an authority, and what it
// has signed.
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

/** Tests of TLS need the Debian package openssl. */
export const hasOpenssl: boolean = spawnSync('openssl', ['version'], { stdio: 'ignore' }).error === undefined

export interface Certificate {
  certFile: string
  keyFile: string
  cert: string
  key: string
}

export class Authority {
  readonly certFile: string
  readonly #folder: string
  readonly #name: string
  #serial = 0

  /** Makes its own certificate in `folder`, which stays the caller's. */
  constructor(folder: string, name: string) {
    this.#folder = folder
    this.#name = name
    this.certFile = path.join(folder, `${name}.crt`)
    run(['req', '-x509', ...NEW_KEY, '-keyout', this.#file('.key'), '-out', this.certFile, '-subj', `/CN=${name}`, '-days', '2'])
  }

  /** `names` as openssl writes subjectAltName: `DNS:a.test,IP:127.0.0.1`; '' for none. */
  sign(names: string, days = 2): Certificate {
    const stem = `-${++this.#serial}`
    const [keyFile, certFile, request, extensions] = [this.#file(`${stem}.key`), this.#file(`${stem}.crt`), this.#file(`${stem}.csr`), this.#file(`${stem}.ext`)]
    run(['req', ...NEW_KEY, '-keyout', keyFile, '-out', request, '-subj', '/CN=signed'])
    fs.writeFileSync(extensions, names === '' ? '' : `subjectAltName=${names}\n`)
    run(['x509', '-req', '-in', request, '-CA', this.certFile, '-CAkey', this.#file('.key'), '-out', certFile, '-days', String(days),
      '-set_serial', String(this.#serial), '-extfile', extensions])
    return { certFile, keyFile, cert: fs.readFileSync(certFile, 'utf8'), key: fs.readFileSync(keyFile, 'utf8') }
  }

  #file(suffix: string): string {
    return path.join(this.#folder, `${this.#name}${suffix}`)
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-batch'] as const

function run(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
