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
  return Math.abs(sum) >= Math.abs(x) ? c + ((sum - total) + x) : c + ((x - total) + sum)
}
