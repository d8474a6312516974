// The tree of a Go template, and how Go prints a node in messages (text/template/parse/node.go).
import { quote } from '../std/go-format.ts'

interface Place {
  /** UTF-16 offset into the text it was parsed from. */
  pos: number
}

export interface NumberNode extends Place {
  kind: 'number'
  text: string
  /** What it may stand for; null where it cannot. */
  int: bigint | null
  uint: bigint | null
  float: number | null
  isComplex: boolean
}

export type Node =
  | (Place & { kind: 'bool'; value: boolean })
  | (Place & { kind: 'dot' | 'nil' })
  | (Place & { kind: 'string'; source: string; text: string })
  | NumberNode
  | IdentifierNode | VariableNode | FieldNode | ChainNode | PipeNode

export interface IdentifierNode extends Place { kind: 'identifier'; name: string }
export interface VariableNode extends Place { kind: 'variable'; names: readonly string[] }
export interface FieldNode extends Place { kind: 'field'; names: readonly string[] }
export interface ChainNode extends Place { kind: 'chain'; node: Node; names: string[] }
export interface CommandNode extends Place { kind: 'command'; args: Node[] }
export interface PipeNode extends Place {
  kind: 'pipe'
  isAssign: boolean
  declared: VariableNode[]
  commands: CommandNode[]
}

export interface ListNode extends Place { kind: 'list'; nodes: Statement[] }
export interface BranchNode extends Place {
  kind: 'if' | 'with' | 'range'
  pipe: PipeNode
  list: ListNode
  elseList: ListNode | null
}
export interface TemplateNode extends Place { kind: 'template'; name: string; pipe: PipeNode | null }

export interface TextNode extends Place { kind: 'text'; text: string }
export interface ActionNode extends Place { kind: 'action'; pipe: PipeNode }

export type Statement =
  | TextNode | ActionNode
  | (Place & { kind: 'break' | 'continue' })
  | BranchNode | TemplateNode

export type AnyNode = Node | CommandNode | Statement | ListNode

/** The node as Go writes it. */
export function nodeText(node: AnyNode): string {
  switch (node.kind) {
    case 'bool': return String(node.value)
    case 'dot': return '.'
    case 'nil': return 'nil'
    case 'string': return node.source
    case 'number': return node.text
    case 'identifier': return node.name
    case 'variable': return node.names.join('.')
    case 'field': return node.names.map((name) => `.${name}`).join('')
    case 'chain': return `${argText(node.node)}${node.names.map((name) => `.${name}`).join('')}`
    case 'command': return node.args.map(argText).join(' ')
    case 'pipe': return pipeText(node)
    case 'text': return node.text
    case 'action': return `{{${pipeText(node.pipe)}}}`
    case 'break': return '{{break}}'
    case 'continue': return '{{continue}}'
    case 'template': return `{{template ${quote(node.name)}${node.pipe === null ? '' : ` ${pipeText(node.pipe)}`}}}`
    case 'list': return node.nodes.map(nodeText).join('')
    case 'if': case 'with': case 'range': {
      const otherwise = node.elseList === null ? '' : `{{else}}${nodeText(node.elseList)}`
      return `{{${node.kind} ${pipeText(node.pipe)}}}${nodeText(node.list)}${otherwise}{{end}}`
    }
  }
}

function argText(node: Node): string {
  return node.kind === 'pipe' ? `(${pipeText(node)})` : nodeText(node)
}

function pipeText({ declared, isAssign, commands }: PipeNode): string {
  const head = declared.length === 0 ? '' : `${declared.map(nodeText).join(', ')} ${isAssign ? '=' : ':='} `
  return head + commands.map(nodeText).join(' | ')
}
