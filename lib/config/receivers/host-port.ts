// `host:port` of a configuration, the host an IPv6 address in brackets where it is one.
import type { MapReader } from '../reader.ts'

export interface HostPort {
  host: string
  port: number
}

/** null where it is absent, or wrong, which is an error. */
export function readHostPort(reader: MapReader, key: string): HostPort | null {
  const text = reader.text(key, '')
  if (text === '') return null
  const [, bracketed, plain, port] = /^(?:\[([^[\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? []
  const place = { host: bracketed ?? plain ?? '', port: Number(port) }
  if (port !== undefined && place.port > 0 && place.port < 65_536) return place
  reader.error(key, `want host:port, got ${JSON.stringify(text)}`)
  return null
}
