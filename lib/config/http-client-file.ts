// A file that says how a client asks a server, as of `--http.config.file`: the keys of a scrape config's client alone. Source:
// prometheus/common config/http_config.go.
import path from 'node:path'
import { readHttpClient, type HttpClientConfig } from './http-client.ts'
import { ConfigError, describe, MapReader, Problems } from './reader.ts'
import { isNull, parseYaml } from './yaml-node.ts'

/** Reads and checks the text; relative paths start from the file's folder. Throws ConfigError. */
export function loadHttpClientFile(text: string, fileName: string): HttpClientConfig {
  const faults: [number, string][] = []
  const { root, position } = parseYaml(text, (at, message) => faults.push([at, message]))
  const problems = new Problems(position, true)
  for (const [at, message] of faults) problems.error(at, message)
  if (root && root.kind !== 'map' && !isNull(root)) problems.error(root.at, `want keys such as basic_auth, authorization and tls_config, got ${describe(root)}`)
  const reader = new MapReader(problems, root?.kind === 'map' ? root : null, '')
  const config = readHttpClient(reader, path.dirname(path.resolve(fileName)))
  reader.finish()
  const errors = problems.errors()
  if (errors.length > 0) throw new ConfigError(fileName, errors)
  return config
}
