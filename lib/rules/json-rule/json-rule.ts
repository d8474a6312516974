// The checked form of an alert rule made by API: what POST /api/alerts/rules takes, with all defaults filled in and durations
// in ms. It is compiled to PromQL (compile.ts) and evaluated like a rule of a file.

export type RuleKind = 'threshold' | 'rate_of_change' | 'absence' | 'composite' | 'anomaly'
export const RULE_KINDS: readonly RuleKind[] = ['threshold', 'rate_of_change', 'absence', 'composite', 'anomaly']

export type Operator = 'gt' | 'gte' | 'lt' | 'lte' | 'eq'
export const OPERATORS: readonly Operator[] = ['gt', 'gte', 'lt', 'lte', 'eq']

export type Aggregation = 'avg' | 'min' | 'max' | 'sum' | 'count' | 'p99' | 'last' | 'rate'
export const AGGREGATIONS: readonly Aggregation[] = ['avg', 'min', 'max', 'sum', 'count', 'p99', 'last', 'rate']

export type Severity = 'info' | 'warning' | 'critical'
export const SEVERITIES: readonly Severity[] = ['info', 'warning', 'critical']

export type Season = 'hour_of_week' | 'hour_of_day' | 'none'
export const SEASONS: readonly Season[] = ['hour_of_week', 'hour_of_day', 'none']

/** Label name to the values of which the series must have one. */
export type Filters = Readonly<Record<string, readonly string[]>>

/** A metric's series. */
export interface Source {
  metric: string
  filters: Filters
}

/** An aggregate over a window of each series, compared with a number. */
export interface ThresholdCondition {
  operator: Operator
  threshold: number
  windowMs: number
  aggregation: Aggregation
}

/** What a series has gained or lost since `windowMs` ago, compared with a number. */
export interface ChangeCondition {
  operator: Operator
  threshold: number
  windowMs: number
  change: 'absolute' | 'percent'
}

/** A server that sent samples within `rememberMs`, and none within `windowMs`. */
export interface AbsenceCondition {
  windowMs: number
  rememberMs: number
}

/** Further from its baseline than `sigma` standard deviations. */
export interface AnomalyCondition {
  sigma: number
  direction: 'both' | 'above' | 'below'
  windowMs: number
  aggregation: Aggregation
  season: Season
  baselineMs: number
  /** Labels by which a series without a baseline of its own borrows the median one. */
  borrowBy: readonly string[]
}

/** Series that were judged falsely: their band is `factor` times as wide. */
export interface Widening {
  labels: Readonly<Record<string, string>>
  factor: number
}

export type RuleBody =
  | { kind: 'threshold'; source: Source; condition: ThresholdCondition }
  | { kind: 'rate_of_change'; source: Source; condition: ChangeCondition }
  | { kind: 'absence'; source: Source; condition: AbsenceCondition }
  | { kind: 'composite'; match: 'all' | 'any'; parts: readonly { source: Source; condition: ThresholdCondition }[] }
  | { kind: 'anomaly'; source: Source; condition: AnomalyCondition; widenings: readonly Widening[] }

export interface JsonRule {
  name: string
  body: RuleBody
  severity: Severity
  /** Short forms (`email:…`); empty: as the configured route says. */
  notify: readonly string[]
  forMs: number
  /** How long the condition must be clean until the alert is resolved. */
  resolveAfterMs: number
  /** Nobody is told of the same alert again within it unless its severity rises; 0: as the route says. */
  cooldownMs: number
  /** null: global.evaluation_interval. */
  intervalMs: number | null
  /** Labels that tell one server from another, where conditions are joined or counted by server. */
  serverLabels: readonly string[]
  /** Added to the alerts; templates. */
  labels: Readonly<Record<string, string>>
  annotations: Readonly<Record<string, string>>
}
