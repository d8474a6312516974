// Short forms of `notify`: who is told, as `kind:address`.

const EMAIL = /^[^\s@<>,;"]+@[^\s@<>,;"]+$/
const PHONE = /^\+[1-9]\d{5,14}$/
const WEB = /^https?:\/\/[^\s/?#]+/

/** By kind: whether the address is one, and what to write. */
const KINDS: Readonly<Record<string, { test: (address: string) => boolean; fix: string }>> = {
  email: { test: (address) => EMAIL.test(address), fix: 'write email:someone@example.com' },
  sms: { test: (address) => PHONE.test(address), fix: 'write the number with its country, such as sms:+15551234567' },
  push: { test: (address) => address !== '', fix: 'write push:all, or push: and the name of a subscription' },
  webhook: { test: (address) => WEB.test(address), fix: 'write webhook:https://host/path' },
  receiver: { test: (address) => address !== '', fix: 'write receiver: and the name of a receiver of the configuration' },
}

/** What to write instead of a short form that names nobody; null where it is right. */
export function notifyFault(target: string): string | null {
  const at = target.indexOf(':')
  const kind = at < 0 ? undefined : KINDS[target.slice(0, at)]
  if (kind === undefined) return `write one of ${Object.keys(KINDS).map((name) => `${name}:…`).join(', ')}`
  return kind.test(target.slice(at + 1)) ? null : kind.fix
}
