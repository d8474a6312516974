// Prometheus' JSON envelope around every answer (web/api/v1: Response), and errors in it.
//
//   {"status":"success","data":…,"warnings":[…],"infos":[…]}
//   {"status":"error","errorType":"bad_data","error":"…"}
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

/** A success whose data `writeData` writes as JSON; `notesOf` is asked after that. */
export function successReply(writeData: (out: ByteWriter) => void, notesOf: () => Notes): QueryReply {
  const out = new ByteWriter()
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
