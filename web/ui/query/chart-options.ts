// The look of the graph: axes, scales and lines as uPlot takes them. Colours come from the page's custom properties
// and the line palette; sizes are fixed, so that the plot does not move when numbers change.
import uPlot from 'uplot'
import { formatTicks } from './number-format.ts'
import { LINE_COLORS, LINE_DASHES, type LineStyle } from './series-color.ts'
import { formatTimestamp, type Zone } from './time-text.ts'

/** What the options need to know of the drawing at the moment uPlot asks. */
export interface ChartLook {
  scheme: 'light' | 'dark'
  isUtc: boolean
  isZeroBased: boolean
  windowMs: readonly [start: number, end: number]
  /** Extent of all values, also of series not drawn as lines; [NaN, NaN] when there is none. */
  extent: readonly [min: number, max: number]
}

const FONT = '11px system-ui, sans-serif'
const AXIS_WIDTH = 58
const AXIS_HEIGHT = 42

/** Value range of the vertical axis: a margin around the data, a flat line in the middle, 0..1 for nothing at all. */
export function valueRange(extent: readonly [number, number], isZeroBased: boolean): [number, number] {
  let [min, max] = extent
  if (Number.isNaN(min)) return [0, 1]
  if (isZeroBased) {
    min = Math.min(0, min)
    max = Math.max(0, max)
  }
  if (min === max) {
    const margin = min === 0 ? 1 : Math.abs(min) / 2
    return [min - margin, max + margin]
  }
  const margin = (max - min) * 0.06
  // Data that only just touches zero keeps zero as its edge.
  const low = min === 0 ? 0 : min - margin
  return [low, max === 0 ? 0 : max + margin]
}

const cssColor = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

function axes(look: ChartLook): uPlot.Axis[] {
  const stroke = (): string => cssColor('--axis')
  const grid = { stroke: (): string => cssColor('--grid'), width: 1 }
  const ticks = { ...grid, size: 4 }
  return [
    {
      stroke, font: FONT, grid, ticks, size: AXIS_HEIGHT, space: 70,
      values: (_u, splits, _axis, _space, stepSeconds) => timeLabels(splits, stepSeconds, look.isUtc ? 'UTC' : 'local'),
    },
    {
      stroke, font: FONT, grid, ticks, size: AXIS_WIDTH, space: 32, gap: 6,
      values: (_, splits) => formatTicks(splits),
    },
  ]
}

/** 24 h clock; the day stands under the first label and where it changes. */
function timeLabels(splits: readonly number[], stepSeconds: number, zone: Zone): string[] {
  let lastDay = ''
  return splits.map((unix) => {
    const [day, time] = formatTimestamp(unix * 1000, zone).split(' ') as [string, string]
    if (stepSeconds >= 86_400) return day
    const isNewDay = day !== lastDay
    lastDay = day
    const clock = stepSeconds < 60 ? time : time.slice(0, 5)
    return isNewDay ? `${clock}\n${day}` : clock
  })
}

/** Points worth a dot: those without a neighbour, which no line would show. */
const lonely: uPlot.Series.Points.Filter = (u, seriesIdx, _show) => {
  const values = u.data[seriesIdx]!
  const found: number[] = []
  for (let i = 0; i < values.length; i++) {
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) found.push(i)
  }
  return found
}

/** A line's options; wide sets get thinner lines. */
export function lineOptions(style: LineStyle, scheme: 'light' | 'dark', lineCount: number): uPlot.Series {
  const stroke = LINE_COLORS[scheme][style.color]!
  return {
    stroke, width: lineCount > 50 ? 1 : 1.5, dash: [...LINE_DASHES[style.dash]!], spanGaps: false,
    points: { show: true, size: 4, width: 0, fill: stroke, filter: lonely },
  }
}

/** Options of a graph; `look` is read anew at each drawing. */
export function chartOptions(look: ChartLook, series: uPlot.Series[], size: { width: number; height: number }): uPlot.Options {
  return {
    ...size, series: [{}, ...series], axes: axes(look), legend: { show: false }, padding: [10, 22, 0, 0], pxAlign: 1,
    tzDate: (unix) => (look.isUtc ? uPlot.tzDate(new Date(unix * 1000), 'Etc/UTC') : new Date(unix * 1000)),
    scales: {
      x: { time: true, range: () => [look.windowMs[0] / 1000, look.windowMs[1] / 1000] },
      y: { range: () => valueRange(look.extent, look.isZeroBased) },
    },
    focus: { alpha: 1 },
    cursor: {
      // One point for the nearest line, not one per line: at thousands of lines that is 16 ms a move instead of 1 s.
      points: { one: true, size: 7, width: 2 },
      focus: { prox: 40 },
      drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => null },
    },
  }
}
