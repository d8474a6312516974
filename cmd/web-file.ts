// The file of --web.config.file in force. As with Prometheus a changed file, and changed certificates, count at once: they are
// looked at again when someone asks. What cannot be used changes nothing.
import { isDeepStrictEqual } from 'node:util'
import type { SecureContextOptions } from 'node:tls'
import { ConfigError } from '../lib/config/load.ts'
import { loadWebConfig, type WebConfig, type WebTls } from '../lib/config/web-config.ts'
import type { Clock } from '../lib/std/clock.ts'
import { DiskError, readRegularUtf8 } from '../lib/std/fs.ts'
import type { Logger } from '../lib/std/log.ts'
import { TlsSettingsError, secureContext } from '../lib/std/tls-server.ts'
import type { WebDoor } from '../web/parts.ts'
import { createTlsServer } from '../web/tls-door.ts'
import { WebConfigError } from './config-file.ts'
import { PasswordThread } from './password-thread.ts'

/** Reading three small files takes 0.1 ms. */
const LOOK_MS = 1000

export interface LoadedWeb {
  config: WebConfig
  /** null: plain HTTP. */
  context: SecureContextOptions | null
}

/** Reads the file and those it names. Throws WebConfigError. */
export function readWebFile(file: string): LoadedWeb {
  try {
    const config = loadWebConfig(readRegularUtf8(file), file)
    return { config, context: config.tls === null ? null : contextOf(config.tls) }
  } catch (error) {
    if (error instanceof ConfigError) throw new WebConfigError(error.message, { cause: error })
    if (error instanceof DiskError || error instanceof TlsSettingsError) throw new WebConfigError(`web configuration ${file}: ${error.message}`, { cause: error })
    throw error
  }
}

function contextOf(tls: WebTls): SecureContextOptions {
  const text = (inline: string, file: string): string => (file === '' ? inline : readRegularUtf8(file))
  return secureContext({ ...tls, cert: text(tls.cert, tls.certFile), key: text(tls.key, tls.keyFile), clientCa: text(tls.clientCa, tls.clientCaFile) })
}

export class WebFile implements WebDoor {
  readonly makeServer: WebDoor['makeServer']
  readonly #file: string
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #passwords: PasswordThread
  #inForce: LoadedWeb
  #lookedAtMs: number
  /** Why the file as it is now is not in force; '' where it is. */
  #fault = ''

  /** Throws WebConfigError. */
  constructor(file: string, { clock, logger, hasThreads }: { clock: Clock; logger: Logger; hasThreads: boolean }) {
    this.#file = file
    this.#clock = clock
    this.#logger = logger
    this.#passwords = new PasswordThread(clock, hasThreads)
    this.#inForce = readWebFile(file)
    this.#warn(this.#inForce)
    this.#lookedAtMs = clock.monotonic()
    const source = {
      context: () => this.#current().context!,
      clients: () => ({ clientAuth: this.#inForce.config.tls!.clientAuth, allowedNames: this.#inForce.config.tls!.clientAllowedSans }),
    }
    this.makeServer = this.#inForce.context === null ? null : (options, handler) => createTlsServer(source, options, handler)
  }

  config(): WebConfig {
    return this.#current().config
  }

  checkPassword(password: string, hash: string): Promise<boolean> {
    return this.#passwords.check(password, hash)
  }

  stop(): void {
    this.#passwords.stop()
  }

  #warn({ config }: LoadedWeb): void {
    for (const warning of config.warnings) this.#logger.warn(warning)
  }

  #current(): LoadedWeb {
    const nowMs = this.#clock.monotonic()
    if (nowMs - this.#lookedAtMs < LOOK_MS) return this.#inForce
    this.#lookedAtMs = nowMs
    try {
      const read = readWebFile(this.#file)
      const why = needsStart(read.config, this.#inForce.config)
      if (why !== '') throw new WebConfigError(why)
      this.#fault = ''
      if (isDeepStrictEqual(read, this.#inForce)) return this.#inForce
      this.#inForce = isDeepStrictEqual(read.context, this.#inForce.context) ? { ...read, context: this.#inForce.context } : read
      this.#logger.info('web configuration applied', { file: this.#file })
      this.#warn(read)
    } catch (error) {
      if (!(error instanceof WebConfigError)) throw error
      if (error.message !== this.#fault) this.#logger.error('web configuration refused; the old one stays in force', { file: this.#file, err: error })
      this.#fault = error.message
    }
    return this.#inForce
  }
}

/** What a server that listens cannot change, for people; '' for nothing. */
function needsStart({ tls: next }: WebConfig, { tls: before }: WebConfig): string {
  if ((next === null) !== (before === null)) return `TLS has been switched ${next === null ? 'off' : 'on'}; that takes effect at the next start`
  const asks = (tls: WebTls | null): boolean => tls !== null && tls.clientAuth !== '' && tls.clientAuth !== 'NoClientCert'
  return asks(next) === asks(before) ? '' : 'client_auth_type has changed between asking clients for certificates and not asking; that takes effect at the next start'
}
