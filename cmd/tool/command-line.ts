// The arguments of a tool: `--name value`, `--name=value`, `-n value`, switches, and words in order; flags and words may
// be mixed, `--` ends the flags. The long-running server has a reader of its own (cmd/flags.ts) with Prometheus' rules.
import { nearestWord } from '../../lib/std/nearest-word.ts'

/** The command line is wrong; the message says how, for people. */
export class UsageError extends Error {
  readonly code = 'USAGE'
}

export interface ToolFlag {
  name: string
  /** One letter. */
  short?: string
  /** `switch` takes no value; `list` may be given more than once. */
  kind: 'text' | 'list' | 'switch'
}

export class Arguments {
  /** What is no flag, in order. */
  readonly words: readonly string[]
  readonly #values: ReadonlyMap<string, readonly string[]>

  /** Throws UsageError for a flag that is not among `flags`, has no value or is given twice. */
  constructor(argv: readonly string[], flags: readonly ToolFlag[]) {
    const words: string[] = []
    const values = new Map<string, string[]>()
    for (let i = 0; i < argv.length; i++) {
      const word = argv[i]!
      if (word === '--') {
        words.push(...argv.slice(i + 1))
        break
      }
      if (!word.startsWith('-') || word === '-') {
        words.push(word)
        continue
      }
      const { flag, inline } = findFlag(word, flags)
      const known = values.get(flag.name) ?? []
      if (known.length > 0 && flag.kind !== 'list') throw new UsageError(`flag --${flag.name} is given twice`)
      if (flag.kind === 'switch' && inline !== null) throw new UsageError(`flag --${flag.name} takes no value`)
      const value = flag.kind === 'switch' ? '' : inline ?? argv[++i]
      if (value === undefined) throw new UsageError(`flag --${flag.name} wants a value`)
      values.set(flag.name, [...known, value])
    }
    this.words = words
    this.#values = values
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** '' where the flag is not given. */
  text(name: string): string {
    return this.#values.get(name)?.[0] ?? ''
  }

  list(name: string): readonly string[] {
    return this.#values.get(name) ?? []
  }
}

/** A query such as `-foo` also begins with a minus: the error says how to pass it. */
function findFlag(word: string, flags: readonly ToolFlag[]): { flag: ToolFlag; inline: string | null } {
  if (word.startsWith('--')) {
    const equals = word.indexOf('=')
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals)
    const flag = flags.find((one) => one.name === name)
    if (flag) return { flag, inline: equals < 0 ? null : word.slice(equals + 1) }
    const nearest = nearestWord(name, flags.map((one) => one.name))
    throw new UsageError(`unknown flag --${name}${nearest === null ? '' : `; did you mean --${nearest}?`}`)
  }
  const flag = flags.find((one) => one.short === word[1])
  if (!flag) throw new UsageError(`unknown flag ${word.slice(0, 2)}; put -- before an argument that begins with a minus`)
  return { flag, inline: word.length === 2 ? null : word.slice(2).replace(/^=/, '') }
}
