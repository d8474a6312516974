// The card beside the cursor: time, value and labels of the nearest line. Made of text nodes only (label values are
// hostile text), moved by transform, kept inside the plot.
import type uPlot from 'uplot'
import { LINE_COLORS, type LineStyle } from './series-color.ts'
import { labelValue, type LabelSet } from './label-set.ts'

export interface TooltipContent {
  time: string
  value: string
  labels: LabelSet
  style: LineStyle
  scheme: 'light' | 'dark'
}

const GAP = 14
const LABELS_MAX = 14

export class ChartTooltip {
  readonly #root: HTMLElement

  /** Lives in the plot's overlay; removed with it. */
  constructor(u: uPlot) {
    this.#root = document.createElement('div')
    this.#root.className = 'chart-tooltip'
    this.#root.hidden = true
    u.over.append(this.#root)
  }

  hide(): void {
    this.#root.hidden = true
  }

  /** Shows the content beside a place in the plot (CSS px from its corner). */
  show(content: TooltipContent, at: { left: number; top: number }): void {
    const head = line('chart-tooltip-head', line('swatch'), line('chart-tooltip-value', content.value), line('chart-tooltip-time', content.time))
    const swatch = head.firstElementChild as HTMLElement
    swatch.style.background = LINE_COLORS[content.scheme][content.style.color]!
    const name = labelValue(content.labels, '__name__')
    const others = content.labels.filter(([label]) => label !== '__name__')
    const rows = others.slice(0, LABELS_MAX).map(([label, value]) => line('chart-tooltip-label', line('label-name', `${label}=`), document.createTextNode(value)))
    if (others.length > LABELS_MAX) rows.push(line('chart-tooltip-label', `and ${others.length - LABELS_MAX} more labels`))
    this.#root.replaceChildren(head, ...(name ? [line('chart-tooltip-name', name)] : []), ...rows)
    this.#root.hidden = false
    const plot = this.#root.parentElement!
    const { offsetWidth: width, offsetHeight: height } = this.#root
    const isRight = at.left + GAP + width <= plot.clientWidth
    const left = isRight ? at.left + GAP : Math.max(0, at.left - GAP - width)
    const top = Math.max(0, Math.min(at.top + GAP, plot.clientHeight - height))
    this.#root.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`
  }
}

function line(className: string, ...children: (Node | string)[]): HTMLElement {
  const element = document.createElement('div')
  element.className = className
  element.append(...children)
  return element
}
