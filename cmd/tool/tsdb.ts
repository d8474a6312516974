// `monitor tsdb`: looks into a data folder, checks it, fills it from elsewhere. The server must not run on it: the folder's
// lock says so.
import { FolderError, LogError, SeriesLimitError } from '../../storage/errors.ts'
import { importArchive, isArchive, noteImported } from '../../storage/import/archive.ts'
import { importOpenMetrics } from '../../storage/import/openmetrics.ts'
import { ImportTextError, OpenMetricsText } from '../../storage/import/openmetrics-text.ts'
import { REJECT_NAMES } from '../../storage/interface.ts'
import { PrometheusFormatError } from '../../storage/prometheus/byte-reader.ts'
import { checkFolder } from '../../storage/prometheus/data-folder.ts'
import { importPrometheus } from '../../storage/prometheus/import.ts'
import type { Finding } from '../../storage/repair/finding.ts'
import { repairFolder } from '../../storage/repair/repair.ts'
import type { Database } from '../../storage/database.ts'
import { hoursFolder } from '../../storage/store-querier.ts'
import { readManifest } from '../../storage/tier/hour-manifest.ts'
import { explainDisk } from '../../lib/std/disk-advice.ts'
import { DiskError, listFolder } from '../../lib/std/fs.ts'
import { nearestWord } from '../../lib/std/nearest-word.ts'
import { parseSelector } from '../../lang/parse/parse.ts'
import { ParseError } from '../../lang/parse/parse-error.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { Arguments, UsageError, type ToolFlag } from './command-line.ts'
import { assertData, withStore } from './data-folder.ts'
import { ToolFailure, type ToolIo } from './tool-io.ts'
import { createRuleBlocks } from './rule-blocks.ts'
import { unknownFiles, verifyRest } from './verify-rest.ts'
import { cardinalityOf, sampleStats } from './tsdb-analyze.ts'
import { DUMP, OPEN_METRICS, dumpSamples } from './tsdb-dump.ts'
import { binarySize, blockTable, cardinalityText, sampleText, tierTables } from './tsdb-text.ts'

const FLAGS: readonly ToolFlag[] = [
  { name: 'storage.tsdb.path', kind: 'text' }, { name: 'limit', kind: 'text' }, { name: 'match', kind: 'list' },
  { name: 'min-time', kind: 'text' }, { name: 'max-time', kind: 'text' }, { name: 'label', kind: 'list' }, { name: 'quiet', short: 'q', kind: 'switch' },
  { name: 'start', kind: 'text' }, { name: 'end', kind: 'text' }, { name: 'url', kind: 'text' }, { name: 'eval-interval', kind: 'text' }, { name: 'output-dir', kind: 'text' },
  { name: 'http.config.file', kind: 'text' }, { name: 'enable-feature', kind: 'list' },
  { name: 'dry-run', kind: 'switch' }, { name: 'extended', kind: 'switch' }, { name: 'human-readable', short: 'r', kind: 'switch' },
]
const DUMP_FLAGS = ['match', 'min-time', 'max-time']
const RULES = 'create-blocks-from rules'
/** What a command takes beside the data folder. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  list: ['human-readable'], analyze: ['limit', 'match', 'extended'], dump: DUMP_FLAGS, 'dump-openmetrics': DUMP_FLAGS, verify: [], repair: ['dry-run'], import: [],
  'create-blocks-from': ['label', 'quiet', 'human-readable'],
  [RULES]: ['start', 'end', 'url', 'eval-interval', 'output-dir', 'http.config.file', 'enable-feature', 'quiet', 'human-readable'],
}
const COMMAND_NAMES = Object.keys(COMMANDS).filter((name) => name !== RULES)

/** Throws UsageError, ToolFailure. */
export async function runTsdb(argv: readonly string[], io: ToolIo): Promise<void> {
  const args = new Arguments(argv, FLAGS)
  const [command = '', ...words] = args.words
  assertFlags(args, command === 'create-blocks-from' && words[0] === 'rules' ? RULES : command)
  const folder = folderOf(args, command, words)
  if (command === 'import') {
    if ((words[0] !== 'prometheus' && words[0] !== 'archive') || words.length !== 2) throw new UsageError('tsdb import wants: prometheus SOURCE, or archive SOURCE')
  } else if (command === 'create-blocks-from') {
    const isRight = words[0] === 'rules' ? words.length > 1 : words[0] === 'openmetrics' && (words.length === 2 || words.length === 3)
    if (!isRight) throw new UsageError('tsdb create-blocks-from wants: openmetrics FILE [DATA], or rules FILE … --start=TIME')
  }
  try {
    switch (command) {
      case 'list': return await withStore(folder, ({ db }) => list(folder, db, args.has('human-readable'), io))
      case 'analyze': return await analyze(folder, args, io)
      case 'dump': return await dump(folder, args, DUMP, io)
      case 'dump-openmetrics': return await dump(folder, args, OPEN_METRICS, io)
      case 'verify': return await verify(folder, io)
      case 'repair': return await repair(folder, args.has('dry-run'), io)
      case 'import': return await (words[0] === 'archive' ? importHours : importFrom)(words[1]!, folder, io)
      case 'create-blocks-from': return await (words[0] === 'rules' ? createRuleBlocks(words.slice(1), folder, args, io) : createBlocks(words[1]!, folder, args, io))
    }
  } catch (error) {
    const isForPeople = error instanceof FolderError || error instanceof DiskError || error instanceof PrometheusFormatError || error instanceof ImportTextError || error instanceof SeriesLimitError || error instanceof LogError
    if (!isForPeople) throw error
    throw new ToolFailure(error instanceof DiskError ? explainDisk(error) : error.message, { cause: error })
  }
  const nearest = nearestWord(command, COMMAND_NAMES)
  throw new UsageError(command === '' ? `tsdb wants a command: ${COMMAND_NAMES.join(', ')}` : `there is no command tsdb ${command}${nearest === null ? '' : `; did you mean ${nearest}?`}`)
}

/** A flag that would mean nothing is a mistake: who gives `repair` a --match expects it to count. */
function assertFlags(args: Arguments, command: string): void {
  const unused = FLAGS.find(({ name }) => args.has(name) && name !== 'storage.tsdb.path' && COMMANDS[command]?.includes(name) === false)
  if (unused) throw new UsageError(`tsdb ${command} takes no --${unused.name}`)
}

/** As promtool takes it, behind the command, or by the server's flag. */
function folderOf(args: Arguments, command: string, words: readonly string[]): string {
  const isMade = command === 'create-blocks-from'
  const behind = command === 'import' ? [] : isMade ? words.slice(words[0] === 'rules' ? words.length : 2) : words
  if (!isMade && behind.length > 1) throw new UsageError(`tsdb ${command} takes one data folder, and no ${JSON.stringify(behind[1])}: it looks at all of the folder`)
  const given = [...behind.slice(0, 1), ...['output-dir', 'storage.tsdb.path'].filter((name) => args.has(name)).map((name) => args.text(name))]
  if (given.length > 1) throw new UsageError(`tsdb ${command} is given two data folders, ${given[0]} and ${given[1]}`)
  if (given[0] === '') throw new UsageError(`tsdb ${command} is given a data folder without a name`)
  return given[0] ?? 'data'
}

function list(folder: string, { blocks }: Database, isForPeople: boolean, io: ToolIo): void {
  const archive = hoursFolder(folder)
  const here = listFolder(archive)
  const size = isForPeople ? binarySize : String
  io.out(blockTable(blocks.blocks, size) + tierTables(blocks.minutes, { files: readManifest(archive).files, isHere: (name) => here.includes(name) }, size))
}

function analyze(folder: string, args: Arguments, io: ToolIo): Promise<void> {
  const limit = limitOf(args)
  const selectors = args.list('match')
  if (selectors.length > 1) throw new UsageError('tsdb analyze takes one --match')
  const chosen = selectors.length === 0 ? null : matchersOf(selectors[0]!)
  return withStore(folder, ({ querier }) => {
    io.out(cardinalityText(chosen === null ? querier.cardinality(limit) : cardinalityOf(querier, chosen, limit)))
    if (args.has('extended')) io.out(sampleText(sampleStats(querier, chosen ?? matchersOf(ALL), limit)))
  })
}

function limitOf(args: Arguments): number {
  const text = args.text('limit') || '20'
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new UsageError(`--limit wants a number from 1 to 99999, got ${JSON.stringify(text)}`)
  return Number(text)
}

/** Each series has a name, by this API or that. */
const ALL = '{__name__=~".+"}'

async function dump(folder: string, args: Arguments, format: typeof DUMP, io: ToolIo): Promise<void> {
  const time = (name: string, fallback: number): number => {
    const text = args.text(name)
    if (text === '') return fallback
    if (!/^-?\d{1,16}$/.test(text)) throw new UsageError(`--${name} wants Unix milliseconds, got ${JSON.stringify(text)}`)
    return Number(text)
  }
  const range = { mint: time('min-time', -8.64e15), maxt: time('max-time', 8.64e15), format }
  if (range.mint > range.maxt) throw new UsageError('--min-time is after --max-time')
  const selectors = args.list('match')
  const sets = (selectors.length === 0 ? [ALL] : selectors).map(matchersOf)
  const lacking = await withStore(folder, async ({ querier }) => {
    await dumpSamples(querier, sets, range, (text) => {
      io.out(text)
      return io.drain?.()
    })
    return querier.damage?.() ?? []
  })
  for (const sentence of lacking) io.err(`${sentence}\n`)
  if (lacking.length > 0) throw new ToolFailure('not all samples could be dumped')
}

function matchersOf(selector: string): readonly Matcher[] {
  try {
    return parseSelector(selector)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    throw new UsageError(`--match ${JSON.stringify(selector)}: ${error.message}`)
  }
}

/** What a repair would find, and what it would find nothing in; nothing is changed, and no store opened, which moves aside what it cannot read. */
async function verify(folder: string, io: ToolIo): Promise<void> {
  assertData(folder)
  let damaged = 0
  const report = ({ place, damage, cost, remedy }: Finding): void => {
    damaged++
    io.out(`${place}: ${damage}\n  lost: ${cost === '' ? 'nothing' : cost}\n  by tsdb repair: ${remedy}\n`)
  }
  const sound = (place: string): void => io.out(`${place}: ok\n`)
  await repairFolder(folder, true, report, sound)
  verifyRest(folder, report, sound)
  for (const file of unknownFiles(folder)) io.out(`${file}: not looked at: nothing here writes a file of this name\n`)
  if (damaged > 0) throw new ToolFailure(`${damaged} damaged parts; what they held is left out of answers, everything else is served. Mend what can be mended with: monitor tsdb repair --storage.tsdb.path=${folder}`)
}

async function repair(folder: string, isDryRun: boolean, io: ToolIo): Promise<void> {
  assertData(folder)
  let found = 0
  await repairFolder(folder, isDryRun, ({ place, damage, cost, remedy }) => {
    found++
    io.out(`${place}: ${damage}\n  cost: ${cost === '' ? 'nothing is lost' : cost}\n  ${isDryRun ? 'to be' : 'now'} ${remedy}\n`)
  })
  if (found === 0) io.out('nothing is damaged\n')
  else if (isDryRun) throw new ToolFailure(`${found} damaged parts; nothing was changed. Run it again without --dry-run`)
}

async function importFrom(source: string, folder: string, io: ToolIo): Promise<void> {
  checkFolder(source)
  await withStore(folder, async ({ db, querier }) => {
    const { blocks, blockSamples, knownBlocks, logs, damage } = await importPrometheus(source, { db, labels: querier, onProgress: (what) => io.err(`${what}\n`) })
    io.out(`imported ${blocks} blocks with ${blockSamples} samples, and ${logs.appended} samples of the logs\n`)
    if (knownBlocks > 0 || logs.repeated > 0) io.out(`left out ${knownBlocks} blocks that an earlier import has brought, and ${logs.repeated} samples of the logs that were here\n`)
    logs.refused.forEach((count, verdict) => {
      if (count > 0) io.out(`refused ${count} samples of the logs: ${REJECT_NAMES[verdict]}\n`)
    })
    if (logs.unknownRecords > 0) io.out(`left out ${logs.unknownRecords} records of the logs that are of a kind unknown here\n`)
    for (const [what, times] of repeats(damage)) io.err(`${what}${times > 1 ? `, ${times} times` : ''}\n`)
    if (damage.length > 0) throw new ToolFailure(`${damage.length} damaged parts of ${source} were left out`)
  }, { mayMake: true })
}

async function importHours(source: string, folder: string, io: ToolIo): Promise<void> {
  const archive = [source, `${source}/archive`].find(isArchive)
  if (archive === undefined) throw new ToolFailure(`cannot import ${source}: it has no files of the 1-hour tier (1h-….parquet); give another data folder, or its archive/`)
  let maxT = -Infinity
  let failed = 0
  await withStore(folder, async ({ db }) => {
    const report = await importArchive(archive, folder, db, io.clock.now())
    ;({ maxT } = report)
    failed = report.damage.length
    io.out(`took ${report.rows - report.knownRows} rows of ${report.files} files of the 1-hour tier\n`)
    if (report.knownRows > 0) io.out(`left out ${report.knownRows} rows of hours that were here\n`)
    if (report.laterRows > 0) io.out(`left out ${report.laterRows} rows of hours behind the oldest sample of this folder: these it makes of its own samples\n`)
    for (const what of report.damage) io.err(`${what}\n`)
  }, { mayMake: true })
  if (maxT > -Infinity) noteImported(folder, maxT)
  if (failed > 0) throw new ToolFailure(`${failed} files of ${archive} were left out`)
}

/** Each once, with how often it came. */
function repeats(texts: readonly string[]): Map<string, number> {
  const times = new Map<string, number>()
  for (const text of texts) times.set(text, (times.get(text) ?? 0) + 1)
  return times
}

async function createBlocks(file: string, folder: string, args: Arguments, io: ToolIo): Promise<void> {
  const text = new OpenMetricsText({ file, labels: labelsOf(args), now: io.clock.now() })
  await withStore(folder, async ({ db, querier }) => {
    const { blocks, repeated } = await importOpenMetrics(text, db, querier)
    if (!args.has('quiet') && blocks.length > 0) io.out(blockTable(blocks.map(({ name, meta }) => ({ folder: name, meta })), args.has('human-readable') ? binarySize : String))
    if (repeated > 0) io.err(`${repeated} samples were left out: their series had one at the same time, further up in the file\n`)
  }, { mayMake: true })
}

function labelsOf(args: Arguments): ReadonlyMap<string, string> {
  return new Map(args.list('label').map((text) => {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
    if (name === undefined || value === undefined) throw new UsageError(`--label wants NAME=VALUE, got ${JSON.stringify(text)}`)
    return [name, value]
  }))
}
