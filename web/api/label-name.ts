// Label names in URL paths: `U__` escapes names that are not legacy names (prometheus/common model/metric.go,
// UnescapeName with ValueEncodingEscaping): `_xx…_` is a code point in hex, `__` an underscore.

/** The name meant; a text that is no proper escape stands for itself. */
export function unescapeLabelName(name: string): string {
  if (!name.startsWith('U__')) return name
  let out = ''
  for (let i = 3; i < name.length; i++) {
    const c = name[i]!
    if (c !== '_') {
      out += c
      continue
    }
    if (name[i + 1] === '_') {
      out += '_'
      i++
      continue
    }
    const end = name.indexOf('_', i + 1)
    const hex = end < 0 ? '' : name.slice(i + 1, end)
    // Lower-case hex of a code point that UTF-8 can hold.
    if (!/^[0-9a-f]{1,6}$/.test(hex)) return name
    const point = Number.parseInt(hex, 16)
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return name
    out += String.fromCodePoint(point)
    i = end
  }
  return out
}
