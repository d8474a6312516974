// Prometheus' JSON envelope around every answer (web/api/v1: Response), and errors in it.
//
//   {"status":"success","data":…,"warnings":[…],"infos":[…]}
//   {"status":"error","errorType":"bad_data","error":"…"}
import type { Querier } from '../../storage/interface.ts'
import { ERROR_STATUS, type QueryErrorType } from '../exec/query-error.ts'
import type { QueryReply } from '../job.ts'
import { ByteWriter } from './byte-writer.ts'

/** Added when `limit` cut the answer. */
export const TRUNCATED = 'results truncated due to limit'

/** What goes beside the data; empty lists are left out. */
export interface Notes {
  warnings: readonly string[]
  infos: readonly string[]
}

const PARTIAL_MAX = 10

/** Warnings that an answer lacks what its querier had to leave out: none of the others takes their room. */
export function partialWarnings(querier: Querier): string[] {
  const sentences = querier.damage?.() ?? []
  const shown = sentences.slice(0, PARTIAL_MAX).map((sentence) => `partial answer: ${sentence}`)
  return sentences.length > PARTIAL_MAX ? [...shown, `partial answer: ${sentences.length - PARTIAL_MAX} more parts were left out`] : shown
}

/** Of answers that are not evaluated: lists of series and labels. */
export const ANSWER_BYTES_MAX: number = 256 << 20

/** A success whose data `writeData` writes as JSON; `notesOf` is asked after that. Throws LimitError over `bytesMax`. */
export function successReply(bytesMax: number, writeData: (out: ByteWriter) => void, notesOf: () => Notes): QueryReply {
  const out = new ByteWriter(bytesMax)
  out.ascii('{"status":"success","data":')
  writeData(out)
  const notes = notesOf()
  if (notes.warnings.length > 0) out.text(`,"warnings":${JSON.stringify(notes.warnings)}`)
  if (notes.infos.length > 0) out.text(`,"infos":${JSON.stringify(notes.infos)}`)
  out.ascii('}')
  return { status: 200, body: out.finish() }
}

export function errorReply(type: QueryErrorType, message: string): QueryReply {
  return { status: ERROR_STATUS[type], body: new TextEncoder().encode(JSON.stringify({ status: 'error', errorType: type, error: message.toWellFormed() })) }
}
