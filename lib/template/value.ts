// The values that templates work on: what Go's reflection would see of them. Texts, float64 (number), int (bigint) and
// bool are JavaScript's own; `undefined` is Go's nil and "no value"; the rest are the classes here.

export type Value = undefined | string | number | bigint | boolean | GoText | GoMap | GoList | GoObject | GoFunction

/** Name of a Go type: `string`, `interface {}`, `*template.sample`. */
export type TypeName = string

export const ANY = 'interface {}'

/** A text of a type of its own, as html/template.HTML. */
export class GoText {
  readonly typeName: TypeName
  readonly text: string

  constructor(typeName: TypeName, text: string) {
    this.typeName = typeName
    this.text = text
  }
}

export type Methods = ReadonlyMap<string, GoFunction>
const NO_METHODS: Methods = new Map()

/** A map with text keys. */
export class GoMap {
  readonly entries: ReadonlyMap<string, Value>
  readonly elem: TypeName
  readonly typeName: TypeName
  readonly methods: Methods

  constructor(entries: ReadonlyMap<string, Value>, elem: TypeName, typeName: TypeName = `map[string]${elem}`, methods: Methods = NO_METHODS) {
    this.entries = entries
    this.elem = elem
    this.typeName = typeName
    this.methods = methods
  }

  /** In order of keys. */
  sorted(): [string, Value][] {
    return [...this.entries].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  }
}

export class GoList {
  readonly items: readonly Value[]
  readonly typeName: TypeName
  readonly methods: Methods
  /** What `len` says: more than its items where only the first of very many are at hand. */
  readonly length: number

  constructor(items: readonly Value[], typeName: TypeName = `[]${ANY}`, methods: Methods = NO_METHODS, length: number = items.length) {
    this.items = items
    this.length = length
    this.typeName = typeName
    this.methods = methods
  }
}

export interface ObjectParts {
  typeName: TypeName
  fields?: ReadonlyMap<string, Value>
  methods?: Methods
  /** What its String method gives; null where it has none. */
  text?: string | null
  /** Its value where its kind is an integer (time.Duration), or what is behind it (time.Time: Unix nanoseconds). */
  int?: bigint | null
  isInteger?: boolean
  /** Names of fields in JSON where they have others, as Go's tags (`name` or `name,omitempty`); null where they do not. */
  jsonNames?: ReadonlyMap<string, string> | null
}

/** A struct, a pointer to one, or a number with methods. */
export class GoObject {
  readonly typeName: TypeName
  readonly fields: ReadonlyMap<string, Value>
  readonly methods: Methods
  readonly text: string | null
  readonly int: bigint | null
  readonly isInteger: boolean
  readonly jsonNames: ReadonlyMap<string, string> | null

  constructor({ typeName, fields = new Map(), methods = NO_METHODS, text = null, int = null, isInteger = false, jsonNames = null }: ObjectParts) {
    this.typeName = typeName
    this.fields = fields
    this.methods = methods
    this.text = text
    this.int = int
    this.isInteger = isInteger
    this.jsonNames = jsonNames
  }
}

/** Something that can be called. What it throws as CallError ends the template with Go's words around it. */
export class GoFunction {
  readonly params: readonly TypeName[]
  /** The last parameter takes any number of arguments, each of its type. */
  readonly isVariadic: boolean
  readonly call: (...args: readonly Value[]) => Value

  constructor(params: readonly TypeName[], call: (...args: readonly Value[]) => Value, isVariadic = false) {
    this.params = params
    this.call = call
    this.isVariadic = isVariadic
  }
}

/** The error result of a function. */
export class CallError extends Error {
  readonly code = 'TEMPLATE_CALL'
}

export function typeName(value: Value): TypeName {
  if (value === undefined) return 'nil'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'number') return 'float64'
  if (typeof value === 'bigint') return 'int'
  if (typeof value === 'boolean') return 'bool'
  return value instanceof GoFunction ? 'func' : value.typeName
}

export function isPointer(value: Value): boolean {
  return value instanceof GoObject && value.typeName.startsWith('*')
}

/** Its type, or that of what it points to. */
export function indirectTypeName(value: Value): TypeName {
  return typeName(value).replace(/^\*/, '')
}

/** Whether `nil` may stand for it. */
export function canBeNil(type: TypeName): boolean {
  return type === ANY || /^(\*|\[\]|map\[|func)/.test(type) || type.endsWith('.queryResult')
}

/** text/template's truth: not empty, not zero. */
export function isTrue(value: Value): boolean {
  if (value instanceof GoText) return value.text !== ''
  if (value instanceof GoMap) return value.entries.size > 0
  if (value instanceof GoList) return value.length > 0
  if (value instanceof GoObject) return !value.isInteger || value.int !== 0n
  // NaN is not zero.
  return typeof value === 'number' ? value !== 0 : Boolean(value)
}

/** The value of a map that lacks a key. */
export function zeroOf(type: TypeName): Value {
  switch (type) {
    case 'string': return ''
    case 'float64': return 0
    case 'int': return 0n
    case 'bool': return false
    default: return undefined
  }
}
