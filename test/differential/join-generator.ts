// Makes binary operations between vectors: the two sides mostly fit one another, in each of the ways of matching, and
// now and then they do not.
import { ARITHMETIC_OPERATORS, COMPARISON_OPERATORS, SET_OPERATORS } from './catalog.ts'
import { parenthesised, quotedLabel, type Vector, type VectorSource } from './vector-text.ts'

export class JoinGenerator {
  readonly #from: VectorSource

  constructor(from: VectorSource) {
    this.#from = from
  }

  /** `left op … right`. */
  join(op: string, depth: number): Vector {
    const { random } = this.#from
    if (SET_OPERATORS.includes(op)) return this.#setOperation(op, depth)
    const roll = random.float()
    if (roll < 0.4) return this.#sameShape(op, depth)
    if (roll < 0.6) return this.#grouped(op, depth)
    if (roll < 0.9) return this.#manyToOne(op, depth)
    return this.#anyTwo(op, depth)
  }

  #bool(op: string): string {
    return COMPARISON_OPERATORS.includes(op) && this.#from.random.float() < 0.35 ? ' bool' : ''
  }

  #written(left: string, op: string, matching: string, right: string): string {
    return `${parenthesised(left)} ${op}${this.#bool(op)}${matching} ${parenthesised(right)}`
  }

  /** Both sides of one metric. */
  #sameShape(op: string, depth: number): Vector {
    const from = this.#from
    const { random } = from
    const metric = from.metric()
    const side = (): Vector => {
      const roll = random.float()
      if (depth > 0 && roll < 0.3) {
        const matrix = from.selector(metric, '[5m]')
        return { ...matrix, text: `${random.pick(['rate', 'max_over_time', 'avg_over_time'])}(${matrix.text})` }
      }
      const selector = from.selector(metric)
      return roll < 0.5 ? { ...selector, text: `${parenthesised(selector.text)} ${random.pick(ARITHMETIC_OPERATORS.slice(0, 4))} ${random.pick(['2', '0.5', '10'])}` } : selector
    }
    const left = side()
    const roll = random.float()
    const on = ` on(${left.labels.map(quotedLabel).join(', ')})`
    const matching = roll < 0.5 ? '' : roll < 0.75 ? on : roll < 0.9 ? ' ignoring(missing)' : ` on(${['__name__', ...left.labels].map(quotedLabel).join(', ')})`
    return { ...left, text: this.#written(left.text, op, matching, side().text) }
  }

  /** Both sides aggregated by the same labels. */
  #grouped(op: string, depth: number): Vector {
    const from = this.#from
    const { random } = from
    const label = random.pick(['job', 'instance', 'job', 'job, instance'])
    const labels = label.split(', ')
    const side = (): string => {
      const metric = this.#metricWith(labels)
      const inner = depth > 1 ? `rate(${from.selector(metric, '[5m]').text})` : from.selector(metric).text
      return `${random.pick(['sum', 'max', 'count', 'avg'])} by (${label}) (${inner})`
    }
    const matching = random.pick(['', '', ` on(${label})`, ' ignoring(nope)', ` on(${label}) group_left()`])
    const left = from.selector(this.#metricWith(labels))
    return { ...left, labels, text: this.#written(side(), op, matching, side()) }
  }

  #metricWith(labels: readonly string[]): Vector['metric'] {
    const candidates = this.#from.metrics.filter((metric) => labels.every((label) => label in metric.labels))
    return this.#from.random.pick(candidates)
  }

  /** `many op on(…) group_left(…) one`, or mirrored. */
  #manyToOne(op: string, depth: number): Vector {
    const from = this.#from
    const { random } = from
    const many = depth > 1 ? this.#rated() : from.selector(this.#metricWith(['instance']))
    const [one, on, include] = random.pick([
      ['owner', 'instance', 'team'], ['owner', 'instance', ''], ['sum by (instance) (temperature)', 'instance', ''],
      ['limit', 'job', ''], ['build_info', 'job, instance', 'revision'], ['count by (job, instance) (queue_length)', 'job, instance', 'job'],
      ['target_info', 'instance', 'version, zone'], ['limit', 'job', 'nope'], ['max by (job) (temperature)', 'job', ''],
      ['owner', 'instance', 'instance'], ['temperature', 'job', ''],
    ] as const)
    const isMirrored = random.float() < 0.4
    const matching = ` on(${on}) ${isMirrored ? 'group_right' : 'group_left'}${include === '' && random.float() < 0.5 ? '' : `(${include})`}`
    const text = isMirrored ? this.#written(one, op, matching, many.text) : this.#written(many.text, op, matching, one)
    return { ...many, labels: [...new Set([...many.labels, ...include.split(', ').filter((name) => name !== '')])], text }
  }

  #rated(): Vector {
    const matrix = this.#from.selector(this.#metricWith(['instance']), '[5m]')
    return { ...matrix, text: `rate(${matrix.text})` }
  }

  /** Whatever comes: mostly no partners or too many. */
  #anyTwo(op: string, depth: number): Vector {
    const left = this.#from.vector(depth)
    const right = this.#from.vector(depth)
    const matching = this.#from.random.pick(['', ' on()', ' on(job)', ' ignoring(instance)', ' on(instance) group_left(job)'])
    return { ...left, text: this.#written(left.text, op, matching, right.text) }
  }

  #setOperation(op: string, depth: number): Vector {
    const from = this.#from
    const { random } = from
    const left = from.vector(depth)
    const isSame = random.float() < 0.5
    const right = isSame ? from.selector(left.metric) : from.vector(depth)
    const shared = left.labels.filter((label) => right.labels.includes(label))
    const matching = random.float() < 0.4 ? '' : random.float() < 0.8 ? ` on(${shared.map(quotedLabel).join(', ')})` : ` ignoring(${shared.slice(0, 1).map(quotedLabel).join(', ')})`
    return { ...left, text: `${parenthesised(left.text)} ${op}${matching} ${parenthesised(right.text)}` }
  }
}
