// What a tool is given, and how it says that something did not work out.
import type { Clock } from '../../lib/std/clock.ts'

export interface ToolIo {
  out(text: string): void
  err(text: string): void
  clock: Clock
}

/** What a tool was asked for did not work out; the message is for people. */
export class ToolFailure extends Error {
  readonly code = 'TOOL_FAILURE'
}
