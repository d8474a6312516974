// Go templates, as rules and notifications use them: text with actions in, text out.
//
//   text ─lex─▶ tokens ─parse─▶ trees by name ─execute, over data and functions─▶ text
//
// The language is Go's text/template (pkg.go.dev/text/template): pipelines, variables, if, with, range, define, template,
// block, comments, trim markers. Not there: complex numbers, channels, iterators. A template ends by its limits if not by
// itself; whatever is wrong with it is one TemplateSyntaxError or TemplateError in Go's words.
import { BUILTINS } from './builtins.ts'
import { EscapeError, escapeTrees, HTML_FUNCTIONS } from './html/escape.ts'
import { DEFAULT_LIMITS, execute, TemplateError, type ExecLimits } from './exec.ts'
import { isEmpty, parseTrees, TemplateSyntaxError, type Tree } from './parse.ts'
import type { GoFunction, Value } from './value.ts'

export { TemplateError } from './exec.ts'
export { TemplateSyntaxError } from './parse.ts'

/** A longer text is no one's template. */
const TEXT_CHARS_MAX = 1 << 20

export interface TemplateOptions {
  functions: ReadonlyMap<string, GoFunction>
  /** A map's missing key gives its type's zero value, as in Prometheus; else nothing. */
  isMissingKeyZero?: boolean
  limits?: ExecLimits
}

/** A set of templates that may call each other. */
export class Templates {
  readonly #options: TemplateOptions
  readonly #trees = new Map<string, Tree>()
  #escaped: ReadonlyMap<string, Tree> | null = null

  constructor(options: TemplateOptions) {
    this.#options = options
  }

  /** Adds the template `name`, and what its text defines. Throws TemplateSyntaxError. */
  parse(name: string, text: string): this {
    if (text.length > TEXT_CHARS_MAX) throw new TemplateSyntaxError(`template: ${name}:1: a template may have at most ${TEXT_CHARS_MAX} characters`)
    const { functions } = this.#options
    const parsed = new Map<string, Tree>()
    parseTrees(name, text, parsed, (called) => functions.has(called) || BUILTINS.has(called))
    // What a later text defines replaces an earlier definition, unless it is empty.
    for (const [defined, tree] of parsed) if (!this.#trees.has(defined) || !isEmpty(tree.root)) this.#trees.set(defined, tree)
    return this
  }

  /** A set of its own with the same templates. */
  clone(): Templates {
    const copy = new Templates(this.#options)
    for (const [name, tree] of this.#trees) copy.#trees.set(name, tree)
    return copy
  }

  /** What template `name` makes of `data`. Throws TemplateError. */
  execute(name: string, data: Value): string {
    return this.#execute(name, data, this.#trees, this.#options.functions)
  }

  /** As `execute`, for a text that is read as HTML: values are escaped for the place they stand in. */
  executeHtml(name: string, data: Value): string {
    this.#escaped ??= this.#escape(name)
    return this.#execute(name, data, this.#escaped, new Map([...this.#options.functions, ...HTML_FUNCTIONS]))
  }

  #escape(name: string): ReadonlyMap<string, Tree> {
    try {
      return escapeTrees(this.#trees, name)
    } catch (error) {
      if (error instanceof EscapeError) throw new TemplateError(error.message, { cause: error })
      throw error
    }
  }

  #execute(name: string, data: Value, trees: ReadonlyMap<string, Tree>, functions: ReadonlyMap<string, GoFunction>): string {
    const { limits = DEFAULT_LIMITS, isMissingKeyZero = false } = this.#options
    try {
      return execute({ trees, functions, limits, isMissingKeyZero }, name, data)
    } catch (error) {
      // Deep nesting of data or templates, before a bound of ours is met.
      if (error instanceof RangeError) throw new TemplateError(`template: ${name}: ${error.message}`, { cause: error })
      throw error
    }
  }
}
