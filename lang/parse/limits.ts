// The bounds of one query. Each stops a text that costs its sender nothing and a server much; each refusal names
// the bound. Prometheus has none of them: `abs(` × 2,000 keeps it busy for seconds.

/** Longest query text in UTF-8 bytes: thousands of values in one pattern, as dashboards write them, are no mistake. */
export const QUERY_BYTES_MAX = 131_072

/** Most nodes in one tree, those of duration expressions included. */
export const NODE_COUNT_MAX = 5_000

/** Deepest nesting of parentheses, calls, signs and right-associative operators; keeps the parser's own stack small. */
export const NESTING_MAX = 100

/** Highest tree: also chains such as `a or b or c …` lean that far to the left, and every later pass recurses over them. */
export const TREE_HEIGHT_MAX = 500

/** Most subqueries inside each other: each multiplies the evaluations of the next. */
export const NESTED_SUBQUERIES_MAX = 5
