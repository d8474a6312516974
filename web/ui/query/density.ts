// A picture of many lines at once: how many of them pass through each pixel. For each column a line adds one over the
// run of pixels it crosses there; the runs are kept as differences (+1 at the top, -1 below the bottom) and summed once
// at the end, so that a steep line costs no more than a flat one. O(series x (points + columns) + pixels).
import type { Matrix } from './matrix.ts'

export interface DensityFrame {
  /** Size in pixels. */
  width: number
  height: number
  /** Unix ms at the left and right edge. */
  startMs: number
  endMs: number
  /** Values at the bottom and top edge. */
  low: number
  high: number
}

/** Lines per pixel, row by row from the top. Gaps stay gaps; a point without neighbours counts one pixel. */
export function densityOf(matrix: Matrix, frame: DensityFrame): Uint32Array {
  const { width, height } = frame
  // Column by column, one spare row for the difference below the last pixel.
  const runs = new Int32Array(width * (height + 1))
  const perMs = (width - 1) / (frame.endMs - frame.startMs)
  const perUnit = (height - 1) / (frame.high - frame.low)
  const xAt = (point: number): number => (matrix.grid.startMs + point * matrix.grid.stepMs - frame.startMs) * perMs
  for (let row = 0; row < matrix.labels.length; row++) {
    const base = row * matrix.pointCount
    let previous = NaN
    for (let point = 0; point < matrix.pointCount; point++) {
      const value = matrix.values[base + point]!
      const y = Number.isFinite(value) ? (frame.high - value) * perUnit : NaN
      if (!Number.isNaN(y)) {
        const x1 = xAt(point)
        if (Number.isNaN(previous)) addRun(runs, frame, Math.round(x1), y, y)
        else addSegment(runs, frame, { x0: xAt(point - 1), y0: previous, x1, y1: y })
      }
      previous = y
    }
  }
  return sumRuns(runs, width, height)
}

interface Segment {
  x0: number
  y0: number
  x1: number
  y1: number
}

/** Covers the columns right of x0 up to x1: the left end belongs to the segment before. */
function addSegment(runs: Int32Array, frame: DensityFrame, segment: Segment): void {
  const { x0, y0, x1, y1 } = segment
  const last = Math.round(x1)
  const slope = (y1 - y0) / (x1 - x0)
  let from = y0
  for (let x = Math.round(x0) + 1; x <= last; x++) {
    const to = x === last ? y1 : y0 + (x - x0) * slope
    addRun(runs, frame, x, from, to)
    from = to
  }
}

function addRun(runs: Int32Array, frame: DensityFrame, x: number, yFrom: number, yTo: number): void {
  const { width, height } = frame
  if (x < 0 || x >= width) return
  const top = Math.max(0, Math.round(Math.min(yFrom, yTo)))
  const bottom = Math.min(height - 1, Math.round(Math.max(yFrom, yTo)))
  if (top > bottom) return
  const base = x * (height + 1)
  runs[base + top] = runs[base + top]! + 1
  runs[base + bottom + 1] = runs[base + bottom + 1]! - 1
}

function sumRuns(runs: Int32Array, width: number, height: number): Uint32Array {
  const counts = new Uint32Array(width * height)
  for (let x = 0; x < width; x++) {
    let count = 0
    for (let y = 0; y < height; y++) {
      count += runs[x * (height + 1) + y]!
      counts[y * width + x] = count
    }
  }
  return counts
}

/** Paints counts as one colour (`#rrggbb`) from faint to full, on a logarithmic scale. */
export function paintDensity(counts: Uint32Array, pixels: Uint8ClampedArray, color: string): void {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16)) as [number, number, number]
  let most = 1
  for (const count of counts) if (count > most) most = count
  const scale = 215 / Math.log2(most + 1)
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!
    if (count === 0) continue
    pixels[i * 4] = red
    pixels[i * 4 + 1] = green
    pixels[i * 4 + 2] = blue
    pixels[i * 4 + 3] = 40 + Math.log2(count + 1) * scale
  }
}
