// `monitor promql format`: lays a query out over lines, without a server.
import { ParseError } from '../../lang/parse/parse-error.ts'
import { ALL_FEATURES, parseExpr } from '../../lang/parse/parse.ts'
import { prettifyExpr } from '../../lang/parse/prettify.ts'
import { Arguments, UsageError } from './command-line.ts'
import { ToolFailure, type ToolIo } from './tool-io.ts'

export const PROMQL_HELP = `Usage: monitor promql format EXPR

Prints the expression in lines of at most 100 columns. Experimental syntax is understood.
`

/** Throws UsageError, ToolFailure. */
export async function runPromql(argv: readonly string[], io: ToolIo): Promise<void> {
  // promtool wants --experimental here; a command line with it may move over.
  const { words } = new Arguments(argv, [{ name: 'experimental', kind: 'switch' }])
  const [name, text] = words
  if (name !== 'format') throw new UsageError(name === undefined ? 'promql wants a command: format' : `there is no command promql ${name}; there is format`)
  if (text === undefined || words.length > 2) throw new UsageError('promql format wants one EXPR; quote it')
  try {
    io.out(`${prettifyExpr(parseExpr(text, ALL_FEATURES))}\n`)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    throw new ToolFailure(error.message, { cause: error })
  }
}
