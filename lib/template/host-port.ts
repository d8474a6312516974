// Addresses as Go's net package takes them apart, for stripPort and stripDomain.
import { isIP } from 'node:net'

/** net.SplitHostPort; null where it errs. */
function splitHostPort(text: string): { host: string; port: string } | null {
  const colon = text.lastIndexOf(':')
  if (colon < 0) return null
  const port = text.slice(colon + 1)
  if (text.startsWith('[')) {
    const end = text.indexOf(']')
    if (end < 0 || end + 1 !== colon) return null
    const host = text.slice(1, end)
    return /[[\]]/.test(host) || /[[\]]/.test(port) ? null : { host, port }
  }
  const host = text.slice(0, colon)
  return /[:[\]]/.test(host) || /[[\]]/.test(port) ? null : { host, port }
}

/** `web1.example.com:9100` to `web1.example.com`; what has no port stays. */
export function stripPort(text: string): string {
  return splitHostPort(text)?.host ?? text
}

/** `web1.example.com:9100` to `web1:9100`; addresses stay. */
export function stripDomain(text: string): string {
  const split = splitHostPort(text)
  const host = split?.host ?? text
  if (isIP(host) !== 0 && !host.includes('%')) return text
  const first = host.split('.')[0]!
  const port = split?.port ?? ''
  if (port === '') return first
  return first.includes(':') || first.includes('%') ? `[${first}]:${port}` : `${first}:${port}`
}
