// The evaluator of Go templates: walks a tree over a value and collects text. After Go's text/template/exec.go, with its
// messages (`template: NAME:LINE:COLUMN: executing "NAME" at <NODE>: what is wrong`). Runs to its end without waiting, and
// within bounds of its own: steps, output, depth.
import { quote } from '../std/go-format.ts'
import { BUILTINS } from './builtins.ts'
import {
  nodeText, type AnyNode, type BranchNode, type ChainNode, type CommandNode, type FieldNode, type IdentifierNode, type ListNode,
  type Node, type NumberNode, type PipeNode, type Statement, type TemplateNode, type VariableNode,
} from './node.ts'
import type { Tree } from './parse.ts'
import { pointedAt } from './print.ts'
import {
  ANY, CallError, canBeNil, GoFunction, GoList, GoMap, GoObject, GoText, isTrue, typeName, zeroOf, type TypeName, type Value,
} from './value.ts'

/** reflect.Value's own String: of a text that text, of all else its type. */
function reflectText(value: Value): string {
  return typeof value === 'string' ? value : value instanceof GoText ? value.text : value === undefined ? '<invalid Value>' : `<${typeName(value)} Value>`
}

/** A template that cannot be executed on its data. */
export class TemplateError extends Error {
  readonly code = 'TEMPLATE_EXEC'
  /** It makes or takes more than it may: on less data it may do. */
  readonly isTooMuch: boolean

  constructor(message: string, { isTooMuch = false, ...options }: ErrorOptions & { isTooMuch?: boolean } = {}) {
    super(message, options)
    this.isTooMuch = isTooMuch
  }
}

export interface ExecLimits {
  /** Characters of the result, and of any text on the way to it. */
  outputCharsMax: number
  /** Nodes evaluated. */
  stepsMax: number
}

/** What a page of text needs, a thousand times over. */
export const DEFAULT_LIMITS: ExecLimits = { outputCharsMax: 1 << 20, stepsMax: 1_000_000 }

/** Templates inside each other; each is some calls of ours. Go allows 100,000. */
const DEPTH_MAX = 250

const NORMAL = 0
const BREAK = 1
const CONTINUE = 2
type Flow = typeof NORMAL | typeof BREAK | typeof CONTINUE

/** No value comes in from the left of a pipe. */
const MISSING = Symbol('missing')
type Final = Value | typeof MISSING

/** What executions share: the templates, the functions, and what is used up of the limits. */
export interface Job {
  trees: ReadonlyMap<string, Tree>
  functions: ReadonlyMap<string, GoFunction>
  limits: ExecLimits
  /** Value of a key that a map lacks: its type's zero value (Prometheus) or none. */
  isMissingKeyZero: boolean
}

/** The text that template `name` makes of `data`. Throws TemplateError. */
export function execute(job: Job, name: string, data: Value): string {
  const tree = job.trees.get(name)
  if (tree === undefined) throw new TemplateError(`template: no template ${quote(name)} associated with template ${quote(name)}`)
  const output: string[] = []
  new State(job, tree, { output, charCount: 0, stepCount: 0 }, 0, data).run(data)
  return output.join('')
}

interface Used {
  output: string[]
  charCount: number
  stepCount: number
}

class State {
  readonly #job: Job
  readonly #tree: Tree
  readonly #used: Used
  readonly #depth: number
  readonly #vars: { name: string; value: Value }[]
  #node: AnyNode | null = null

  constructor(job: Job, tree: Tree, used: Used, depth: number, data: Value) {
    this.#job = job
    this.#tree = tree
    this.#used = used
    this.#depth = depth
    this.#vars = [{ name: '$', value: data }]
  }

  run(dot: Value): void {
    this.#list(dot, this.#tree.root)
  }

  #list(dot: Value, list: ListNode): Flow {
    for (const node of list.nodes) {
      const flow = this.#walk(dot, node)
      if (flow !== NORMAL) return flow
    }
    return NORMAL
  }

  #walk(dot: Value, node: Statement): Flow {
    this.#at(node)
    switch (node.kind) {
      case 'text': return this.#write(node.text)
      case 'action': {
        const value = this.#pipe(dot, node.pipe)
        if (node.pipe.declared.length > 0) return NORMAL
        this.#at(node)
        if (value instanceof GoFunction) this.#fail(`can't print ${nodeText(node)} of type ${typeName(value)}`)
        return this.#write(value === undefined ? '<no value>' : pointedAt(value))
      }
      case 'break': return BREAK
      case 'continue': return CONTINUE
      case 'if': case 'with': return this.#branch(dot, node)
      case 'range': return this.#range(dot, node)
      case 'template': return this.#template(dot, node)
    }
  }

  #write(text: string): Flow {
    this.#used.charCount += text.length
    this.#checkSize(this.#used.charCount)
    this.#used.output.push(text)
    return NORMAL
  }

  #checkSize(chars: number): void {
    const { outputCharsMax } = this.#job.limits
    if (chars > outputCharsMax) this.#fail(`a template may make at most ${outputCharsMax} characters`, true)
  }

  #branch(dot: Value, { kind, pipe, list, elseList }: BranchNode): Flow {
    const mark = this.#vars.length
    const value = this.#pipe(dot, pipe)
    let flow: Flow = NORMAL
    if (isTrue(value)) flow = this.#list(kind === 'with' ? value : dot, list)
    else if (elseList !== null) flow = this.#list(dot, elseList)
    this.#vars.length = mark
    return flow
  }

  #range(dot: Value, node: BranchNode): Flow {
    const outer = this.#vars.length
    const value = this.#pipe(dot, node.pipe)
    const mark = this.#vars.length
    let isEmpty = true
    for (const [index, elem] of this.#items(value, node)) {
      isEmpty = false
      this.#at(node)
      this.#assignRange(node.pipe, index, elem, mark)
      const flow = this.#list(elem, node.list)
      this.#vars.length = mark
      if (flow === BREAK) break
    }
    let flow: Flow = NORMAL
    if (isEmpty && node.elseList !== null) flow = this.#list(dot, node.elseList)
    this.#vars.length = outer
    return flow
  }

  #assignRange({ declared, isAssign }: PipeNode, index: Value, elem: Value, mark: number): void {
    if (declared.length === 0) return
    const isPair = declared.length > 1
    if (isAssign) {
      this.#setVar(declared[0]!.names[0]!, isPair ? index : elem)
      if (isPair) this.#setVar(declared[1]!.names[0]!, elem)
      return
    }
    this.#vars[mark - 1]!.value = elem
    if (isPair) this.#vars[mark - 2]!.value = index
  }

  *#items(value: Value, node: BranchNode): Generator<[Value, Value]> {
    if (value === undefined) return
    const integer = typeof value === 'bigint' ? value : value instanceof GoObject && value.isInteger ? value.int : null
    if (integer !== null) {
      if (node.pipe.declared.length > 1) this.#fail(`can't use ${pointedAt(value)} to iterate over more than one variable`)
      for (let i = 0n; i < integer; i++) yield [undefined, i]
    } else if (value instanceof GoList) {
      for (let i = 0; i < value.items.length; i++) yield [BigInt(i), value.items[i]]
    } else if (value instanceof GoMap) yield* value.sorted()
    else this.#fail(`range can't iterate over ${pointedAt(value)}`)
  }

  #template(dot: Value, node: TemplateNode): Flow {
    const tree = this.#job.trees.get(node.name)
    if (tree === undefined) return this.#fail(`template ${quote(node.name)} not defined`)
    if (this.#depth === DEPTH_MAX) this.#fail(`exceeded maximum template depth (${DEPTH_MAX})`)
    const data = node.pipe === null ? undefined : this.#pipe(dot, node.pipe)
    new State(this.#job, tree, this.#used, this.#depth + 1, data).run(data)
    return NORMAL
  }

  #pipe(dot: Value, pipe: PipeNode): Value {
    this.#at(pipe)
    let value: Final = MISSING
    for (const command of pipe.commands) value = this.#command(dot, command, value)
    const result = value === MISSING ? undefined : value
    for (const { names } of pipe.declared) {
      if (pipe.isAssign) this.#setVar(names[0]!, result)
      else this.#vars.push({ name: names[0]!, value: result })
    }
    return result
  }

  #command(dot: Value, command: CommandNode, final: Final): Value {
    const first = command.args[0]!
    switch (first.kind) {
      case 'field': case 'chain': case 'variable': return this.#operand(dot, first, command.args, final)
      case 'identifier': return this.#function(dot, first, command, command.args, final)
      case 'pipe':
        this.#notAFunction(command.args, final)
        return this.#pipe(dot, first)
      case 'bool': case 'dot': case 'nil': case 'number': case 'string':
        this.#at(first)
        this.#notAFunction(command.args, final)
        if (first.kind === 'nil') this.#fail('nil is not a command')
        return this.#constant(dot, first)
    }
  }

  #constant(dot: Value, node: Exclude<Node, { kind: 'field' | 'chain' | 'variable' | 'identifier' | 'pipe' }>): Value {
    this.#at(node)
    switch (node.kind) {
      case 'bool': return node.value
      case 'dot': return dot
      case 'string': return node.text
      case 'number': return this.#ideal(node)
      case 'nil': return undefined
    }
  }

  /** A number whose type nothing asks for. */
  #ideal({ text, float, int, isComplex }: NumberNode): Value {
    if (isComplex) return this.#fail(`complex numbers are not supported: ${text}`)
    const isHexInt = /^0[xX]/.test(text) && !/[pP]/.test(text)
    if (float !== null && !isHexInt && !text.startsWith("'") && /[.eEpP]/.test(text)) return float
    return int ?? this.#fail(`${text} overflows int`)
  }

  #notAFunction(args: readonly Node[], final: Final): void {
    if (args.length > 1 || final !== MISSING) this.#fail(`can't give argument to non-function ${nodeText(args[0]!)}`)
  }

  #operand(dot: Value, node: FieldNode | ChainNode | VariableNode, args: readonly Node[], final: Final): Value {
    this.#at(node)
    if (node.kind === 'field') return this.#chain(dot, dot, { node, names: node.names, args, final })
    if (node.kind === 'variable') {
      const value = this.#varValue(node.names[0]!)
      if (node.names.length > 1) return this.#chain(dot, value, { node, names: node.names.slice(1), args, final })
      this.#notAFunction(args, final)
      return value
    }
    if (node.node.kind === 'nil') this.#fail(`indirection through explicit nil in ${nodeText(node)}`)
    return this.#chain(dot, this.#arg(dot, ANY, node.node), { node, names: node.names, args, final })
  }

  #chain(dot: Value, receiver: Value, access: { node: AnyNode; names: readonly string[]; args: readonly Node[]; final: Final }): Value {
    let value = receiver
    access.names.forEach((name, i) => {
      const isLast = i === access.names.length - 1
      value = this.#field(dot, name, value, isLast ? access : { ...access, args: [], final: MISSING })
    })
    return value
  }

  #field(dot: Value, name: string, receiver: Value, { node, args, final }: { node: AnyNode; args: readonly Node[]; final: Final }): Value {
    if (receiver === undefined) return undefined
    const isObject = receiver instanceof GoObject || receiver instanceof GoMap || receiver instanceof GoList
    const method = isObject ? receiver.methods.get(name) : undefined
    if (method !== undefined) return this.#call(dot, { method, isBuiltin: false, node, name, args, final })
    const hasArgs = args.length > 1 || final !== MISSING
    if (receiver instanceof GoObject && receiver.fields.has(name)) {
      if (hasArgs) this.#fail(`${name} has arguments but cannot be invoked as function`)
      return receiver.fields.get(name)
    }
    if (receiver instanceof GoMap) {
      if (hasArgs) this.#fail(`${name} is not a method but has arguments`)
      if (receiver.entries.has(name)) return receiver.entries.get(name)
      return this.#job.isMissingKeyZero ? zeroOf(receiver.elem) : undefined
    }
    return this.#fail(`can't evaluate field ${name} in type ${typeName(receiver)}`)
  }

  #function(dot: Value, node: IdentifierNode, command: AnyNode, args: readonly Node[], final: Final): Value {
    this.#at(node)
    const own = this.#job.functions.get(node.name)
    const method = own ?? BUILTINS.get(node.name)
    if (method === undefined) return this.#fail(`${quote(node.name)} is not a defined function`)
    return this.#call(dot, { method, isBuiltin: own === undefined, node: command, name: node.name, args, final })
  }

  #call(dot: Value, call: { method: GoFunction; isBuiltin: boolean; node: AnyNode; name: string; args: readonly Node[]; final: Final }): Value {
    const { method, name, final, node } = call
    const args = call.args.slice(1)
    const { params, isVariadic } = method
    const given = args.length + (final === MISSING ? 0 : 1)
    const fixed = isVariadic ? params.length - 1 : args.length
    if (isVariadic && given < fixed) this.#fail(`wrong number of args for ${name}: want at least ${fixed} got ${args.length}`)
    if (!isVariadic && given !== params.length) this.#fail(`wrong number of args for ${name}: want ${params.length} got ${given}`)
    if (call.isBuiltin && (name === 'and' || name === 'or')) return this.#shortCircuit(dot, name, args, final)
    const paramOf = (i: number): TypeName => params[Math.min(i, params.length - 1)]!
    const values = args.map((arg, i) => this.#arg(dot, paramOf(i), arg))
    if (final !== MISSING) values.push(this.#validated(final, paramOf(given - 1)))
    if (call.isBuiltin && name === 'call') values.unshift(args.length > 0 ? nodeText(args[0]!) : reflectText(values[0]))
    try {
      const result = method.call(...values)
      if (typeof result === 'string') this.#checkSize(result.length)
      return result
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      this.#at(node)
      return this.#fail(`error calling ${name}: ${error.message}`)
    }
  }

  #shortCircuit(dot: Value, name: 'and' | 'or', args: readonly Node[], final: Final): Value {
    let value: Value = undefined
    for (const arg of args) {
      value = this.#arg(dot, ANY, arg)
      if (isTrue(value) === (name === 'or')) return value
    }
    return final === MISSING ? value : final
  }

  #arg(dot: Value, type: TypeName, node: Node): Value {
    this.#at(node)
    switch (node.kind) {
      case 'dot': return this.#validated(dot, type)
      case 'nil':
        if (canBeNil(type)) return undefined
        return this.#fail(`cannot assign nil to ${type}`)
      case 'field': return this.#validated(this.#operand(dot, node, [node], MISSING), type)
      case 'variable': case 'chain': return this.#validated(this.#operand(dot, node, [], MISSING), type)
      case 'pipe': return this.#validated(this.#pipe(dot, node), type)
      case 'identifier': return this.#validated(this.#function(dot, node, node, [], MISSING), type)
      case 'bool': case 'number': case 'string': return this.#literal(dot, type, node)
    }
  }

  /** A constant where a type is wanted. */
  #literal(dot: Value, type: TypeName, node: Extract<Node, { kind: 'bool' | 'number' | 'string' }>): Value {
    const found = nodeText(node)
    switch (type) {
      case ANY: return this.#constant(dot, node)
      case 'string': return node.kind === 'string' ? node.text : this.#fail(`expected string; found ${found}`)
      case 'bool': return node.kind === 'bool' ? node.value : this.#fail(`expected bool; found ${found}`)
      case 'float64': return node.kind === 'number' && node.float !== null ? node.float : this.#fail(`expected float; found ${found}`)
      case 'int': return node.kind === 'number' && node.int !== null ? node.int : this.#fail(`expected integer; found ${found}`)
      default: return this.#fail(`can't handle ${found} for arg of type ${type}`)
    }
  }

  #validated(value: Value, type: TypeName): Value {
    if (type === ANY) return value
    if (value === undefined) return canBeNil(type) ? undefined : this.#fail(`invalid value; expected ${type}`)
    const own = typeName(value)
    if (own === type || own === `*${type}`) return value
    return this.#fail(`wrong type for value; expected ${type}; got ${own}`)
  }

  #setVar(name: string, value: Value): void {
    const known = this.#vars.findLast((variable) => variable.name === name)
    if (known === undefined) this.#fail(`undefined variable: ${name}`)
    known!.value = value
  }

  #varValue(name: string): Value {
    const known = this.#vars.findLast((variable) => variable.name === name)
    return known === undefined ? this.#fail(`undefined variable: ${name}`) : known.value
  }

  #at(node: AnyNode): void {
    this.#node = node
    if (++this.#used.stepCount > this.#job.limits.stepsMax) this.#fail(`a template may take at most ${this.#job.limits.stepsMax} steps`, true)
  }

  #fail(message: string, isTooMuch = false): never {
    const { name, parseName, text } = this.#tree
    const node = this.#node
    if (node === null) throw new TemplateError(`template: ${name}: ${message}`, { isTooMuch })
    const before = text.slice(0, node.pos)
    const line = before.split('\n').length
    const column = Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1))
    throw new TemplateError(`template: ${parseName}:${line}:${column}: executing ${quote(name)} at <${nodeText(node)}>: ${message}`, { isTooMuch })
  }
}
