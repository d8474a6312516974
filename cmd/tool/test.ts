// `monitor test rules`: runs files of rule tests, with promtool's output, flags and exit codes.
import path from 'node:path'
import { engineFeatures } from '../../lang/parse/features.ts'
import type { EngineFeatures } from '../../lang/parse/ast.ts'
import { ConfigError } from '../../lib/config/load.ts'
import { loadRuleGroups, RuleFilesError } from '../../lib/rules/rule-files.ts'
import { junitXml, type JunitCase, type JunitSuite } from '../../lib/rules/unit-test/junit.ts'
import { runTests } from '../../lib/rules/unit-test/run-tests.ts'
import { readTestFile, type TestFile } from '../../lib/rules/unit-test/test-file.ts'
import { DiskError, readUtf8IfThere, replaceText } from '../../lib/std/fs.ts'
import { glob, GlobError } from '../../lib/std/glob.ts'
import { matchesAnywhere } from '../../lib/std/regex-search.ts'
import { RegexError } from '../../lib/std/regex.ts'
import { parseTime } from '../../web/api/params.ts'
import { Arguments, UsageError } from './command-line.ts'
import { featureNames } from './tool-features.ts'
import { ToolFailure, type ToolIo } from './tool-io.ts'

interface Options {
  /** Names of test groups to run; '' for all. */
  run: string
  isLenient: boolean
  features: EngineFeatures
  isDiff: boolean
  isDebug: boolean
}

/** Throws UsageError, ToolFailure. */
export async function runTest(argv: readonly string[], io: ToolIo): Promise<void> {
  const args = new Arguments(argv, [
    { name: 'junit', kind: 'text' }, { name: 'run', kind: 'list' }, { name: 'diff', kind: 'switch' }, { name: 'debug', kind: 'switch' }, { name: 'ignore-unknown-fields', kind: 'switch' }, { name: 'enable-feature', kind: 'list' },
  ])
  const [what, ...files] = args.words
  if (what !== 'rules') throw new UsageError(what === undefined ? 'test wants what to test: rules' : `there is no command test ${what}; there is rules`)
  if (files.length === 0) throw new UsageError('test rules wants at least one FILE')
  const options = {
    run: args.list('run').join('|'), isLenient: args.has('ignore-unknown-fields'), isDiff: args.has('diff'), isDebug: args.has('debug'),
    features: engineFeatures(featureNames(args, io)),
  }
  checkPattern(options.run)
  const suites: JunitSuite[] = []
  for (const file of files) suites.push(await testFile(file, options, io))
  if (args.has('junit')) replaceText(args.text('junit'), junitXml(suites))
  if (suites.some(({ error, cases }) => error !== '' || cases.some(({ failures }) => failures.length > 0))) throw new ToolFailure('')
}

function checkPattern(pattern: string): void {
  try {
    matchesAnywhere(pattern, '')
  } catch (error) {
    if (error instanceof RegexError) throw new UsageError(`flag --run: ${error.message}`)
    throw error
  }
}

async function testFile(file: string, options: Options, io: ToolIo): Promise<JunitSuite> {
  const timestamp = new Date(io.clock.now()).toISOString().slice(0, 19)
  let suite: JunitSuite
  try {
    suite = { name: file, timestamp, cases: await runFile(file, options, io), error: '' }
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof DiskError) && !(error instanceof GlobError)) throw error
    suite = { name: file, timestamp: '', cases: [], error: error.message }
  }
  const faults = suite.error === '' ? suite.cases.flatMap(({ failures }) => failures) : [suite.error]
  if (faults.length > 0) io.err(`  FAILED:\n${faults.join('\n')}\n`)
  io.out(`${faults.length > 0 ? '\n'.repeat(faults.length) : '  SUCCESS\n'}\n`)
  return suite
}

async function runFile(name: string, { run, isLenient, features, isDiff, isDebug }: Options, io: ToolIo): Promise<JunitCase[]> {
  const text = readUtf8IfThere(name)
  if (text === null) throw new DiskError(`cannot read ${name}`, new Error('there is no such file'))
  const file = readTestFile(text, name, parseTime)
  const paths = rulePaths(file, path.dirname(name), io)
  const cases: JunitCase[] = []
  for (const [i, test] of file.tests.entries()) {
    if (run !== '' && !matchesAnywhere(run, test.name)) continue
    const title = test.name === '' ? `unnamed#${i}` : test.name
    const debug = isDebug ? (text: string): void => io.out(text) : null
    const startedMs = io.clock.monotonic()
    debug?.(`DEBUG: Starting test ${title}\n`)
    const failures = await faultsOf(() => runTests(test, file, { groups: loadRuleGroups({ files: paths, groups: [] }, features, isLenient), features, clock: io.clock, isDiff, debug }))
    debug?.(`DEBUG: Test ${title} finished, took ${(io.clock.monotonic() - startedMs).toFixed(3)}ms\n`)
    cases.push({ name: title, failures })
  }
  return cases
}

/** Rule files that cannot be read fail each test, as in promtool. */
async function faultsOf(run: () => Promise<string[]>): Promise<string[]> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof RuleFilesError) return error.message.split('\n')
    throw error
  }
}

function rulePaths({ ruleFiles }: TestFile, folder: string, io: ToolIo): string[] {
  return ruleFiles.flatMap((pattern) => {
    const whole = path.isAbsolute(pattern) ? pattern : path.join(folder, pattern)
    const found = glob(whole)
    if (found.length === 0) io.err(`  WARNING: no file match pattern ${whole}\n`)
    return found
  })
}
