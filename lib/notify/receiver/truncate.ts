// Cutting texts to what a service takes, with a mark where something is missing (alertmanager notify/util.go).

const MARK = '…'

/** To `max` runes. */
export function truncateRunes(text: string, max: number): string {
  // Fast path: never more runes than UTF-16 units.
  if (text.length <= max) return text
  const runes = Array.from(text)
  if (runes.length <= max) return text
  return max <= 3 ? runes.slice(0, max).join('') : runes.slice(0, max - 1).join('') + MARK
}

/** To `max` bytes of UTF-8, whole runes only. */
export function truncateBytes(text: string, max: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= max) return text
  if (max < 3) return '.'.repeat(max)
  let end = max - 3
  // Back to where a rune begins.
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return bytes.subarray(0, end).toString('utf8') + MARK
}
