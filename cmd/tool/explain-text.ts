// The tree by which a server explains what a query cost, drawn for a terminal:
//
//   node                             series   samples        ms   steps by tier
//   sum by (job)                          3         -       1.2   raw 168, 1h 552
//   └─ rate(x[5m])                      500   120,000      40.1   raw 168, 1h 552
//
// The last column only where the server has tiers.

/** One operation, what it gave and what it took. */
export interface ExplainNode {
  node: string
  /** Series it hands up. */
  series?: number
  /** Samples it read from the store. */
  samples?: number
  /** Its own time and that of its children. */
  ms?: number
  /** It was evaluated at another place that is equal. */
  shared?: boolean
  /** Which tiers answered how many steps of selectors, its children's included. */
  tiers?: readonly { tier: string; steps: number }[]
  children?: readonly ExplainNode[]
}

/** Longer names of nodes are cut, so that the columns stay on the screen. */
const NODE_CHARS_MAX = 72

/** Lines without a newline at the end. */
export function explainText(root: ExplainNode): string {
  const rows: Row[] = [['node', 'series', 'samples', 'ms', root.tiers === undefined ? '' : 'steps by tier']]
  addRows(rows, root, '', '')
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, series, samples, ms, tiers]) => {
    return `${name.padEnd(width)}${[series, samples, ms].map((figure) => figure.padStart(12)).join('')}${tiers === '' ? '' : `   ${tiers}`}`
  }).join('\n')
}

type Row = readonly [node: string, series: string, samples: string, ms: string, tiers: string]

function addRows(rows: Row[], node: ExplainNode, lead: string, below: string): void {
  const name = lead + node.node
  const shown = `${name.length > NODE_CHARS_MAX ? `${name.slice(0, NODE_CHARS_MAX - 1)}…` : name}${node.shared === true ? ' (shared)' : ''}`
  rows.push([shown, count(node.series), count(node.samples), node.ms === undefined ? '-' : node.ms.toFixed(1), tiersText(node.tiers)])
  const children = node.children ?? []
  children.forEach((child, i) => {
    const isLast = i === children.length - 1
    addRows(rows, child, `${below}${isLast ? '└─ ' : '├─ '}`, `${below}${isLast ? '   ' : '│  '}`)
  })
}

function tiersText(tiers: ExplainNode['tiers'] = []): string {
  return tiers.filter(({ steps }) => steps > 0).map(({ tier, steps }) => `${tier} ${count(steps)}`).join(', ')
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
  const { node, series, samples, ms, shared, tiers, children } = value as Record<keyof ExplainNode, unknown>
  const isFigure = (figure: unknown): boolean => figure === undefined || typeof figure === 'number'
  const areTiers = tiers === undefined || (Array.isArray(tiers) && tiers.every(isTierCount))
  return typeof node === 'string' && [series, samples, ms].every(isFigure) && areTiers && (shared === undefined || typeof shared === 'boolean') && (children === undefined || (Array.isArray(children) && children.every(isNode)))
}

function isTierCount(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { tier, steps } = value as { tier?: unknown; steps?: unknown }
  return typeof tier === 'string' && typeof steps === 'number'
}
