// What Monitor reads of S3's XML: texts of elements that hold no others. The documents are flat lists, so elements are
// found by name; entities are undone.

/** The text of the first element of that name, '' if there is none. */
export function xmlText(xml: string, name: string): string {
  return unescaped(xmlTexts(xml, name)[0] ?? '')
}

/** What is inside each element of that name as it is written, in order; elements of one name must not hold each other. */
export function xmlTexts(xml: string, name: string): string[] {
  const found: string[] = []
  const close = `</${name}>`
  for (let at = 0; ;) {
    const start = xml.indexOf(`<${name}>`, at)
    const end = start < 0 ? -1 : xml.indexOf(close, start)
    if (end < 0) return found
    found.push(xml.slice(start + name.length + 2, end))
    at = end + close.length
  }
}

export function xmlEscaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[name] ?? whole
    const code = decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}
