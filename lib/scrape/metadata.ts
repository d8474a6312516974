// TYPE, HELP and UNIT of a target, read from its last body when somebody asks: nothing is kept for it, and a scrape
// does not pay for it.
import { ENTRY_HELP, ENTRY_TYPE, ENTRY_UNIT, TextParser } from '../format/text-parser.ts'
import type { MetricMetadata } from '../model/metadata.ts'
import type { ScrapeCache } from './cache.ts'
import { KIND_MASK, LINE_COMMENT, LINE_TYPE } from './line-table.ts'

/** By metric family, in the order of the body. */
export function targetMetadata(cache: ScrapeCache): Map<string, MetricMetadata> {
  const found = new Map<string, MetricMetadata>()
  const { body, lines, format } = cache
  const parser = new TextParser()
  parser.reset(body, body.length, format)
  for (let i = 0; i < lines.count; i++) {
    const kind = lines.infos[i]! & KIND_MASK
    if (kind !== LINE_COMMENT && kind !== LINE_TYPE) continue
    parser.pos = lines.startOf(i)
    const entry = parser.next()
    if (entry !== ENTRY_TYPE && entry !== ENTRY_HELP && entry !== ENTRY_UNIT) continue
    const name = parser.metadataName()
    let metadata = found.get(name)
    if (metadata === undefined) found.set(name, (metadata = { type: 'unknown', help: '', unit: '' }))
    if (entry === ENTRY_TYPE) metadata.type = parser.type
    else if (entry === ENTRY_HELP) metadata.help = parser.metadataText()
    else metadata.unit = parser.metadataText()
  }
  return found
}
