// Values in addresses (html/template url.go).

/** Stands for what was not let through. */
export const FAILSAFE = 'ZgotmplZ'

function isSafeUrl(url: string): boolean {
  const colon = url.indexOf(':')
  if (colon < 0 || url.slice(0, colon).includes('/')) return true
  return ['http', 'https', 'mailto'].includes(url.slice(0, colon).toLowerCase())
}

/** An address whose scheme does no harm. */
export function filterUrl(url: string): string {
  return isSafeUrl(url) ? url : `#${FAILSAFE}`
}

/** `isWhole`: an address, whose own signs stay; else a part of one. */
export function encodeUrl(text: string, isWhole: boolean): string {
  let out = ''
  const bytes = Buffer.from(text)
  for (let i = 0; i < bytes.length; i++) {
    const char = String.fromCharCode(bytes[i]!)
    const isKept = /[-._~a-zA-Z0-9]/.test(char) || (isWhole && ("!#$&*+,/:;=?@[]".includes(char) || (char === '%' && /^[0-9a-fA-F]{2}$/.test(bytes.toString('latin1', i + 1, i + 3)))))
    out += isKept ? char : `%${bytes[i]!.toString(16).padStart(2, '0')}`
  }
  return out
}

/** A list of images, each address on its own. */
export function filterSrcset(text: string): string {
  return text.split(',').map((part) => {
    const [, before, url, after] = /^([\t\n\f\r ]*)([^\t\n\f\r ]*)([^]*)$/.exec(part)!
    return isSafeUrl(url!) && /^[\t\n\f\r a-zA-Z0-9]*$/.test(after!) ? `${before}${encodeUrl(url!, true)}${after}` : `#${FAILSAFE}`
  }).join(',')
}
