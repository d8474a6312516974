// From the server's command line to the server: reads flags, then loads what serves.
import { KernelsError, chooseKernels, kernels } from '../lib/kernels/module.ts'
import { armFaultPoint } from '../lib/std/fault-point.ts'
import { LineSink } from '../lib/std/line-sink.ts'
import { Logger } from '../lib/std/log.ts'
import { FolderError } from '../storage/errors.ts'
import { SharedHeap, defaultHeadBytes } from '../storage/head/shared-heap.ts'
import { parseFlags, type Flags } from './flags.ts'
import { QueryThreads } from './query-threads.ts'
import type { Ground } from './serve.ts'
import { VERSION } from './version.ts'

/** Runs until a signal ends it; the exit code. */
export async function runServer(argv: readonly string[]): Promise<number> {
  const parsed = parseFlags(argv, VERSION)
  if (parsed.kind === 'exit') {
    process.stdout.write(parsed.stdout)
    process.stderr.write(parsed.stderr)
    return parsed.code
  }
  const { flags } = parsed
  armFaultPoint(flags.faultPoint)
  const stderr = new LineSink(process.stderr)
  const logger = new Logger({ level: flags.logLevel, format: flags.logFormat, write: stderr.write })
  for (const warning of flags.warnings) logger.warn(warning)
  let ground: Ground
  try {
    ground = prepare(flags)
  } catch (error) {
    if (!(error instanceof FolderError) && !(error instanceof KernelsError)) throw error
    process.stderr.write(`monitor: ${error.message}\n`)
    return 1
  }
  // Else not before they are used: it takes a start two milliseconds.
  if (flags.logLevel === 'debug') logger.debug('hot loops', { kernels: kernels() === null ? 'ts' : 'wasm' })
  const { serveUntilSignal } = await import('./serve-until-signal.ts')
  return serveUntilSignal(flags, ground, logger)
}

/** Throws FolderError where there is no address space for the head; a thread would not survive that. Throws KernelsError. */
function prepare(flags: Flags): Ground {
  chooseKernels(flags.kernels)
  const heap = SharedHeap.make(flags.headBytes || defaultHeadBytes())
  const threads = new QueryThreads()
  // A query thread takes as long to load as all other modules and the store; they go on side by side.
  if (flags.threads !== 0) threads.begin()
  return { heap, threads }
}
