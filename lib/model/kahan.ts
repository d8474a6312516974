// Neumaier's improvement of Kahan's compensated sum, as Prometheus has it (util/kahansum). A running sum is a pair
// (sum, c) kept in two locals, so that no loop allocates:
//
//   const total = sum + x
//   c = compensation(c, sum, x, total)
//   sum = total                          …at the end: sum + c
//
// A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", ZAMM 54 (1974).

/** The compensation after adding `x` to `sum` with result `total`; 0 once the sum is infinite. */
export function compensation(c: number, sum: number, x: number, total: number): number {
  if (total === Infinity || total === -Infinity) return 0
  return c + lostIn(sum, x, total)
}

/** What rounding took from sum + x to give the finite `total`. */
export function lostIn(sum: number, x: number, total: number): number {
  return Math.abs(sum) >= Math.abs(x) ? (sum - total) + x : (x - total) + sum
}

/** v[from..to) added up; an infinite sum has no compensation. */
export function compensatedSum(v: Float64Array, from: number, to: number): number {
  let sum = 0
  let c = 0
  for (let k = from; k < to; k++) {
    const x = v[k]!
    const total = sum + x
    c = compensation(c, sum, x, total)
    sum = total
  }
  return sum === Infinity || sum === -Infinity ? sum : sum + c
}

/** Sum of the squared distances of v[from..to) from their mean, by Welford's method, both sums compensated. */
export function squaredDistances(v: Float64Array, from: number, to: number): number {
  let mean = 0, cMean = 0, squares = 0, cSquares = 0
  for (let k = from; k < to; k++) {
    const x = v[k]!
    const difference = x - (mean + cMean)
    const shift = difference / (k - from + 1)
    let total = mean + shift
    cMean = compensation(cMean, mean, shift, total)
    mean = total
    const square = difference * (x - (mean + cMean))
    total = squares + square
    cSquares = compensation(cSquares, squares, square, total)
    squares = total
  }
  return squares + cSquares
}
