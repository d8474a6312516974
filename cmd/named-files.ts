// Files that a configuration names and its checks do not read: keys, passwords, certificates, and rule files named without a
// pattern. The server starts without them, as Prometheus does, and says so; `monitor check config` refuses.
import { createSecureContext } from 'node:tls'
import type { HttpClientConfig } from '../lib/config/http-client.ts'
import type { Config } from '../lib/config/scrape-config.ts'
import { TargetFileError, parseTargetFile } from '../lib/config/target-file.ts'
import { DiskError, readRegularUtf8 } from '../lib/std/fs.ts'
import { glob } from '../lib/std/glob.ts'
import type { TlsOptions } from '../lib/std/http-tls.ts'

const PATTERN = /[*?[]/

/** What is missing or cannot be used, for people, each with the section that names it. */
export function namedFileFaults({ scrapeConfigs, rules, alerting }: Config): string[] {
  return [
    ...missingFiles('rule_files', 'rules', rules.files),
    ...scrapeConfigs.flatMap(({ jobName, http }) => clientFaults(http).map((fault) => `scrape config ${JSON.stringify(jobName)}: ${fault}; its targets cannot be scraped until this is mended`)),
    ...scrapeConfigs.flatMap(({ jobName, httpSdConfigs }) => httpSdConfigs.flatMap(({ http }, i) => clientFaults(http).map((fault) => `scrape config ${JSON.stringify(jobName)}: http_sd_configs[${i}]: ${fault}; it gives no targets until this is mended`))),
    ...alerting.alertmanagers.flatMap(({ http }, i) => clientFaults(http).map((fault) => `alerting.alertmanagers[${i}]: ${fault}; it gets no alerts until this is mended`)),
  ]
}

/** Those named without a pattern that are not there. */
export function missingFiles(key: string, what: string, files: readonly string[]): string[] {
  return files.filter((file) => !PATTERN.test(file) && glob(file).length === 0).map((file) => `${key}: there is no ${file}; no ${what} are read from it`)
}

/** What is wrong in the files of targets that are there; a server goes on without them, and reads them again when they change. */
export function targetFileFaults({ scrapeConfigs, alerting }: Config): string[] {
  const files = [...scrapeConfigs, ...alerting.alertmanagers].flatMap(({ fileSdConfigs }) => fileSdConfigs.flatMap((each) => each.files)).flatMap((pattern) => glob(pattern))
  return [...new Set(files)].flatMap((file) => {
    try {
      parseTargetFile(readRegularUtf8(file), file)
      return []
    } catch (error) {
      if (!(error instanceof TargetFileError || error instanceof DiskError)) throw error
      return [error.message]
    }
  })
}

function clientFaults({ basicAuth, authorization, oauth2, tls }: HttpClientConfig): string[] {
  const secrets: [key: string, file: string | undefined][] = [
    ['basic_auth.username_file', basicAuth?.usernameFile], ['basic_auth.password_file', basicAuth?.passwordFile],
    ['authorization.credentials_file', authorization?.credentialsFile], ['oauth2.client_secret_file', oauth2?.clientSecretFile],
  ]
  return [...secrets.flatMap(([key, file]) => readFault(key, file ?? '')), ...(tls === null ? [] : tlsFaults(tls))]
}

function readFault(key: string, file: string): string[] {
  if (file === '') return []
  try {
    readRegularUtf8(file)
    return []
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    return [`${key}: ${error.message}`]
  }
}

function tlsFaults(tls: TlsOptions): string[] {
  const unread = [...readFault('tls_config.ca_file', tls.caFile), ...readFault('tls_config.cert_file', tls.certFile), ...readFault('tls_config.key_file', tls.keyFile)]
  if (unread.length > 0) return unread
  const [ca, cert, key] = [textOf(tls.ca, tls.caFile), textOf(tls.cert, tls.certFile), textOf(tls.key, tls.keyFile)]
  // Node passes over an authority that is none, and then trusts nobody.
  const faults = ca === '' || /-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/.test(ca) ? [] : [`tls_config.${tls.caFile === '' ? 'ca' : `ca_file: ${tls.caFile}`} holds no certificate in PEM form`]
  try {
    createSecureContext({ ...(cert !== '' && { cert }), ...(key !== '' && { key }) })
  } catch (error) {
    faults.push(`tls_config: the client certificate ${tls.certFile} and key ${tls.keyFile} cannot be used: ${error instanceof Error ? error.message : String(error)}`)
  }
  return faults
}

function textOf(inline: string, file: string): string {
  return file === '' ? inline : readRegularUtf8(file)
}
