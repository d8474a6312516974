// Values in HTML are escaped for the place they stand in, as Go's html/template does (escape.go): the templates are walked once with
// the context in hand, and each action's pipeline gets the escapers of its place as its last commands. A template that is called in
// several contexts becomes several. Branches must end where they began to differ, or the template is refused.
import type { ActionNode, BranchNode, ListNode, Statement, TemplateNode, TextNode } from '../node.ts'
import type { Tree } from '../parse.ts'
import { ATTR_START, contextKey, failed, isSame, TEXT, type Context } from './context.ts'
import { ESCAPERS, withEscapers } from './pipeline.ts'
import { escapeStretch } from './stretch.ts'

export { ESCAPERS as HTML_FUNCTIONS }

/** A template whose places cannot be told. `place`: `name:line:column`. */
export class EscapeError extends Error {
  readonly code = 'TEMPLATE_ESCAPE'
}

type Walked<N> = readonly [Context, N]

/** The template `root`, and those that it calls, with escapers. Throws EscapeError. */
export function escapeTrees(trees: ReadonlyMap<string, Tree>, root: string): ReadonlyMap<string, Tree> {
  const escaper = new Escaper(trees)
  const end = escaper.template(TEXT, root)[0]
  if (end.state === 'error') throw new EscapeError(`html/template:${end.error}`)
  if (end.state !== 'text') throw new EscapeError(`html/template:${root}: ends in a non-text context: ${end.state}`)
  return escaper.done
}

/** Contexts in which a range's body was left early. */
interface Jumps {
  breaks: Context[]
  continues: Context[]
}

class Escaper {
  readonly done: Map<string, Tree>
  readonly #trees: ReadonlyMap<string, Tree>
  /** Context behind a template, by its name in the context before it; while it is being walked, what it is assumed to be. */
  readonly #output: Map<string, Context>
  readonly #called = new Set<string>()
  #jumps: Jumps = { breaks: [], continues: [] }
  #tree: Tree | null = null

  constructor(trees: ReadonlyMap<string, Tree>, parent: Escaper | null = null) {
    this.#trees = trees
    this.done = new Map()
    this.#output = new Map(parent === null ? [] : parent.#output)
  }

  /** The context behind template `name`, and its name in this one. */
  template(context: Context, name: string): readonly [Context, string] {
    const derived = context.state === 'text' ? name : `${name}$htmltemplate_${contextKey(context)}`
    this.#called.add(derived)
    const known = this.#output.get(derived)
    if (known !== undefined) return [known, derived]
    const tree = this.#trees.get(name)
    if (tree === undefined) return [failed(`no such template ${JSON.stringify(name)}`), derived]
    return [this.#outputOf(context, { ...tree, name: derived }), derived]
  }

  /** Recursion: what it ends in is assumed, and looked at again. */
  #outputOf(context: Context, tree: Tree): Context {
    const first = this.#tryBody(context, context, tree)
    if (first !== null) return first
    const again = this.#tryBody(context, this.#lastEnd, tree)
    return again ?? failed(`${tree.parseName}: cannot compute output context for template ${tree.name}`)
  }

  #lastEnd: Context = TEXT

  /** null: the template calls itself, and does not end in the context that was assumed. */
  #tryBody(context: Context, assumed: Context, tree: Tree): Context | null {
    const inner = new Escaper(this.#trees, this)
    this.#output.set(tree.name, assumed)
    inner.#output.set(tree.name, assumed)
    inner.#tree = tree
    const [end, root] = inner.#list(context, tree.root)
    this.#lastEnd = end
    if (end.state !== 'error' && inner.#called.has(tree.name) && !isSame(assumed, end)) return null
    if (end.state === 'error') return end
    for (const [name, output] of inner.#output) this.#output.set(name, output)
    for (const [name, made] of inner.done) this.done.set(name, made)
    for (const name of inner.#called) this.#called.add(name)
    this.#output.set(tree.name, end)
    this.done.set(tree.name, { ...tree, root })
    return end
  }

  #list(context: Context, list: ListNode): Walked<ListNode> {
    const nodes: Statement[] = []
    let here = context
    for (const node of list.nodes) {
      if (here.state === 'dead' || here.state === 'error') nodes.push(node)
      else {
        const [next, made] = this.#statement(here, node)
        here = next
        nodes.push(made)
      }
    }
    return [here, { ...list, nodes }]
  }

  #statement(context: Context, node: Statement): Walked<Statement> {
    switch (node.kind) {
      case 'text': return this.#text(context, node)
      case 'action': return this.#action(context, node)
      case 'template': return this.#call(context, node)
      case 'break': this.#jumps.breaks.push(context); return [{ ...TEXT, state: 'dead' }, node]
      case 'continue': this.#jumps.continues.push(context); return [{ ...TEXT, state: 'dead' }, node]
      case 'if': case 'with': return this.#branch(context, node)
      case 'range': return this.#range(context, node)
    }
  }

  #text(context: Context, node: TextNode): Walked<Statement> {
    const [next, text] = escapeStretch(context, node.text)
    return [next.state === 'error' ? this.#at(node, next) : next, { ...node, text }]
  }

  #call(context: Context, node: TemplateNode): Walked<Statement> {
    const [next, name] = this.template(context, node.name)
    return [this.#trees.has(node.name) ? next : this.#at(node, next), { ...node, name }]
  }

  #action(context: Context, node: ActionNode): Walked<Statement> {
    if (node.pipe.declared.length > 0) return [context, node]
    const here = nudge(context)
    const made = withEscapers(here, node)
    if (typeof made === 'string') return [this.#at(node, failed(made)), node]
    const next: Context = here.state === 'js' ? { ...here, jsContext: 'divOp' } : here.state === 'tag' ? { ...here, state: 'attrName' } : here
    return [next, { ...node, pipe: made }]
  }

  #branch(context: Context, node: BranchNode): Walked<Statement> {
    const [first, list] = this.#list(context, node.list)
    const [second, elseList] = node.elseList === null ? [context, null] as const : this.#list(context, node.elseList)
    return [this.#join(first, second, node), { ...node, list, elseList }]
  }

  #range(context: Context, node: BranchNode): Walked<Statement> {
    const [once, list] = this.#loop(context, node)
    if (once.state === 'error') return [once, node]
    // Its second turn begins where the first ends.
    const [twice] = this.#loop(once, node)
    const ended = this.#join(once, twice, node)
    if (ended.state === 'error') return [{ ...ended, error: ended.error.replace(': {{', ': on range loop re-entry: {{') }, node]
    const [otherwise, elseList] = node.elseList === null ? [context, null] as const : this.#list(context, node.elseList)
    return [this.#join(ended, otherwise, node), { ...node, list, elseList }]
  }

  #loop(context: Context, node: BranchNode): Walked<ListNode> {
    const outer = this.#jumps
    this.#jumps = { breaks: [], continues: [] }
    const [end, list] = this.#list(context, node.list)
    const { breaks, continues } = this.#jumps
    this.#jumps = outer
    let joined = end
    for (const jump of [...breaks, ...continues]) joined = this.#join(joined, jump, node)
    return [joined, list]
  }

  #join(a: Context, b: Context, node: BranchNode): Context {
    return joined(a, b) ?? this.#at(node, failed(`{{${node.kind}}} branches end in different contexts: ${a.state}, ${b.state}`))
  }

  /** The error with its place before it. */
  #at(node: Statement, context: Context): Context {
    const { text, parseName } = this.#tree!
    const before = text.slice(0, node.pos)
    const column = Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1))
    return { ...context, error: `${parseName}:${before.split('\n').length}:${column}: ${context.error}` }
  }
}

/** Where a value stands: what comes next belongs to it. */
function nudge(context: Context): Context {
  const { state } = context
  if (state === 'tag') return { ...context, state: 'attrName' }
  if (state === 'beforeValue') return { ...context, state: ATTR_START[context.attr], delim: 'space', attr: 'none' }
  return state === 'afterName' ? { ...context, state: 'attrName', attr: 'none' } : context
}

/** The context in which both may go on; null where there is none. */
function joined(a: Context, b: Context): Context | null {
  if (a.state === 'error' || b.state === 'dead') return a
  if (b.state === 'error' || a.state === 'dead') return b
  if (isSame(a, b)) return a
  if (isSame({ ...a, urlPart: b.urlPart }, b)) return { ...a, urlPart: 'unknown' }
  if (isSame({ ...a, jsContext: b.jsContext }, b)) return { ...a, jsContext: 'unknown' }
  const [c, d] = [nudge(a), nudge(b)]
  return isSame(c, a) && isSame(d, b) ? null : joined(c, d)
}
