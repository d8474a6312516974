// Makes random queries that are typed: an instant vector is asked for where one belongs, and the labels it will have
// are known, so that most joins find partners and most groupings have members.
//
// Each query has a root construct; roots take turns, so that every function, aggregator and operator comes up equally
// often however deep the rest goes.
import { Random } from '../../lib/std/random.ts'
import {
  ARITHMETIC_OPERATORS, CALENDAR_FUNCTIONS, COMPARISON_OPERATORS, COUNTER_FUNCTIONS, MALFORMED, MATH_FUNCTIONS, RANGE_FUNCTIONS,
  RANKED_AGGREGATORS, SET_OPERATORS, SIMPLE_AGGREGATORS, type Metric, type Nature,
} from './catalog.ts'
import { DATA_SPAN_MS, DATA_START_MS } from './data-set.ts'
import { JoinGenerator } from './join-generator.ts'
import { parenthesised, quotedLabel, type Vector, type VectorSource } from './vector-text.ts'

/** A query with its times; stepMs 0: instant, at startMs. Unix ms. */
export interface GeneratedQuery {
  /** The construct it is about. */
  root: string
  query: string
  startMs: number
  endMs: number
  stepMs: number
}

const RANGES = ['15s', '30s', '1m', '2m', '5m', '5m', '10m', '77s', '1m30s', '10m0s500ms', '300', '2m*2']

/** A construct's name and how to make a query of it. */
export type Root = readonly [name: string, make: (depth: number) => string]

export class QueryGenerator implements VectorSource {
  readonly random: Random
  readonly metrics: readonly Metric[]
  readonly #roots: readonly Root[]
  readonly #joins: JoinGenerator

  /** `roots` makes what is asked for of the constructs that every reference knows. */
  constructor(seed: number, metrics: readonly Metric[], roots: (self: QueryGenerator, known: readonly Root[]) => readonly Root[] = (_, known) => known) {
    this.random = new Random(seed)
    this.metrics = metrics
    this.#joins = new JoinGenerator(this)
    this.#roots = roots(this, [...this.#vectorRoots(), ...this.#callRoots(), ...this.#operatorRoots()])
  }

  /** Query number `i`. */
  next(i: number): GeneratedQuery {
    const { random } = this
    if (i < MALFORMED.length) return { root: 'malformed', query: MALFORMED[i]!, ...this.#instant() }
    const [root, make] = this.#roots[i % this.#roots.length]!
    const query = make(random.int(4))
    const isMatrix = root === 'matrix' || root === 'string'
    return { root, query, ...(isMatrix || random.float() < 0.5 ? this.#instant() : this.#range()) }
  }

  #moment(gridMs: number): number {
    const at = this.random.int(DATA_SPAN_MS + 420_000) - 30_000
    return DATA_START_MS + Math.floor(at / gridMs) * gridMs
  }

  #instant(): { startMs: number; endMs: number; stepMs: number } {
    const t = this.#moment(this.random.pick([60_000, 15_000, 15_000, 1000, 1]))
    return { startMs: t, endMs: t, stepMs: 0 }
  }

  #range(): { startMs: number; endMs: number; stepMs: number } {
    const { random } = this
    const stepMs = random.pick([15_000, 30_000, 60_000, 60_000, 77_000, 120_000, 300_000, 7_500, 1_001])
    const startMs = this.#moment(random.pick([15_000, 60_000, 1]))
    return { startMs, endMs: startMs + stepMs * (1 + random.int(9)) + random.int(2) * (stepMs >> 1), stepMs }
  }

  metric(natures: readonly Nature[] = []): Metric {
    const candidates = natures.length === 0 ? this.metrics : this.metrics.filter(({ nature }) => natures.includes(nature))
    let rest = this.random.float() * candidates.reduce((sum, { weight }) => sum + weight, 0)
    return candidates.find(({ weight }) => (rest -= weight) < 0) ?? candidates[0]!
  }

  /** A metric's selector, modifiers included, with `range` between. */
  selector(metric: Metric, range = ''): Vector {
    const { random } = this
    const labels = Object.keys(metric.labels)
    const matchers: string[] = []
    for (let i = random.float() < 0.35 ? 1 + random.int(2) : 0; i > 0; i--) matchers.push(this.#matcher(metric, random.pick(labels)))
    const isPlain = quotedLabel(metric.name) === metric.name
    if (isPlain && random.float() < 0.06) matchers.push(`__name__=~"${metric.name.slice(0, 3)}.*"`)
    else if (!isPlain || random.float() < 0.05) matchers.unshift(JSON.stringify(metric.name))
    const isNamed = !matchers.some((matcher) => matcher.startsWith('"') || matcher.startsWith('__name__'))
    const braces = matchers.length > 0 ? `{${matchers.join(',')}}` : ''
    return { text: `${isNamed ? metric.name : ''}${braces}${range}${this.modifiers()}`, labels, metric }
  }

  #matcher(metric: Metric, label: string): string {
    const { random } = this
    const values = metric.labels[label]!
    const value = random.pick(values)
    const name = quotedLabel(label)
    const roll = random.float()
    if (roll < 0.35) return `${name}=${JSON.stringify(value)}`
    if (roll < 0.6) return `${name}!=${JSON.stringify(value)}`
    if (/[^\w.]/.test(value)) return `${name}!=""`
    if (roll < 0.85) return `${name}=~"${value}|${random.pick(values).replace(/[^\w]/g, '.')}"`
    return `${name}!~"${value.slice(0, 1)}.+"`
  }

  /** `offset`, `@`, both or mostly neither. */
  modifiers(): string {
    const { random } = this
    const roll = random.float()
    if (roll < 0.84) return ''
    const offset = ` offset ${random.pick(['1m', '5m', '-1m', '77s', '15s', '1m30s', '(30s*2)'])}`
    const at = ` @ ${random.pick(['start()', 'end()', String(this.#moment(15_000) / 1000), (this.#moment(1) / 1000).toFixed(3)])}`
    return roll < 0.92 ? offset : roll < 0.96 ? at : random.float() < 0.5 ? offset + at : at + offset
  }

  /** A range vector: a selector's or a subquery. */
  matrix(depth: number, natures: readonly Nature[] = []): Vector {
    const { random } = this
    if (depth <= 0 || random.float() < 0.7) return this.selector(this.metric(natures), `[${random.pick(RANGES)}]`)
    const inner = this.vector(depth - 1, natures)
    const isBinary = / (and|or|unless|atan2|[-+*/%^<>=!]+) /.test(inner.text)
    const text = isBinary ? `(${inner.text})` : inner.text
    return { ...inner, text: `${text}[${random.pick(['2m', '5m', '10m', '77s'])}:${random.pick(['', '15s', '30s', '1m', '45s'])}]${this.modifiers()}` }
  }

  /** Any instant vector. */
  vector(depth: number, natures: readonly Nature[] = []): Vector {
    const { random } = this
    if (depth <= 0) return this.selector(this.metric(natures))
    const roll = random.float()
    const inner = depth - 1
    if (roll < 0.25) return this.#ranged(inner, natures)
    if (roll < 0.45) return this.aggregation(random.pick(SIMPLE_AGGREGATORS), inner, natures)
    if (roll < 0.6) return this.#scalarBinary(random.pick(ARITHMETIC_OPERATORS), inner, natures)
    if (roll < 0.7) return { ...this.#scalarBinary(random.pick(COMPARISON_OPERATORS), inner, natures) }
    if (roll < 0.82) return this.#joins.join(random.pick([...ARITHMETIC_OPERATORS.slice(0, 4), ...COMPARISON_OPERATORS, ...SET_OPERATORS]), inner)
    const vector = this.vector(inner, natures)
    if (roll < 0.9) return { ...vector, text: `${random.pick(['abs', 'ceil', 'floor', 'sgn', 'sqrt', 'round', 'timestamp', 'sort_desc'])}(${vector.text})` }
    if (roll < 0.94) return { ...vector, text: `-${parenthesised(vector.text)}` }
    if (roll < 0.97) return { ...vector, text: `(${vector.text})` }
    return { ...vector, text: `topk(3, ${vector.text})` }
  }

  #ranged(depth: number, natures: readonly Nature[]): Vector {
    const { random } = this
    const isCounter = random.float() < 0.5 && natures.length === 0
    const matrix = this.matrix(depth, isCounter ? ['counter'] : natures)
    return { ...matrix, text: `${random.pick(isCounter ? COUNTER_FUNCTIONS.slice(0, 3) : ['avg_over_time', 'max_over_time', 'last_over_time', 'sum_over_time', 'delta'])}(${matrix.text})` }
  }

  /** `op by|without (…) (vector)`; `param` goes before the vector. */
  aggregation(op: string, depth: number, natures: readonly Nature[] = [], param = ''): Vector {
    const { random } = this
    const inner = this.vector(depth, natures)
    const picked = inner.labels.filter(() => random.float() < 0.5)
    const list = (names: readonly string[]): string => `(${names.map(quotedLabel).join(', ')})`
    const body = `(${param === '' ? '' : `${param}, `}${inner.text})`
    const roll = random.float()
    if (roll < 0.3) return { ...inner, text: `${op}${body}`, labels: [] }
    if (roll < 0.7) return { ...inner, text: random.float() < 0.5 ? `${op} by ${list(picked)} ${body}` : `${op}${body} by ${list(picked)}`, labels: picked }
    if (roll < 0.75) return { ...inner, text: `${op} by (__name__${picked.map((name) => `, ${quotedLabel(name)}`).join('')}) ${body}`, labels: picked }
    return { ...inner, text: `${op} without ${list(picked)} ${body}`, labels: inner.labels.filter((name) => !picked.includes(name)) }
  }

  scalar(depth: number): string {
    const { random } = this
    const roll = random.float()
    if (depth <= 0 || roll < 0.5) return random.pick(['1', '2', '0', '-1', '0.5', '10', '100', '-2.5', '1e3', '3', '1m', 'Inf', '-Inf', 'NaN', '0x10', '-0'])
    if (roll < 0.6) return 'time()'
    if (roll < 0.65) return 'pi()'
    if (roll < 0.85) return `scalar(${this.vector(depth - 1).text})`
    return `(${this.scalar(depth - 1)} ${random.pick(ARITHMETIC_OPERATORS)} ${this.scalar(depth - 1)})`
  }

  #scalarBinary(op: string, depth: number, natures: readonly Nature[] = []): Vector {
    const { random } = this
    const vector = this.vector(depth, natures)
    const bool = COMPARISON_OPERATORS.includes(op) && random.float() < 0.4 ? ' bool' : ''
    const scalar = this.scalar(depth)
    const text = random.float() < 0.7
      ? `${parenthesised(vector.text)} ${op}${bool} ${scalar}`
      : `${scalar} ${op}${bool} ${parenthesised(vector.text)}`
    return { ...vector, text }
  }

  #vectorRoots(): Root[] {
    const selector = (): string => this.selector(this.metric()).text
    const matrix = (depth: number): string => this.matrix(depth).text
    const text = (): string => JSON.stringify(this.random.pick(['a', '', 'ü "quoted"', 'tab\there']))
    const scalar = (depth: number): string => this.scalar(depth + 1)
    const unary = (depth: number): string => `${this.random.pick(['-', '+', '-'])}${parenthesised(this.vector(depth).text)}`
    const simple = SIMPLE_AGGREGATORS.map((op) => [op, (depth: number) => this.aggregation(op, depth).text] as Root)
    const ranked = RANKED_AGGREGATORS.map((op) => [op, (depth: number) => this.#ranked(op, depth)] as Root)
    return [
      ['selector', selector], ['selector', selector], ['matrix', matrix], ['matrix', matrix], ['string', text], ['scalar', scalar], ['unary', unary],
      ...simple, ...simple, ...ranked, ...ranked,
      ['quantile', (depth) => this.aggregation('quantile', depth, [], this.#quantile(depth)).text],
      ['quantile', (depth) => this.aggregation('quantile', depth, [], this.#quantile(depth)).text],
      ['count_values', (depth) => this.aggregation('count_values', depth, [], JSON.stringify(this.random.pick(['value', 'value', 'job', '__name__', 'a.b', '']))).text],
    ]
  }

  #ranked(op: string, depth: number): string {
    const { random } = this
    const param = random.float() < 0.75 ? random.pick(['1', '2', '3', '5']) : random.pick(['0', '-1', '2.9', 'NaN', '1e30', 'Inf', '-Inf', this.scalar(depth)])
    return this.aggregation(op, depth, [], param).text
  }

  #quantile(depth: number): string {
    const { random } = this
    return random.float() < 0.75 ? random.pick(['0.5', '0.9', '0', '1', '0.99', '0.25']) : random.pick(['-0.5', '1.5', 'NaN', '-Inf', this.scalar(depth)])
  }

  #callRoots(): Root[] {
    const { random } = this
    const call = (name: string, make: (depth: number) => readonly string[]): Root => [name, (depth) => `${name}(${make(depth).join(', ')})`]
    const vector = (depth: number): string => this.vector(depth).text
    const matrix = (depth: number): string => this.matrix(depth).text
    const bound = (depth: number): string => (random.float() < 0.8 ? random.pick(['0', '1', '-5', '10', '50', '0.1']) : this.scalar(depth))
    const label = (): string => JSON.stringify(random.pick(['job', 'instance', 'path', 'le', 'a', 'b', 'missing', 'lab.el']))
    const buckets = (depth: number): string => this.#buckets(depth)
    return [
      ...MATH_FUNCTIONS.map((name) => call(name, (depth) => [vector(depth)])),
      ...CALENDAR_FUNCTIONS.map((name) => call(name, (depth) => (random.float() < 0.3 ? [] : [random.float() < 0.5 ? `timestamp(${vector(depth)})` : `${parenthesised(vector(depth))} * 86400`]))),
      ...[...COUNTER_FUNCTIONS, ...COUNTER_FUNCTIONS].map((name) => call(name, (depth) => [this.matrix(depth, random.float() < 0.7 ? ['counter', 'bucket'] : []).text])),
      ...[...RANGE_FUNCTIONS, ...RANGE_FUNCTIONS].map((name) => call(name, (depth) => [matrix(depth)])),
      call('quantile_over_time', (depth) => [this.#quantile(depth), matrix(depth)]), call('quantile_over_time', (depth) => [this.#quantile(depth), matrix(depth)]),
      call('predict_linear', (depth) => [matrix(depth), random.pick(['60', '300', '-30', '1h', this.scalar(depth)])]),
      call('double_exponential_smoothing', (depth) => [matrix(depth), random.pick(['0.1', '0.5', '0.9', '0', '1']), random.pick(['0.1', '0.5', '0.8', '0.5', '2'])]),
      call('clamp', (depth) => [vector(depth), bound(depth), bound(depth)]), call('clamp_min', (depth) => [vector(depth), bound(depth)]),
      call('clamp_max', (depth) => [vector(depth), bound(depth)]),
      call('round', (depth) => [vector(depth), ...(random.float() < 0.6 ? [random.pick(['0.1', '5', '0.01', '0', '-1', this.scalar(depth)])] : [])]),
      call('absent', (depth) => [random.float() < 0.4 ? random.pick(['nothing{job="x"}', 'nothing{a="1",b=~"2"}', 'temperature{job="x",job="y"}', 'sum(nothing)', 'nothing']) : vector(depth)]),
      call('scalar', (depth) => [random.float() < 0.5 ? this.aggregation('sum', depth).text : vector(depth)]), call('vector', (depth) => [this.scalar(depth)]),
      call('timestamp', (depth) => [vector(depth)]), call('timestamp', (depth) => [vector(depth)]), call('sort', (depth) => [vector(depth)]), call('sort_desc', (depth) => [vector(depth)]),
      call('sort_by_label', (depth) => [vector(depth), label(), ...(random.float() < 0.5 ? [label()] : [])]),
      call('sort_by_label_desc', (depth) => [vector(depth), label(), label()]),
      call('label_replace', (depth) => this.#labelReplace(depth)), call('label_replace', (depth) => this.#labelReplace(depth)),
      call('label_join', (depth) => [vector(depth), random.pick(['"joined"', '"job"', '"__name__"', '""', '"a-b"']), random.pick(['","', '""', '"-"']), ...['job', 'instance', 'nope'].slice(0, random.int(4)).map((name) => JSON.stringify(name))]),
      call('histogram_quantile', (depth) => [this.#quantile(depth), buckets(depth)]), call('histogram_quantile', (depth) => [this.#quantile(depth), buckets(depth)]),
      call('histogram_fraction', (depth) => [bound(depth), random.pick(['0.5', '2', 'Inf', '1', '-1']), buckets(depth)]),
      call('info', (depth) => [this.vector(depth, ['counter', 'gauge']).text, ...(random.float() < 0.6 ? [random.pick(['{version=~".+"}', '{zone="z-i0"}', '{__name__="build_info"}', '{__name__=~".+_info"}', '{__name__=~".+_info",revision=~"r.*"}', '{nope=""}', '{nope="x"}'])] : [])]),
    ]
  }

  #buckets(depth: number): string {
    const { random } = this
    const metric = this.metric(['bucket'])
    const roll = random.float()
    if (roll < 0.35) return this.selector(metric).text
    const rate = `rate(${this.selector(metric, `[${random.pick(RANGES)}]`).text})`
    if (roll < 0.6) return rate
    if (roll < 0.9) return `sum by (${random.pick(['le', 'le, job', 'le, instance', 'le, flaw'])}) (${rate})`
    return this.vector(depth).text
  }

  #labelReplace(depth: number): string[] {
    const { random } = this
    const vector = this.vector(depth)
    const source = vector.labels.length > 0 && random.float() < 0.8 ? random.pick(vector.labels) : random.pick(['job', '__name__', 'none'])
    const target = random.pick(['new', 'new', 'job', source, '__name__', 'bad-name', ''])
    return [vector.text, ...[
      target, random.pick(['$1', 'x-$1', '${1}y', 'fixed', '', '$2', '$name', '$$']), source,
      random.pick(['(.*)', '(.).*', '(?P<name>[a-z]+)(.*)', 'i(.)', '.*', '', '(', 'api|db']),
    ].map((text) => JSON.stringify(text))]
  }

  #operatorRoots(): Root[] {
    const all = [...ARITHMETIC_OPERATORS, ...COMPARISON_OPERATORS, ...SET_OPERATORS]
    const joins = all.map((op) => [op, (depth: number) => this.#joins.join(op, depth).text] as Root)
    const withScalar = [...ARITHMETIC_OPERATORS, ...COMPARISON_OPERATORS]
      .map((op) => [op, (depth: number) => this.#scalarBinary(op, depth).text] as Root)
    return [...joins, ...joins, ...joins, ...withScalar]
  }
}
