// Go's fmt: Sprint, Sprintln and Sprintf as templates can reach them, on the values of value.ts.
import { formatFixed, formatGeneral, quote } from '../std/go-format.ts'
import { GoFunction, GoList, GoMap, GoObject, GoText, typeName, type Value } from './value.ts'

/** Go's own bound of widths and precisions. */
const SIZE_MAX = 1_000_000

/** `fmt.Sprint`: a space between two operands when neither is a text. */
export function sprint(args: readonly Value[]): string {
  let out = ''
  args.forEach((arg, i) => {
    if (i > 0 && typeof arg !== 'string' && typeof args[i - 1] !== 'string') out += ' '
    out += plain(arg)
  })
  return out
}

/** `fmt.Sprintln`. */
export function sprintln(args: readonly Value[]): string {
  return `${args.map(plain).join(' ')}\n`
}

/** `%v`. */
export function plain(value: Value): string {
  return valueText(value, { verb: 'v', flags: '', width: null, precision: null }, 0)
}

interface Directive {
  verb: string
  flags: string
  width: number | null
  precision: number | null
}

/** `fmt.Sprintf`. */
export function sprintf(format: string, args: readonly Value[]): string {
  let out = ''
  let argIndex = 0
  let isReordered = false
  const directive = /%([-+# 0]*)((?:\[\d+\])?\*|\d+)?(?:\.((?:\[\d+\])?\*|\d+)?)?(\[\d+\])?(.?)/gsu
  let at = 0
  for (let m = directive.exec(format); m !== null; m = directive.exec(format)) {
    out += format.slice(at, m.index)
    at = directive.lastIndex
    const [whole, flags = '', widthText, precisionText, index, verb = ''] = m
    const size = (text: string | undefined): number | null | 'bad' => {
      if (text === undefined) return null
      if (!text.endsWith('*')) return Number(text) > SIZE_MAX ? 'bad' : Number(text)
      const given = args[argIndex++]
      return typeof given === 'bigint' && given <= SIZE_MAX && given >= -SIZE_MAX ? Number(given) : 'bad'
    }
    const width = size(widthText)
    if (width === 'bad') out += '%!(BADWIDTH)'
    const precision = whole.includes('.') && precisionText === undefined ? 0 : size(precisionText)
    if (precision === 'bad') out += '%!(BADPREC)'
    if (index !== undefined) {
      argIndex = Number(index.slice(1, -1)) - 1
      isReordered = true
    }
    if (verb === '') out += '%!(NOVERB)'
    else if (verb === '%') out += '%'
    else if (argIndex >= args.length || argIndex < 0) out += `%!${verb}(${index === undefined ? 'MISSING' : 'BADINDEX'})`
    else {
      const left = typeof width === 'number' && width < 0
      out += valueText(args[argIndex++], {
        verb, flags: left ? `${flags}-` : flags,
        width: typeof width === 'number' ? Math.abs(width) : null, precision: typeof precision === 'number' && precision >= 0 ? precision : null,
      }, 0)
    }
  }
  out += format.slice(at)
  if (!isReordered && argIndex < args.length) {
    out += `%!(EXTRA ${args.slice(argIndex).map((arg) => (arg === undefined ? '<nil>' : `${typeName(arg)}=${plain(arg)}`)).join(', ')})`
  }
  return out
}

function valueText(value: Value, d: Directive, depth: number): string {
  if (d.verb === 'T') return pad(value === undefined ? '<nil>' : typeName(value), d)
  if (d.verb === 'p') return badVerb(value, d)
  if (value === undefined) return d.verb === 'v' ? pad('<nil>', d) : `%!${d.verb}(<nil>)`
  if (typeof value === 'string') return stringText(value, d)
  if (typeof value === 'boolean') return d.verb === 'v' || d.verb === 't' ? pad(String(value), d) : badVerb(value, d)
  if (typeof value === 'number') return floatText(value, d)
  if (typeof value === 'bigint') return integerText(value, d) ?? badVerb(value, d)
  return compositeText(value, d, depth)
}

function compositeText(value: GoText | GoMap | GoList | GoObject | GoFunction, d: Directive, depth: number): string {
  if (value instanceof GoText) return stringText(value.text, d)
  if (value instanceof GoFunction) return '0x0'
  if (depth > 20) return '…'
  const inner = (item: Value): string => valueText(item, d, depth + 1)
  const stringer = value.methods.get('String')
  if (!(value instanceof GoObject) && stringer !== undefined && 'vsxXq'.includes(d.verb) && !d.flags.includes('#')) return stringText(plain(stringer.call()), d)
  if (value instanceof GoList) {
    if (d.flags.includes('#') && d.verb === 'v') return `${value.typeName}{${value.items.map(inner).join(', ')}}`
    return `[${value.items.map(inner).join(' ')}]`
  }
  if (value instanceof GoMap) {
    const keyed = value.sorted().map(([key, item]) => `${stringText(key, d)}:${inner(item)}`)
    return d.flags.includes('#') && d.verb === 'v' ? `${value.typeName}{${keyed.join(', ')}}` : `map[${keyed.join(' ')}]`
  }
  if (value.text !== null && 'vsxXq'.includes(d.verb)) return stringText(value.text, d)
  if (value.isInteger) return integerText(value.int ?? 0n, d) ?? badVerb(value, d)
  // Of a pointer that is not the operand itself Go prints the address, which says nothing.
  if (value.typeName.startsWith('*') && depth > 0) return '0xc000000000'
  const fields = [...value.fields].map(([name, field]) => (d.flags.includes('+') ? `${name}:${inner(field)}` : inner(field)))
  return `${value.typeName.startsWith('*') ? '&' : ''}{${fields.join(' ')}}`
}

/** strconv.CanBackquote. */
export function canBackquote(text: string): boolean {
  return Array.from(text).every((rune) => (rune >= ' ' || rune === '\t') && rune !== '`' && rune !== '\u007f' && rune !== '\ufeff')
}

function badVerb(value: Value, d: Directive): string {
  return `%!${d.verb}(${value === undefined ? '<nil>' : `${typeName(value)}=${plain(value)}`})`
}

function stringText(text: string, d: Directive): string {
  const cut = d.precision === null ? text : Array.from(text).slice(0, d.precision).join('')
  switch (d.verb) {
    case 'v': return pad(d.flags.includes('#') ? quote(text) : cut, d)
    case 's': return pad(cut, d)
    case 'q': return pad(d.flags.includes('#') && canBackquote(text) ? `\`${cut}\`` : quote(cut), d)
    case 'x': case 'X': {
      const hex = Buffer.from(text).subarray(0, d.precision ?? undefined).toString('hex')
      return pad(d.verb === 'X' ? hex.toUpperCase() : hex, d)
    }
    default: return badVerb(text, d)
  }
}

function floatText(value: number, d: Directive): string {
  const shown = floatDigits(value, d)
  if (shown === null) return badVerb(value, d)
  return pad(signed(shown, d), d, Number.isFinite(value))
}

function floatDigits(value: number, d: Directive): string | null {
  switch (d.verb) {
    case 'v': case 'g': return formatGeneral(value, d.precision ?? undefined)
    case 'G': return formatGeneral(value, d.precision ?? undefined).replace('e', 'E')
    case 'f': case 'F': return formatFixed(value, Math.min(d.precision ?? 6, 100))
    case 'e': case 'E': {
      if (!Number.isFinite(value)) return formatFixed(value, 0)
      const [mantissa, exponent] = value.toExponential(Math.min(d.precision ?? 6, 100)).split('e') as [string, string]
      const sign = Object.is(value, -0) ? '-' : ''
      return `${sign}${mantissa}${d.verb}${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
    }
    default: return null
  }
}

function integerText(value: bigint, d: Directive): string | null {
  const bases: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 }
  const base = bases[d.verb]
  if (base !== undefined) {
    let digits = (value < 0n ? -value : value).toString(base).padStart(d.precision ?? 0, '0')
    if (d.verb === 'X') digits = digits.toUpperCase()
    const prefix = d.verb === 'O' ? '0o' : d.flags.includes('#') ? ({ b: '0b', o: '0', x: '0x', X: '0X' }[d.verb] ?? '') : ''
    return pad(signed(`${value < 0n ? '-' : ''}${prefix}${digits}`, d), d, d.precision === null)
  }
  const code = value >= 0n && value <= 0x10ffffn ? Number(value) : 0xfffd
  const rune = String.fromCodePoint(code >= 0xd800 && code <= 0xdfff ? 0xfffd : code)
  switch (d.verb) {
    case 'c': return pad(rune, d)
    case 'q': return pad(`'${rune === "'" ? "\\'" : rune === '"' ? '"' : quote(rune).slice(1, -1)}'`, d)
    case 'U': return pad(`U+${code.toString(16).toUpperCase().padStart(4, '0')}${d.flags.includes('#') ? ` '${rune}'` : ''}`, d)
    default: return null
  }
}

/** `%+v` asks for field names, not for a sign. */
function signed(text: string, { flags, verb }: Directive): string {
  if (/^[+-]/.test(text)) return text
  return flags.includes('+') && verb !== 'v' ? `+${text}` : flags.includes(' ') ? ` ${text}` : text
}

/** To the width in runes; zeros go behind the sign. */
function pad(text: string, { flags, width }: Directive, isNumber = false): string {
  const missing = (width ?? 0) - Array.from(text).length
  if (missing <= 0) return text
  if (flags.includes('-')) return text + ' '.repeat(missing)
  if (!flags.includes('0') || !isNumber) return ' '.repeat(missing) + text
  const sign = /^[+\- ]/.test(text) ? text[0]! : ''
  return sign + '0'.repeat(missing) + text.slice(sign.length)
}
