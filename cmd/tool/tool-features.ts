// --enable-feature of tools, which takes the server's names.
import { featureWarnings } from '../features.ts'
import type { Arguments } from './command-line.ts'
import type { ToolIo } from './tool-io.ts'

/** What the flag names; warns of names that switch nothing on. */
export function featureNames(args: Arguments, io: ToolIo): string[] {
  const names = args.list('enable-feature').flatMap((list) => list.split(',')).filter((name) => name !== '')
  for (const warning of featureWarnings(names, '--enable-feature=')) io.err(`  WARNING: ${warning}\n`)
  return names
}
