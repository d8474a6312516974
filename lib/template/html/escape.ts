// Values in HTML are escaped where they stand: each action's pipeline gets an escaper as its last command.
import { escapeHtml } from '../builtins.ts'
import type { ListNode, PipeNode, Statement } from '../node.ts'
import type { Tree } from '../parse.ts'
import { sprint } from '../print.ts'
import { ANY, GoFunction, GoText, type Value } from '../value.ts'

const ESCAPER = '_html_template_htmlescaper'

function escaped(...args: readonly Value[]): Value {
  return args.length === 1 && args[0] instanceof GoText && args[0].typeName === 'template.HTML' ? args[0].text : escapeHtml(sprint(args)).replaceAll('+', '&#43;')
}

/** What escaped trees call. */
export const HTML_FUNCTIONS: ReadonlyMap<string, GoFunction> = new Map([[ESCAPER, new GoFunction([ANY], escaped, true)]])

export function escapeTrees(trees: ReadonlyMap<string, Tree>, _root: string): ReadonlyMap<string, Tree> {
  return new Map(Array.from(trees, ([name, tree]) => [name, { ...tree, root: list(tree.root) }]))
}

function list(node: ListNode): ListNode {
  return { ...node, nodes: node.nodes.map(statement) }
}

function statement(node: Statement): Statement {
  switch (node.kind) {
    case 'action': return node.pipe.declared.length > 0 ? node : { ...node, pipe: withEscaper(node.pipe) }
    case 'if': case 'with': case 'range': return { ...node, list: list(node.list), elseList: node.elseList && list(node.elseList) }
    case 'text': case 'template': case 'break': case 'continue': return node
  }
}

function withEscaper(pipe: PipeNode): PipeNode {
  const { pos } = pipe
  return { ...pipe, commands: [...pipe.commands, { kind: 'command', pos, args: [{ kind: 'identifier', pos, name: ESCAPER }] }] }
}
