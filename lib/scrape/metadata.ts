// TYPE, HELP and UNIT of a target, read when somebody asks: from its last body, for which nothing more is kept, or from what
// the cache has in a body's place (entry-reader.ts).
import { ENTRY_HELP, ENTRY_TYPE, ENTRY_UNIT, type TextFormat } from '../format/exposition-entry.ts'
import { metadataOf } from '../format/key-buffer.ts'
import { TextParser } from '../format/text-parser.ts'
import type { MetricMetadata } from '../model/metadata.ts'
import type { ScrapeCache } from './cache.ts'
import { KIND_MASK, LINE_UNIT } from './line-table.ts'

const NOTHING = new Uint8Array(0)
/** One for all targets: it takes longer to make than most bodies to read. */
const parser = new TextParser()

/** By metric family, in the order of the body. */
export function targetMetadata(cache: ScrapeCache): Map<string, MetricMetadata> {
  const { body, lines, format } = cache
  const found = new Map<string, MetricMetadata>()
  const note = (entry: number, name: string, text: string): void => {
    let metadata = found.get(name)
    if (metadata === undefined) found.set(name, (metadata = { type: 'unknown', help: '', unit: '' }))
    if (entry === ENTRY_TYPE) metadata.type = text as MetricMetadata['type']
    else if (entry === ENTRY_HELP) metadata.help = text
    else metadata.unit = text
  }
  const read = format === 'text' || format === 'openmetrics' ? lineReader(body, format, note) : (from: number, end: number): void => {
    const { entry, name, text } = metadataOf(body, from, end)
    note(entry, name, text)
  }
  for (let i = 0; i < lines.count; i++) {
    const kind = lines.infos[i]! & KIND_MASK
    if (kind <= LINE_UNIT) read(lines.startOf(i), lines.ends[i]!)
  }
  // It does not keep the body.
  parser.reset(NOTHING, 0, 'text')
  return found
}

function lineReader(body: Uint8Array, format: TextFormat, note: (entry: number, name: string, text: string) => void): (from: number) => void {
  parser.reset(body, body.length, format)
  return (from) => {
    parser.pos = from
    const entry = parser.next()
    if (entry === ENTRY_TYPE) note(entry, parser.metadataName(), parser.type)
    else if (entry === ENTRY_HELP || entry === ENTRY_UNIT) note(entry, parser.metadataName(), parser.metadataText())
  }
}
