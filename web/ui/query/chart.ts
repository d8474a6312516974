// The graph: the one module that knows uPlot (a chunk of its own). Draws a matrix as lines, the rest as density;
// reports zooming by drag and what the cursor is on. A refresh with the same lines only swaps data; anything else
// makes the plot anew.
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { chartOptions, lineOptions, valueRange, type ChartLook } from './chart-options.ts'
import { ChartTooltip } from './chart-tooltip.ts'
import { densityOf, paintDensity } from './density.ts'
import { seriesText } from './label-set.ts'
import { rowOf, type DrawPlan, type Matrix } from './matrix.ts'
import { formatShort } from './number-format.ts'
import { LINE_COLORS, type LineStyle } from './series-color.ts'
import { formatTimestamp } from './time-text.ts'

export interface Drawing extends ChartLook {
  matrix: Matrix
  plan: DrawPlan
  /** Rows left out by isolating others; they keep their colours. */
  hiddenRows: ReadonlySet<number>
  /** By row of the matrix. */
  styles: readonly LineStyle[]
}

export interface ChartEvents {
  /** The reader dragged over a span of time. */
  onZoom: (startMs: number, endMs: number) => void
  /** A double click: back to where the zoom came from. */
  onZoomBack: () => void
  /** What a screen reader should hear of the cursor. */
  onRead: (text: string) => void
}

const FADED = 0.15

export class Chart {
  readonly #host: HTMLElement
  readonly #events: ChartEvents
  readonly #resize: ResizeObserver
  #drawing: Drawing | null = null
  #plot: uPlot | null = null
  #tooltip: ChartTooltip | null = null
  #key = ''
  /** uPlot's index of the line nearest to the cursor. */
  #nearest: number | null = null
  #density: { key: Drawing; image: HTMLCanvasElement } | null = null

  constructor(host: HTMLElement, events: ChartEvents) {
    this.#host = host
    this.#events = events
    this.#resize = new ResizeObserver(() => this.#fit())
    this.#resize.observe(host)
    host.addEventListener('keydown', this.#onKey)
    host.addEventListener('blur', this.#onBlur)
    host.addEventListener('dblclick', events.onZoomBack)
  }

  draw(drawing: Drawing): void {
    this.#drawing = drawing
    const { matrix, plan } = drawing
    const key = JSON.stringify([drawing.scheme, plan.hasDensity, plan.rows.map((row) => [seriesText(matrix.labels[row]!), drawing.styles[row]])])
    const data = alignedData(drawing)
    if (this.#plot && key === this.#key) {
      this.#plot.setData(data, true)
    } else {
      this.#plot?.destroy()
      this.#key = key
      this.#plot = this.#make(data)
    }
    plan.rows.forEach((row, i) => {
      const isShown = !drawing.hiddenRows.has(row)
      if (this.#plot!.series[i + 1]!.show !== isShown) this.#plot!.setSeries(i + 1, { show: isShown })
    })
  }

  /** Fades all lines but that of a row; null shows all alike. */
  highlight(row: number | null): void {
    const at = row === null ? -1 : (this.#drawing?.plan.rows.indexOf(row) ?? -1)
    if (!this.#plot) return
    this.#plot.series.forEach((series, i) => (series.alpha = at < 0 || i === at + 1 ? 1 : FADED))
    this.#plot.redraw(false, false)
  }

  destroy(): void {
    this.#resize.disconnect()
    this.#host.removeEventListener('keydown', this.#onKey)
    this.#host.removeEventListener('blur', this.#onBlur)
    this.#host.removeEventListener('dblclick', this.#events.onZoomBack)
    this.#plot?.destroy()
    this.#plot = null
  }

  #make(data: uPlot.AlignedData): uPlot {
    // uPlot keeps the look for the life of the plot; its fields must follow the drawing on show.
    const look = this.#followingLook()
    const { plan, styles, scheme } = this.#drawing!
    const series = plan.rows.map((row) => lineOptions(styles[row]!, scheme, plan.rows.length))
    const options = chartOptions(look, series, { width: this.#host.clientWidth, height: this.#host.clientHeight })
    options.hooks = {
      init: [(u) => void (this.#tooltip = new ChartTooltip(u))],
      drawAxes: [(u) => this.#drawDensity(u)],
      setSelect: [(u) => this.#zoom(u)],
      setSeries: [(_, index, change) => void ('focus' in change && (this.#nearest = index))],
      setCursor: [(u) => this.#read(u)],
    }
    return new uPlot(options, data, this.#host)
  }

  #followingLook(): ChartLook {
    const now = (): Drawing => this.#drawing!
    return {
      get scheme() { return now().scheme },
      get isUtc() { return now().isUtc },
      get isZeroBased() { return now().isZeroBased },
      get windowMs() { return now().windowMs },
      get extent() { return now().extent },
    }
  }

  #fit(): void {
    const { clientWidth: width, clientHeight: height } = this.#host
    if (this.#plot && width > 0 && (this.#plot.width !== width || this.#plot.height !== height)) this.#plot.setSize({ width, height })
  }

  #zoom(u: uPlot): void {
    if (u.select.width < 4) return
    const start = u.posToVal(u.select.left, 'x')
    const end = u.posToVal(u.select.left + u.select.width, 'x')
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
    this.#events.onZoom(Math.round(start * 1000), Math.round(end * 1000))
  }

  #read(u: uPlot): void {
    const drawing = this.#drawing!
    const at = u.cursor.idx
    const row = this.#nearest === null ? undefined : drawing.plan.rows[this.#nearest - 1]
    if (at == null || row === undefined || (u.cursor.left ?? -1) < 0) {
      this.#tooltip?.hide()
      return
    }
    const value = rowOf(drawing.matrix, row)[at]!
    const time = formatTimestamp(u.data[0][at]! * 1000, drawing.isUtc ? 'UTC' : 'local')
    const content = { time, value: formatShort(value, 6), labels: drawing.matrix.labels[row]!, style: drawing.styles[row]!, scheme: drawing.scheme }
    this.#tooltip?.show(content, { left: u.cursor.left!, top: u.cursor.top! })
  }

  readonly #onBlur = (): void => this.#plot?.setCursor({ left: -10, top: -10 })

  /** Arrow keys walk along the nearest line (left, right) and from line to line (up, down). */
  readonly #onKey = (event: KeyboardEvent): void => {
    const u = this.#plot
    const drawing = this.#drawing
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0]
    if (!u || !drawing || (dx === 0 && dy === 0) || drawing.plan.rows.length === 0) return
    event.preventDefault()
    const lines = drawing.plan.rows.length
    const line = this.#nearest === null ? 1 : ((this.#nearest - 1 + dy! + lines) % lines) + 1
    const values = u.data[line]!
    let at = u.cursor.idx ?? values.length
    do at += dx === 0 ? -1 : dx!
    while (dx !== 0 && at > 0 && at < values.length - 1 && values[at] == null)
    at = Math.max(0, Math.min(values.length - 1, dx === 0 ? at + 1 : at))
    const value = values[at]
    u.setCursor({ left: u.valToPos(u.data[0][at]!, 'x'), top: value == null ? u.over.clientHeight / 2 : u.valToPos(value, 'y') })
    const row = drawing.plan.rows[line - 1]!
    const time = formatTimestamp(u.data[0][at]! * 1000, drawing.isUtc ? 'UTC' : 'local')
    this.#events.onRead(`${value == null ? 'no value' : formatShort(value, 6)} at ${time}, ${seriesText(drawing.matrix.labels[row]!)}`)
  }

  #drawDensity(u: uPlot): void {
    const drawing = this.#drawing!
    if (!drawing.plan.hasDensity) return
    const { left, top, width, height } = u.bbox
    const size = { width: Math.round(width / uPlot.pxRatio), height: Math.round(height / uPlot.pxRatio) }
    const old = this.#density?.image
    if (!old || this.#density?.key !== drawing || old.width !== size.width || old.height !== size.height) {
      this.#density = { key: drawing, image: densityImage(drawing, size) }
    }
    u.ctx.drawImage(this.#density!.image, left, top, width, height)
  }
}

function densityImage(drawing: Drawing, size: { width: number; height: number }): HTMLCanvasElement {
  const image = document.createElement('canvas')
  image.width = size.width
  image.height = size.height
  const context = image.getContext('2d')!
  const pixels = context.createImageData(size.width, size.height)
  const [low, high] = valueRange(drawing.extent, drawing.isZeroBased)
  const [startMs, endMs] = drawing.windowMs
  paintDensity(densityOf(drawing.matrix, { ...size, startMs, endMs, low, high }), pixels.data, LINE_COLORS[drawing.scheme][0]!)
  context.putImageData(pixels, 0, 0)
  return image
}

/** uPlot's data: seconds, then one list per line; what is not a finite number is a gap. */
function alignedData({ matrix, plan }: Drawing): uPlot.AlignedData {
  const { startMs, stepMs } = matrix.grid
  const times = Array.from({ length: matrix.pointCount }, (_, i) => (startMs + i * stepMs) / 1000)
  return [times, ...plan.rows.map((row) => Array.from(rowOf(matrix, row), (value) => (Number.isFinite(value) ? value : null)))]
}
