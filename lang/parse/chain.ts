// Operator precedence without a grammar rule per level: operands and operators come in reading order, a stack of
// waiting operators decides who binds them (Dijkstra's shunting yard). Levels as in promql/parser/generated_parser.y.
import type { IToken } from 'chevrotain'
import { NESTING_MAX } from './limits.ts'
import { Fault } from './parse-error.ts'
import { spanOf } from './tokens.ts'

/** How a chain makes nodes. `M` is what may stand between an operator and its right side. */
export interface Binder<T, M> {
  sign(sign: IToken, operand: T): T
  binary(operator: IToken, modifiers: M | undefined, left: T, right: T): T
}

const POWER = 6
const LEVELS: ReadonlyMap<string, number> = new Map([
  ['or', 1], ['and', 2], ['unless', 2],
  ['==', 3], ['!=', 3], ['<', 3], ['<=', 3], ['>', 3], ['>=', 3], ['</', 3], ['>/', 3],
  ['+', 4], ['-', 4], ['*', 5], ['/', 5], ['%', 5], ['atan2', 5], ['^', POWER],
])
/** Signs bind as `*` does, below `^`: -1^2 is -(1^2). */
const SIGN = 5

interface Waiting<M> {
  token: IToken
  level: number
  isSign: boolean
  modifiers: M | undefined
}

/** One expression between two delimiters. */
export class Chain<T, M> {
  readonly #binder: Binder<T, M>
  readonly #operands: T[] = []
  readonly #waiting: Waiting<M>[] = []

  constructor(binder: Binder<T, M>) {
    this.#binder = binder
  }

  sign(token: IToken): void {
    this.#wait({ token, level: SIGN, isSign: true, modifiers: undefined })
  }

  operand(operand: T): void {
    this.#operands.push(operand)
  }

  operator(token: IToken, modifiers: M | undefined): void {
    const level = LEVELS.get(token.image.toLowerCase())!
    // `^` leans right and so lets an equal wait; the others lean left.
    this.#bind(level === POWER ? level + 1 : level)
    this.#wait({ token, level, isSign: false, modifiers })
  }

  finish(): T {
    this.#bind(0)
    return this.#operands[0]!
  }

  #wait(operator: Waiting<M>): void {
    if (this.#waiting.push(operator) > NESTING_MAX) {
      throw new Fault(spanOf(operator.token), `expression nests deeper than ${NESTING_MAX}`)
    }
  }

  /** Binds the waiting operators of at least this level. */
  #bind(level: number): void {
    for (let last = this.#waiting.at(-1); last !== undefined && last.level >= level; last = this.#waiting.at(-1)) {
      this.#waiting.pop()
      const right = this.#operands.pop()!
      this.#operands.push(last.isSign
        ? this.#binder.sign(last.token, right)
        : this.#binder.binary(last.token, last.modifiers, this.#operands.pop()!, right))
    }
  }
}
