// The tree by which a server explains what a query cost, drawn for a terminal:
//
//   node                             series   samples        ms
//   sum by (job)                          3         -       1.2
//   └─ rate(x[5m])                      500   120,000      40.1

/** One operation, what it gave and what it took. */
export interface ExplainNode {
  node: string
  /** Series it hands up. */
  series?: number
  /** Samples it read from the store. */
  samples?: number
  /** Its own time and that of its children. */
  ms?: number
  children?: readonly ExplainNode[]
}

/** Longer names of nodes are cut, so that the columns stay on the screen. */
const NODE_CHARS_MAX = 72

/** Lines without a newline at the end. */
export function explainText(root: ExplainNode): string {
  const rows: (readonly [string, string, string, string])[] = [['node', 'series', 'samples', 'ms']]
  addRows(rows, root, '', '')
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, ...figures]) => `${name.padEnd(width)}${figures.map((figure) => figure.padStart(12)).join('')}`).join('\n')
}

function addRows(rows: (readonly [string, string, string, string])[], node: ExplainNode, lead: string, below: string): void {
  const name = lead + node.node
  const shown = name.length > NODE_CHARS_MAX ? `${name.slice(0, NODE_CHARS_MAX - 1)}…` : name
  rows.push([shown, count(node.series), count(node.samples), node.ms === undefined ? '-' : node.ms.toFixed(1)])
  const children = node.children ?? []
  children.forEach((child, i) => {
    const isLast = i === children.length - 1
    addRows(rows, child, `${below}${isLast ? '└─ ' : '├─ '}`, `${below}${isLast ? '   ' : '│  '}`)
  })
}

function count(value: number | undefined): string {
  return value === undefined ? '-' : value.toLocaleString('en-US')
}

/** The tree in an answer, null where the server gave none. */
export function explainOf(data: unknown): ExplainNode | null {
  if (typeof data !== 'object' || data === null) return null
  const { explain, stats } = data as { explain?: unknown; stats?: unknown }
  const tree = explain ?? (typeof stats === 'object' && stats !== null && 'explain' in stats ? stats.explain : null)
  return isNode(tree) ? tree : null
}

function isNode(value: unknown): value is ExplainNode {
  if (typeof value !== 'object' || value === null) return false
  const { node, series, samples, ms, children } = value as Record<keyof ExplainNode, unknown>
  const isFigure = (figure: unknown): boolean => figure === undefined || typeof figure === 'number'
  return typeof node === 'string' && [series, samples, ms].every(isFigure) && (children === undefined || (Array.isArray(children) && children.every(isNode)))
}
