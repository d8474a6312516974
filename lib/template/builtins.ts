// The functions every Go template has (text/template/funcs.go): comparisons, len, index, slice, print and its kin, escapes.
import { isPrintable } from '../std/go-format.ts'
import { plain, pointedAt, printed, sprint, sprintln } from './print.ts'
import { PLAIN } from './format.ts'
import { sprintf } from './printf.ts'
import { ANY, CallError, GoFunction, GoList, GoMap, GoObject, GoText, indirectTypeName, isPointer, isTrue, typeName, zeroOf, type Value } from './value.ts'

type Kind = 'bool' | 'int' | 'float' | 'string' | 'none'

/** The value that comparisons see, with its kind. */
function basic(value: Value): { kind: Kind; value: boolean | bigint | number | string | null } {
  if (typeof value === 'boolean') return { kind: 'bool', value }
  if (typeof value === 'bigint') return { kind: 'int', value }
  if (typeof value === 'number') return { kind: 'float', value }
  if (typeof value === 'string') return { kind: 'string', value }
  if (value instanceof GoText) return { kind: 'string', value: value.text }
  if (value instanceof GoObject && value.isInteger) return { kind: 'int', value: value.int ?? 0n }
  return { kind: 'none', value: null }
}

function equal(first: Value, ...others: readonly Value[]): boolean {
  if (others.length === 0) throw new CallError('missing argument for comparison')
  const a = basic(first)
  for (const other of others) {
    const b = basic(other)
    if (a.kind !== b.kind) {
      if (first !== undefined && other !== undefined) throw new CallError(`incompatible types for comparison: ${typeName(first)} and ${typeName(other)}`)
    } else if (a.kind !== 'none') {
      if (a.value === b.value) return true
    } else if (first === undefined || other === undefined) {
      if (first === other) return true
    } else if (kindOf(first) !== kindOf(other)) {
      throw new CallError(`non-comparable types ${byS(first)}: ${typeName(first)}, ${typeName(other)}: ${plain(other)}`)
    } else if (other instanceof GoMap || other instanceof GoList) {
      throw new CallError(`non-comparable type ${byS(other)}: ${typeName(other)}`)
    } else if (first === other) return true
  }
  return false
}

/** `%s`. */
function byS(value: Value): string {
  return printed(value, 's', PLAIN)
}

/** Of values that have no order. */
function kindOf(value: Value): string {
  return value instanceof GoMap ? 'map' : value instanceof GoList ? 'slice' : isPointer(value) ? 'pointer' : 'struct'
}

function less(first: Value, second: Value): boolean {
  const a = basic(first)
  const b = basic(second)
  if (a.kind === 'none' || b.kind === 'none') throw new CallError('invalid type for comparison')
  if (a.kind !== b.kind) throw new CallError(`incompatible types for comparison: ${typeName(first)} and ${typeName(second)}`)
  if (a.kind === 'bool') throw new CallError('invalid type for comparison')
  if (a.kind === 'string') return Buffer.compare(Buffer.from(a.value as string), Buffer.from(b.value as string)) < 0
  return a.value! < b.value!
}

const lessOrEqual = (a: Value, b: Value): boolean => less(a, b) || equal(a, b)

function length(value: Value): bigint {
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value))
  if (value instanceof GoText) return BigInt(Buffer.byteLength(value.text))
  if (value instanceof GoMap) return BigInt(value.entries.size)
  if (value instanceof GoList) return BigInt(value.length)
  if (value === undefined) throw new CallError('reflect: call of reflect.Value.Type on zero Value')
  throw new CallError(`len of type ${indirectTypeName(value)}`)
}

/** An index in [0, max]. */
function indexArg(index: Value, max: number): number {
  const { kind, value } = basic(index)
  if (index === undefined) throw new CallError('cannot index slice/array with nil')
  if (kind !== 'int') throw new CallError(`cannot index slice/array with type ${typeName(index)}`)
  if ((value as bigint) < 0n || (value as bigint) > BigInt(max)) throw new CallError(`index out of range: ${String(value)}`)
  return Number(value)
}

function indexed(item: Value, ...indexes: readonly Value[]): Value {
  if (item === undefined) throw new CallError('index of untyped nil')
  let found: Value = item
  for (const index of indexes) {
    if (found instanceof GoText) found = found.text
    if (found === undefined) throw new CallError('index of nil pointer')
    if (found instanceof GoMap) {
      if (typeof index !== 'string') throw new CallError(index === undefined ? 'value is nil; should be of type string' : `value has type ${typeName(index)}; should be string`)
      found = found.entries.has(index) ? found.entries.get(index) : zeroOf(found.elem)
    } else if (found instanceof GoList || typeof found === 'string') {
      const bytes = typeof found === 'string' ? Buffer.from(found) : null
      const size = found instanceof GoList ? found.items.length : bytes!.length
      const at = indexArg(index, size)
      if (at === size) throw new CallError(bytes === null ? 'reflect: slice index out of range' : 'reflect: string index out of range')
      found = found instanceof GoList ? found.items[at] : BigInt(bytes![at]!)
    } else throw new CallError(`can't index item of type ${indirectTypeName(found)}`)
  }
  return found
}

function sliced(item: Value, ...indexes: readonly Value[]): Value {
  if (item === undefined) throw new CallError('slice of untyped nil')
  if (indexes.length > 3) throw new CallError(`too many slice indexes: ${indexes.length}`)
  if (item instanceof GoText) return new GoText(item.typeName, sliced(item.text, ...indexes) as string)
  if (typeof item !== 'string' && !(item instanceof GoList)) throw new CallError(`can't slice item of type ${indirectTypeName(item)}`)
  if (typeof item === 'string' && indexes.length === 3) throw new CallError('cannot 3-index slice a string')
  const bytes = typeof item === 'string' ? Buffer.from(item) : null
  const size = bytes?.length ?? (item as GoList).items.length
  const bounds = [0, size, size]
  indexes.forEach((index, i) => (bounds[i] = indexArg(index, size)))
  const [from, to, cap] = bounds as [number, number, number]
  if (from > to) throw new CallError(`invalid slice index: ${from} > ${to}`)
  if (to > cap) throw new CallError(`invalid slice index: ${to} > ${cap}`)
  if (bytes !== null) return bytes.subarray(from, to).toString('utf8')
  return new GoList((item as GoList).items.slice(from, to), (item as GoList).typeName)
}

const HTML_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '&#34;'], ["'", '&#39;'], ['&', '&amp;'], ['<', '&lt;'], ['>', '&gt;'], ['\0', '\ufffd'],
])

/** As Go's html.EscapeString does it, NUL included. */
export function escapeHtml(text: string): string {
  return text.replace(/["'&<>\0]/g, (rune) => HTML_ESCAPES.get(rune)!)
}

function escapeJs(text: string): string {
  let out = ''
  for (const rune of text) {
    const code = rune.codePointAt(0)!
    if (rune === '\\' || rune === "'" || rune === '"') out += `\\${rune}`
    else if ('<>&='.includes(rune) || code < 0x20) out += `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`
    else if (code < 0x80 || isPrintable(rune)) out += rune
    else out += `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`
  }
  return out
}

/** Go's url.QueryEscape. */
export function escapeQuery(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll('%20', '+').replace(/[!'()*]/g, (rune) => `%${rune.charCodeAt(0).toString(16).toUpperCase()}`)
}

function joined(args: readonly Value[]): string {
  return args.length === 1 && typeof args[0] === 'string' ? args[0] : sprint(args.map((arg) => arg ?? '<no value>'), pointedAt)
}

/** `call`; the evaluator puts the callee's own words first. */
function called(name: Value, fn: Value, ...args: readonly Value[]): Value {
  if (fn === undefined) throw new CallError('call of nil')
  if (!(fn instanceof GoFunction)) throw new CallError(`non-function ${plain(name)} of type ${typeName(fn)}`)
  const { params, isVariadic } = fn
  const want = isVariadic ? params.length - 1 : params.length
  if (isVariadic ? args.length < want : args.length !== want) {
    throw new CallError(`wrong number of args for ${plain(name)}: got ${args.length} want ${isVariadic ? 'at least ' : ''}${want}`)
  }
  return fn.call(...args)
}

const one: readonly string[] = [ANY]
const two: readonly string[] = [ANY, ANY]

/** What may be called in every template; `and` and `or` end early, which the evaluator sees to. */
export const BUILTINS: ReadonlyMap<string, GoFunction> = new Map([
  ['and', new GoFunction(two, () => undefined, true)],
  ['or', new GoFunction(two, () => undefined, true)],
  ['not', new GoFunction(one, (value) => !isTrue(value))],
  ['len', new GoFunction(one, length)],
  ['index', new GoFunction(two, indexed, true)],
  ['slice', new GoFunction(two, sliced, true)],
  ['call', new GoFunction(two, called, true)],
  ['print', new GoFunction(one, (...args) => sprint(args), true)],
  ['println', new GoFunction(one, (...args) => sprintln(args), true)],
  ['printf', new GoFunction(['string', ANY], (format, ...args) => sprintf(format as string, args), true)],
  ['html', new GoFunction(one, (...args) => escapeHtml(joined(args)), true)],
  ['js', new GoFunction(one, (...args) => escapeJs(joined(args)), true)],
  ['urlquery', new GoFunction(one, (...args) => escapeQuery(joined(args)), true)],
  ['eq', new GoFunction(two, equal, true)],
  ['ne', new GoFunction(two, (a, b) => !equal(a, b))],
  ['lt', new GoFunction(two, less)],
  ['le', new GoFunction(two, lessOrEqual)],
  ['gt', new GoFunction(two, (a, b) => !lessOrEqual(a, b))],
  ['ge', new GoFunction(two, (a, b) => !less(a, b))],
])
