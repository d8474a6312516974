// label_replace and label_join: other labels, same points.
import { RegexError, compileWrapped, type Regex } from '../../lib/std/regex.ts'
import { METRIC_NAME } from '../../lib/model/labels.ts'
import { isValidLabelName } from '../../lib/model/relabel.ts'
import { withMarkOf } from '../exec/label-table.ts'
import { ExecutionError } from '../exec/query-error.ts'
import { RelabeledOperator, stringArg, vectorArg } from './computed-operator.ts'
import type { FuncContext, OperatorFunc } from './contract.ts'

/**
 * label_replace(v, dst, replacement, src, regex): where the whole of src matches, dst becomes the replacement with
 * Go's Expand rules; an empty one removes it.
 */
export const labelReplace: OperatorFunc = (ctx, args) => {
  const [dst, replacement, src, source] = [1, 2, 3, 4].map((at) => stringArg(args, at)) as [string, string, string, string]
  const regex = compile(source)
  if (!isValidLabelName(dst, 'utf8')) throw new ExecutionError(`invalid destination label name in label_replace(): ${dst}`)
  const relabeled = carryMark(dst)
  const dstSymbol = ctx.labels.intern(dst)
  const srcSymbol = ctx.labels.intern(src)
  // Few values, many series: each value of src is matched once. null: no match.
  const replaced = new Map<number, number | null>()
  return new RelabeledOperator(vectorArg(args, 0), (set) => {
    const value = ctx.labels.get(set, srcSymbol)
    let result = replaced.get(value)
    if (result === undefined) {
      const text = regex.replaceAnchored(ctx.labels.textOf(value), replacement)
      result = text === null ? null : madeText(ctx, text)
      replaced.set(value, result)
    }
    return result === null ? set : relabeled(set, ctx.labels.with(set, dstSymbol, result))
  })
}

/** No label value is stored that is nearly as long, and one match of more takes longer than a deadline may be overrun. */
const MADE_CHARS_MAX = 1 << 20

/** The symbol of a text that the query makes, paid for: a few calls in each other multiply texts without end. */
function madeText({ labels, budget }: FuncContext, text: string): number {
  budget.check()
  if (text.length > MADE_CHARS_MAX) throw new ExecutionError(`label value of ${text.length} characters made by label_replace() or label_join(); at most ${MADE_CHARS_MAX} are possible`)
  budget.addBytes(text.length)
  return labels.intern(text)
}

/** A name written anew stays, whatever happened to the one before; other labels leave the mark as it was. */
function carryMark(dst: string): (set: number, made: number) => number {
  return dst === METRIC_NAME ? (_, made) => made : withMarkOf
}

function compile(source: string): Regex {
  try {
    if (!source.isWellFormed()) throw new RegexError('invalid UTF-8')
    return compileWrapped(source)
  } catch (error) {
    if (!(error instanceof RegexError)) throw error
    throw new ExecutionError(`invalid regular expression in label_replace(): ${source}`)
  }
}

/** label_join(v, dst, separator, src…): dst becomes the values of src, joined; an empty result removes it. */
export const labelJoin: OperatorFunc = (ctx, args) => {
  const dst = stringArg(args, 1)
  const separator = stringArg(args, 2)
  const sources = args.slice(3).map((_, i) => stringArg(args, i + 3))
  for (const src of sources) {
    if (!isValidLabelName(src, 'utf8')) throw new ExecutionError(`invalid source label name in label_join(): ${src}`)
  }
  if (!isValidLabelName(dst, 'utf8')) throw new ExecutionError(`invalid destination label name in label_join(): ${dst}`)
  const { labels } = ctx
  const relabeled = carryMark(dst)
  const dstSymbol = labels.intern(dst)
  const symbols = sources.map((src) => labels.intern(src))
  return new RelabeledOperator(vectorArg(args, 0), (set) => {
    const joined = symbols.map((symbol) => labels.textOf(labels.get(set, symbol))).join(separator)
    return relabeled(set, labels.with(set, dstSymbol, madeText(ctx, joined)))
  })
}
