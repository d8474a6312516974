// The tools beside the server: `monitor NAME …`. Each reads its arguments, does one thing and ends with an exit code:
// 0 done, 1 it did not work out, 2 the command line is wrong, 3 (check --lint-fatal) lints found something.
import { UsageError } from './command-line.ts'
import { CHECK_HELP } from './check-help.ts'
import { PROMQL_HELP, runPromql } from './promql.ts'
import { QUERY_HELP, runQuery } from './query.ts'
import { TEST_HELP } from './test-help.ts'
import { ToolFailure, type ToolIo } from './tool-io.ts'
import { TSDB_HELP } from './tsdb-help.ts'

interface Tool {
  help: string
  /** What its failures begin with. */
  failure: string
  run(argv: readonly string[], io: ToolIo): Promise<void>
}

const TOOLS: ReadonlyMap<string, Tool> = new Map([
  ['query', { help: QUERY_HELP, failure: 'query error: ', run: runQuery }],
  ['tsdb', { help: TSDB_HELP, failure: '', run: async (argv, io) => (await import('./tsdb.ts')).runTsdb(argv, io) }],
  ['check', { help: CHECK_HELP, failure: '', run: async (argv, io) => (await import('./check.ts')).runCheck(argv, io) }],
  ['test', { help: TEST_HELP, failure: '', run: async (argv, io) => (await import('./test.ts')).runTest(argv, io) }],
  ['promql', { help: PROMQL_HELP, failure: '', run: runPromql }],
])

/** Runs `monitor NAME …`: the exit code, or null where no tool has that name. */
export async function runTool(argv: readonly string[], io: ToolIo): Promise<0 | 1 | 2 | 3 | null> {
  const [name = '', ...rest] = argv
  const tool = TOOLS.get(name)
  if (tool === undefined) return null
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(tool.help)
    return 0
  }
  try {
    await tool.run(rest, io)
    return 0
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`monitor: ${error.message}\nSee monitor ${name} --help.\n`)
      return 2
    }
    if (!(error instanceof ToolFailure)) throw error
    if (error.message !== '') io.err(`${tool.failure}${error.message}\n`)
    return error.exitCode
  }
}
