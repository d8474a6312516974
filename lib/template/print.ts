// Values as Go's fmt prints them (fmt/print.go), on those of value.ts: for Sprint, Sprintln and each directive of Sprintf.
import { formatBool, formatFloat, formatInteger, formatString, pad, PLAIN, type Format } from './format.ts'
import { GoFunction, GoList, GoMap, GoObject, GoText, isPointer, typeName, type Value } from './value.ts'

/** `fmt.Sprint`: a space between two operands when neither is a text; of each what `textOf` gives. */
export function sprint(args: readonly Value[], textOf: (value: Value) => string = plain): string {
  let out = ''
  args.forEach((arg, i) => {
    if (i > 0 && !isText(arg) && !isText(args[i - 1])) out += ' '
    out += textOf(arg)
  })
  return out
}

function isText(value: Value): boolean {
  return typeof value === 'string' || value instanceof GoText
}

/** `fmt.Sprintln`. */
export function sprintln(args: readonly Value[]): string {
  return `${args.map(plain).join(' ')}\n`
}

/** `%v`. */
export function plain(value: Value): string {
  return printed(value, 'v', PLAIN)
}

/** `%v` of what a pointer points to, of other values `%v`: what an action writes. */
export function pointedAt(value: Value): string {
  return value instanceof GoObject && isPointer(value) && value.text === null && !value.isInteger ? plain(value).slice(1) : plain(value)
}

/** A value by a verb; of a bad verb Go's words for it. */
export function printed(value: Value, verb: string, f: Readonly<Format>): string {
  if (value === undefined) return verb === 'v' || verb === 'T' ? pad('<nil>', f) : badVerb(value, verb, f)
  if (verb === 'T') return formatString(typeName(value), 's', f)!
  if (verb === 'p') return isReference(value) ? address(verb, f) : badVerb(value, verb, f)
  return nested(value, verb, f, 0)
}

/** Deeper values are Go's idea of a loop. */
const DEPTH_MAX = 20

function nested(value: Value, verb: string, f: Readonly<Format>, depth: number): string {
  if (value === undefined) return '<nil>'
  if (typeof value === 'string') return formatString(value, verb, f) ?? badVerb(value, verb, f)
  if (typeof value === 'boolean') return formatBool(value, verb, f) ?? badVerb(value, verb, f)
  if (typeof value === 'number') return formatFloat(value, verb, f) ?? badVerb(value, verb, f)
  if (typeof value === 'bigint') return formatInteger(value, verb, f) ?? badVerb(value, verb, f)
  if (verb === 'w') return badVerb(value, verb, f)
  if (value instanceof GoText) return formatString(value.text, verb, f) ?? badVerb(value, verb, f)
  if (value instanceof GoFunction) return address(verb, f)
  const own = f.sharpV || !'vsxXq'.includes(verb) ? null : ownText(value)
  if (own !== null) return formatString(own, verb, f)!
  if (depth > DEPTH_MAX) return '…'
  const inner = (item: Value): string => nested(item, verb, f, depth + 1)
  if (value instanceof GoList) return f.sharpV ? `${value.typeName}{${value.items.map(inner).join(', ')}}` : `[${value.items.map(inner).join(' ')}]`
  if (value instanceof GoMap) {
    const items = value.sorted().map(([key, item]) => `${inner(key)}:${inner(item)}`)
    return f.sharpV ? `${value.typeName}{${items.join(', ')}}` : `map[${items.join(' ')}]`
  }
  return objectText(value, verb, f, depth)
}

/** What its String method gives. */
function ownText(value: GoMap | GoList | GoObject): string | null {
  if (value instanceof GoObject) return value.text
  const method = value.methods.get('String')
  return method === undefined ? null : plain(method.call())
}

function objectText(value: GoObject, verb: string, f: Readonly<Format>, depth: number): string {
  if (value.isInteger) return formatInteger(value.int ?? 0n, verb, f) ?? badVerb(value, verb, f)
  if (isPointer(value) && depth > 0) return 'vboxdX'.includes(verb) ? address(verb, f) : badVerb(value, verb, f)
  const fields = [...value.fields].map(([name, field]) => (f.plusV || f.sharpV ? `${name}:` : '') + nested(field, verb, f, depth + 1))
  return `${isPointer(value) ? '&' : ''}${f.sharpV ? value.typeName.replace(/^\*/, '') : ''}{${fields.join(f.sharpV ? ', ' : ' ')}}`
}

function isReference(value: Value): boolean {
  return value instanceof GoMap || value instanceof GoList || value instanceof GoFunction || isPointer(value)
}

/** Where a thing lies in memory, which says nothing, is the same number of each. */
function address(verb: string, f: Readonly<Format>): string {
  const isHex = verb === 'v' || verb === 'p'
  return formatInteger(0xc000000000n, isHex ? 'x' : verb, isHex ? { ...f, sharp: !f.sharp } : f) ?? ''
}

/** `%!d(string=x)`: flags, width and precision are those of the directive. */
function badVerb(value: Value, verb: string, f: Readonly<Format>): string {
  return `%!${verb}(${value === undefined ? '<nil>' : `${typeName(value)}=${printed(value, 'v', f)}`})`
}
