// The parser of Go templates: one text to trees by name. After Go's text/template/parse/parse.go, with its messages:
// `template: NAME:LINE: what is wrong`.
import { quote } from '../std/go-format.ts'
import { describeToken, Lexer, type Token, type TokenKind } from './lex.ts'
import { LiteralError, unquote } from '../std/go-unquote.ts'
import { charNumber, parseNumber } from './literals.ts'
import { nodeText, type ChainNode, type CommandNode, type ListNode, type Node, type PipeNode, type Statement, type VariableNode } from './node.ts'

/** A text that is no template. */
export class TemplateSyntaxError extends Error {
  readonly code = 'TEMPLATE_SYNTAX'
}

/** One template of a text; `text` is what its places are offsets into. */
export interface Tree {
  name: string
  /** Name of the text it stands in, for messages. */
  parseName: string
  text: string
  root: ListNode
}

/** Parentheses inside each other, and blocks: each is a call of ours. */
const DEPTH_MAX = 200

type End = { kind: 'end' | 'else'; pos: number }

const TERMS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  'bool', 'charConstant', 'complex', 'dot', 'field', 'identifier', 'number', 'nil', 'rawString', 'string', 'variable', 'leftParen',
])

/**
 * Adds the templates of `text` to `trees`: its own under `name`, and what it defines; one that is empty replaces
 * nothing. `hasFunction` tells which names may be called. Throws TemplateSyntaxError.
 */
export function parseTrees(name: string, text: string, trees: Map<string, Tree>, hasFunction: (name: string) => boolean): void {
  const parser = new Parser(name, text, trees, hasFunction)
  parser.whole()
}

class Parser {
  readonly #name: string
  readonly #text: string
  readonly #trees: Map<string, Tree>
  readonly #hasFunction: (name: string) => boolean
  readonly #lexer: Lexer
  /** Tokens given back, the next one last. */
  readonly #ahead: Token[] = []
  /** Of the token read last. */
  #line = 1
  #vars: string[] = ['$']
  #rangeDepth = 0
  #depth = 0
  #actionLine = 0

  constructor(name: string, text: string, trees: Map<string, Tree>, hasFunction: (name: string) => boolean) {
    this.#name = name
    this.#text = text
    this.#trees = trees
    this.#hasFunction = hasFunction
    this.#lexer = new Lexer(text)
  }

  whole(): void {
    const root: ListNode = { kind: 'list', pos: this.#peek().pos, nodes: [] }
    while (this.#peek().kind !== 'EOF') {
      if (this.#peek().kind === 'leftDelim') {
        const delim = this.#next()
        const after = this.#nextNonSpace()
        if (after.kind === 'define') {
          this.#definition()
          continue
        }
        this.#back(after, delim)
      }
      const node = this.#textOrAction()
      if (isEnd(node)) return this.#fail(`unexpected ${endText(node)}`)
      root.nodes.push(node)
    }
    this.#add(this.#name, root)
  }

  #add(name: string, root: ListNode): void {
    const known = this.#trees.get(name)
    if (known === undefined || isEmpty(known.root)) this.#trees.set(name, { name, parseName: this.#name, text: this.#text, root })
    else if (!isEmpty(root)) this.#fail(`template: multiple definition of template ${quote(name)}`)
  }

  #definition(): void {
    const context = 'define clause'
    const token = this.#nextNonSpace()
    if (token.kind !== 'string' && token.kind !== 'rawString') this.#unexpected(token, context)
    const name = this.#unquoted(token)
    this.#expect('rightDelim', context)
    this.#add(name, this.#scoped(context))
  }

  /** A list that ends with `{{end}}`, in a scope of its own. */
  #scoped(context: string): ListNode {
    const vars = this.#vars
    const rangeDepth = this.#rangeDepth
    this.#vars = ['$']
    this.#rangeDepth = 0
    const [list, end] = this.#itemList()
    if (end.kind !== 'end') this.#fail(`unexpected ${endText(end)} in ${context}`)
    this.#vars = vars
    this.#rangeDepth = rangeDepth
    return list
  }

  #itemList(): [ListNode, End] {
    if (++this.#depth > DEPTH_MAX) this.#fail(`blocks are nested more than ${DEPTH_MAX} deep`)
    const list: ListNode = { kind: 'list', pos: this.#peekNonSpace().pos, nodes: [] }
    while (this.#peekNonSpace().kind !== 'EOF') {
      const node = this.#textOrAction()
      if (isEnd(node)) {
        this.#depth--
        return [list, node]
      }
      list.nodes.push(node)
    }
    return this.#fail('unexpected EOF')
  }

  #textOrAction(): Statement | End {
    const token = this.#nextNonSpace()
    if (token.kind === 'text') return { kind: 'text', pos: token.pos, text: token.text }
    if (token.kind !== 'leftDelim') return this.#unexpected(token, 'input')
    this.#actionLine = token.line
    const node = this.#action()
    this.#actionLine = 0
    return node
  }

  #action(): Statement | End {
    const token = this.#nextNonSpace()
    const { pos } = token
    const kind: string = token.kind
    switch (kind) {
      case 'block': return this.#block()
      case 'break': case 'continue': return this.#jump(kind, pos)
      case 'else': return this.#else()
      case 'end': return { kind: 'end', pos: this.#expect('rightDelim', 'end').pos }
      case 'if': case 'with': case 'range': return this.#branch(kind)
      case 'template': return this.#template()
      default:
        this.#back(token)
        return { kind: 'action', pos, pipe: this.#pipeline('command', 'rightDelim') }
    }
  }

  #jump(kind: 'break' | 'continue', pos: number): Statement {
    const token = this.#nextNonSpace()
    if (token.kind !== 'rightDelim') this.#unexpected(token, `{{${kind}}}`)
    if (this.#rangeDepth === 0) this.#fail(`{{${kind}}} outside {{range}}`)
    return { kind, pos }
  }

  #else(): End {
    const ahead = this.#peekNonSpace()
    // `{{else if` and `{{else with` are left to #branch.
    if (ahead.kind === 'if' || ahead.kind === 'with') return { kind: 'else', pos: ahead.pos }
    return { kind: 'else', pos: this.#expect('rightDelim', 'else').pos }
  }

  #branch(kind: 'if' | 'with' | 'range'): Statement {
    const varCount = this.#vars.length
    const pipe = this.#pipeline(kind, 'rightDelim')
    if (kind === 'range') this.#rangeDepth++
    const [list, next] = this.#itemList()
    if (kind === 'range') this.#rangeDepth--
    let elseList: ListNode | null = null
    if (next.kind === 'else') {
      if (kind !== 'range' && this.#peek().kind === kind) {
        this.#next()
        if (++this.#depth > DEPTH_MAX) this.#fail(`blocks are nested more than ${DEPTH_MAX} deep`)
        elseList = { kind: 'list', pos: next.pos, nodes: [this.#branch(kind)] }
        this.#depth--
      } else {
        const [otherwise, end] = this.#itemList()
        if (end.kind !== 'end') this.#fail(`expected end; found ${endText(end)}`)
        elseList = otherwise
      }
    }
    this.#vars.length = varCount
    return { kind, pos: pipe.pos, pipe, list, elseList }
  }

  #block(): Statement {
    const context = 'block clause'
    const token = this.#nextNonSpace()
    const name = this.#templateName(token, context)
    const pipe = this.#pipeline(context, 'rightDelim')
    this.#add(name, this.#scoped(context))
    return { kind: 'template', pos: token.pos, name, pipe }
  }

  #template(): Statement {
    const context = 'template clause'
    const token = this.#nextNonSpace()
    const name = this.#templateName(token, context)
    const after = this.#nextNonSpace()
    if (after.kind === 'rightDelim') return { kind: 'template', pos: token.pos, name, pipe: null }
    this.#back(after)
    return { kind: 'template', pos: token.pos, name, pipe: this.#pipeline(context, 'rightDelim') }
  }

  #templateName(token: Token, context: string): string {
    if (token.kind !== 'string' && token.kind !== 'rawString') this.#unexpected(token, context)
    return this.#unquoted(token)
  }

  #pipeline(context: string, end: TokenKind): PipeNode {
    const pipe: PipeNode = { kind: 'pipe', pos: this.#peekNonSpace().pos, isAssign: false, declared: [], commands: [] }
    this.#declarations(pipe, context)
    for (;;) {
      const token = this.#nextNonSpace()
      if (token.kind === end) break
      if (!TERMS.has(token.kind)) this.#unexpected(token, context)
      this.#back(token)
      pipe.commands.push(this.#command())
    }
    if (pipe.commands.length === 0) this.#fail(`missing value for ${context}`)
    pipe.commands.slice(1).forEach(({ args }, i) => {
      if (['bool', 'dot', 'nil', 'number', 'string'].includes(args[0]!.kind)) this.#fail(`non executable command in pipeline stage ${i + 2}`)
    })
    return pipe
  }

  #declarations(pipe: PipeNode, context: string): void {
    for (;;) {
      const variable = this.#peekNonSpace()
      if (variable.kind !== 'variable') return
      this.#next()
      // In `$x foo` foo must be seen to know that $x is an argument.
      const space = this.#next()
      const after = space.kind === 'space' ? this.#nextNonSpace() : space
      const isComma = after.kind === 'char' && after.text === ','
      if (after.kind !== 'assign' && after.kind !== 'declare' && !isComma) {
        if (space.kind === 'space') this.#back(after, space, variable)
        else this.#back(after, variable)
        return
      }
      pipe.declared.push({ kind: 'variable', pos: variable.pos, names: [variable.text] })
      this.#vars.push(variable.text)
      if (!isComma) {
        pipe.isAssign = after.kind === 'assign'
        return
      }
      if (context !== 'range' || pipe.declared.length >= 2) this.#fail(`too many declarations in ${context}`)
      if (!['variable', 'rightDelim', 'rightParen'].includes(this.#peekNonSpace().kind)) this.#fail('range can only initialize variables')
    }
  }

  #command(): CommandNode {
    const command: CommandNode = { kind: 'command', pos: this.#peekNonSpace().pos, args: [] }
    for (;;) {
      this.#peekNonSpace()
      const operand = this.#operand()
      if (operand !== null) command.args.push(operand)
      const token = this.#next()
      if (token.kind === 'space') continue
      if (token.kind === 'rightDelim' || token.kind === 'rightParen') this.#back(token)
      else if (token.kind !== 'pipe') this.#unexpected(token, 'operand')
      break
    }
    if (command.args.length === 0) this.#fail('empty command')
    return command
  }

  #operand(): Node | null {
    const node = this.#term()
    if (node === null || this.#peek().kind !== 'field') return node
    const chain: ChainNode = { kind: 'chain', pos: this.#peek().pos, node, names: [] }
    while (this.#peek().kind === 'field') chain.names.push(this.#next().text.slice(1))
    if (node.kind === 'field' || node.kind === 'variable') return { ...node, pos: chain.pos, names: [...node.names, ...chain.names] }
    if (node.kind === 'chain' || node.kind === 'identifier' || node.kind === 'pipe') return chain
    return this.#fail(`unexpected . after term ${quote(nodeText(node))}`)
  }

  #term(): Node | null {
    const token = this.#nextNonSpace()
    const { pos, text } = token
    const kind: string = token.kind
    switch (kind) {
      case 'identifier':
        if (!this.#hasFunction(text)) this.#fail(`function ${quote(text)} not defined`)
        return { kind: 'identifier', pos, name: text }
      case 'dot': case 'nil': return { kind, pos }
      case 'variable': return this.#variable(pos, text)
      case 'field': return { kind: 'field', pos, names: [text.slice(1)] }
      case 'bool': return { kind: 'bool', pos, value: text === 'true' }
      case 'charConstant': return this.#literal(() => charNumber(pos, text))
      case 'complex': case 'number': return this.#literal(() => parseNumber(pos, text))
      case 'leftParen': return this.#parens()
      case 'string': case 'rawString': return { kind: 'string', pos, source: text, text: this.#unquoted(token) }
      default:
        this.#back(token)
        return null
    }
  }

  #parens(): Node {
    if (this.#depth++ >= DEPTH_MAX) this.#fail('max expression depth exceeded')
    const pipe = this.#pipeline('parenthesized pipeline', 'rightParen')
    this.#depth--
    return pipe
  }

  #variable(pos: number, text: string): VariableNode {
    if (!this.#vars.includes(text)) this.#fail(`undefined variable ${quote(text)}`)
    return { kind: 'variable', pos, names: [text] }
  }

  #unquoted(token: Token): string {
    return this.#literal(() => unquote(token.text))
  }

  #literal<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      if (error instanceof LiteralError) this.#fail(error.message)
      throw error
    }
  }

  #expect(kind: TokenKind, context: string): Token {
    const token = this.#nextNonSpace()
    if (token.kind !== kind) this.#unexpected(token, context)
    return token
  }

  #next(): Token {
    const token = this.#ahead.pop() ?? this.#lexer.next()
    this.#line = token.line
    return token
  }

  #nextNonSpace(): Token {
    for (;;) {
      const token = this.#next()
      if (token.kind !== 'space') return token
    }
  }

  /** Gives tokens back, the last one read first. */
  #back(...tokens: readonly Token[]): void {
    this.#ahead.push(...tokens)
  }

  #peek(): Token {
    const token = this.#next()
    this.#back(token)
    return token
  }

  #peekNonSpace(): Token {
    const token = this.#nextNonSpace()
    this.#back(token)
    return token
  }

  #unexpected(token: Token, context: string): never {
    if (token.kind !== 'error') this.#fail(`unexpected ${describeToken(token)} in ${context}`)
    let started = ''
    if (this.#actionLine !== 0 && this.#actionLine !== token.line) {
      started = `${token.text.endsWith(' action') ? '' : ' in action'} started at ${this.#name}:${this.#actionLine}`
    }
    return this.#fail(token.text + started)
  }

  #fail(message: string): never {
    throw new TemplateSyntaxError(`template: ${this.#name}:${this.#line}: ${message}`)
  }
}

function isEnd(node: Statement | End): node is End {
  return node.kind === 'end' || node.kind === 'else'
}

function endText({ kind }: End): string {
  return `{{${kind}}}`
}

/** Spaces, comments and definitions only. */
export function isEmpty({ nodes }: ListNode): boolean {
  return nodes.every((node) => node.kind === 'text' && node.text.trim() === '')
}
