// A text that everything a regex matches must contain, so that most texts are told apart by a search for it. Reads what
// stands outside groups and classes; whatever it is not sure about gives '', which every text contains.
//
//   web-[0-9]+\.prod\..*:9100   ─▶   runs `web-`, `.prod.`, `:9100`; the longest one

const QUANTIFIERS = '?*+'
/** Escapes that stand for one of several characters, a place, or one that is not worth the while. */
const NO_LITERAL = 'dDwWsSbBAzntrfva'
const PUNCTUATION = /[!-/:-@[-^`{-~]/
const REPETITION = /^\{\d+(?:,\d*)?\}/

/** The longest run of plain characters that all matches contain. */
export function requiredLiteral(source: string): string {
  if (!source.isWellFormed()) return ''
  let best = ''
  let run: string[] = []
  const endRun = (): void => {
    const text = run.join('')
    if (text.length > best.length) best = text
    run = []
  }
  for (let at = 0; at < source.length;) {
    const c = String.fromCodePoint(source.codePointAt(at)!)
    if (c === '\\') {
      const escaped = source[at + 1] ?? ''
      if (PUNCTUATION.test(escaped)) run.push(escaped)
      else if (NO_LITERAL.includes(escaped)) endRun()
      else return ''
      at += 2
    } else if (c === '(' || c === '[') {
      endRun()
      at = c === '[' ? behindClass(source, at) : behindGroup(source, at)
      if (at < 0) return ''
    } else if (QUANTIFIERS.includes(c) || c === '{') {
      // What is repeated may stand there several times or not at all.
      run.pop()
      endRun()
      const length = c === '{' ? (REPETITION.exec(source.slice(at))?.[0].length ?? 0) : 1
      if (length === 0) return ''
      at += length
    } else if (c === '|' || c === ')') {
      return ''
    } else if ('.^$]}'.includes(c)) {
      endRun()
      at++
    } else {
      run.push(c)
      at += c.length
    }
  }
  endRun()
  return best
}

/** The place behind the class that begins at `from`, -1 where that is not sure. */
function behindClass(source: string, from: number): number {
  let at = from + (source[from + 1] === '^' ? 2 : 1)
  if (source[at] === ']') return -1
  for (; at < source.length; at++) {
    if (source[at] === '[') return -1
    if (source[at] === ']') return at + 1
    if (source[at] === '\\' && !isPlainEscape(source[++at])) return -1
  }
  return -1
}

/** The place behind the group that begins at `from`, -1 where that is not sure or where flags begin. */
function behindGroup(source: string, from: number): number {
  if (source[from + 1] === '?' && source[from + 2] !== ':') return -1
  let depth = 0
  for (let at = from; at < source.length; at++) {
    const c = source[at]
    if (c === '(') depth++
    else if (c === ')' && --depth === 0) return at + 1
    else if (c === '[') {
      at = behindClass(source, at) - 1
      if (at < 0) return -1
    } else if (c === '\\' && !isPlainEscape(source[++at])) return -1
  }
  return -1
}

/** Of two characters, no more. */
function isPlainEscape(escaped: string | undefined): boolean {
  return escaped !== undefined && (PUNCTUATION.test(escaped) || NO_LITERAL.includes(escaped))
}
