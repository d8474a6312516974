// Damage in the file of definitions: frames of which one copy is damaged are written twice again; refs whose definition is
// lost in both get the labels that blocks know.
import path from 'node:path'
import { DiskFile, listFolder, makeFolder, readWhole, removeFile } from '../../lib/std/fs.ts'
import { runThrough } from '../../lib/std/steps.ts'
import { EMPTY_LABELS, type Labels } from '../../lib/model/labels.ts'
import type { BlockLabels } from '../block/ref-labels.ts'
import { assertKnownFrames } from '../format-mark.ts'
import { FRAME_OVERHEAD_BYTES } from '../log/frame.ts'
import { scanFrames } from '../log/scan-frames.ts'
import { SeriesFile, mend, readCopies } from '../log/series-file.ts'
import { labelsIn, visitDefinitions, type DefinitionVisitor, type GroupDefinition } from '../log/series-frames.ts'
import { replaceKeeping } from '../quarantine.ts'
import { plural, type RepairWork } from './finding.ts'

const NAME = 'definitions'
/** Written together. */
const WRITE_ENTRIES = 10_000
const REWRITTEN = 'written anew; the file as it was found is kept in quarantine/'

/** What ids mean. */
export interface Definitions {
  /** By ref; those without labels were forgotten, or are lost. */
  labels: readonly Labels[]
  groups: readonly GroupDefinition[]
}

/** The same as it is read, and in what order it was said. */
interface Found {
  /** How often series were numbered anew. */
  renumberings: number
  labels: Labels[]
  groups: GroupDefinition[]
  order: (number | GroupDefinition)[]
}

/** Repairs the file; resolves to what it says then, or would. */
export function repairDefinitions(work: RepairWork, blocks: BlockLabels): Definitions {
  const file = path.join(work.folder, 'series', NAME)
  const found: Found = { renumberings: 0, labels: [EMPTY_LABELS], groups: [], order: [] }
  const hasFile = listFolder(path.join(work.folder, 'series')).includes(NAME)
  const copies = hasFile ? readFile(file) : [Buffer.alloc(0), Buffer.alloc(0)] as const
  const missing = hasFile ? 0 : work.list.lengthOf(`series/${NAME}`)
  const mended = mend({ first: Buffer.from(copies[0]), second: () => copies[1] })
  const tally = runThrough(visitDefinitions(mended, noteIn(found)))
  assertKnownFrames(file, tally)
  tally.expect({ whole: 0, end: work.list.lengthOf(`series/${NAME}`) })
  const report = (damage: string, cost: string): void => work.report({ place: `series/${NAME}`, damage, cost, remedy: REWRITTEN })
  const halves = damagedHalves(mended, copies, tally.syncedTo)
  if (halves > 0) report(`one of two copies of ${plural(halves, 'frame')} is damaged`, '')
  // Without damage a ref that is not defined is of a series that was forgotten.
  const { taken, lost } = tally.frames > 0 || blocks.lastRef >= found.labels.length ? fillFrom(blocks, found) : { taken: 0, lost: 0 }
  if (missing > 0) report(`it is not there, with ${missing} bytes or more`, costOf(lost))
  else if (tally.frames > 0 || lost > 0) report(`${plural(tally.frames, 'frame')} (${tally.bytes} bytes) are damaged in both copies`, costOf(lost))
  if (taken > 0) report(`definitions of ${taken} series are lost, which blocks know`, '')
  if (halves + tally.frames + taken + lost === 0 && hasFile) work.sound(`series/${NAME}`)
  if (!work.isDryRun && halves + tally.frames + taken > 0) {
    work.list.drop(`series/${NAME}`)
    rewrite(work, file, hasFile, found)
  }
  return found
}

function noteIn(found: Found): DefinitionVisitor {
  return {
    begin: () => undefined,
    progress: () => undefined,
    renumbered: (times) => (found.renumberings = times),
    given: (ref) => {
      while (found.labels.length <= ref) found.labels.push(EMPTY_LABELS)
    },
    series: (frame) => {
      while (found.labels.length < frame.firstRef) found.labels.push(EMPTY_LABELS)
      for (const [i, labels] of labelsIn(frame).entries()) {
        if (found.labels.length !== frame.firstRef + i) continue
        found.labels.push(labels)
        found.order.push(frame.firstRef + i)
      }
    },
    group: (definition) => {
      found.groups.push(definition)
      found.order.push(definition)
    },
  }
}

function costOf(lost: number): string {
  return `${lost === 0 ? '' : `${lost} series without a name, `}groups that were defined there, and the rows in segments and log of both`
}

function readFile(file: string): readonly [Buffer, Buffer] {
  const open = DiskFile.openForRead(file)
  try {
    const { first, second } = readCopies(open)
    return [first, second(0, first.length)]
  } finally {
    open.close()
  }
}

/** Sound frames that one of the copies has differently, among those that were synced. */
function damagedHalves(mended: Buffer, copies: readonly [Buffer, Buffer], syncedTo: number): number {
  let count = 0
  scanFrames(mended, 0, mended.length, (_type, _at, length, frameAt) => {
    const end = frameAt + length + FRAME_OVERHEAD_BYTES
    const isWhole = copies.every((copy) => copy.subarray(frameAt, end).equals(mended.subarray(frameAt, end)))
    if (!isWhole && end <= syncedTo) count++
  })
  return count
}

/** Gives lost refs the labels that blocks know, unless another ref has them since. */
function fillFrom(blocks: BlockLabels, found: Found): { taken: number; lost: number } {
  const { labels, order } = found
  // What blocks have under the refs of a file that was numbered anew are other series.
  if (found.renumberings > 0) return { taken: 0, lost: 0 }
  while (labels.length <= blocks.lastRef) labels.push(EMPTY_LABELS)
  if (!labels.some((set, ref) => ref > 0 && set.length === 0)) return { taken: 0, lost: 0 }
  // Some were defined without labels when they were lost before.
  const defined = new Set(order)
  const known = new Set(labels.map((set) => set.join('\0')))
  let taken = 0
  let lost = 0
  for (let ref = 1; ref < labels.length; ref++) {
    if (labels[ref]!.length > 0) continue
    const inBlocks = blocks.labelsOf(ref)
    const key = inBlocks.join('\0')
    if (inBlocks.length === 0 || known.has(key)) {
      if (!defined.has(ref)) lost++
      continue
    }
    known.add(key)
    labels[ref] = inBlocks
    taken++
  }
  return { taken, lost }
}

/** Series first where they were lost: a definition names no ref that is not there. */
function rewrite(work: RepairWork, file: string, hasFile: boolean, { renumberings, labels, order }: Found): void {
  makeFolder(work.quarantine)
  makeFolder(path.dirname(file))
  const aside = hasFile ? path.join(work.quarantine, `.tmp-${NAME}`) : file
  removeFile(aside)
  const made = new SeriesFile(aside)
  if (renumberings > 0) made.addRenumbering(renumberings)
  let next = 1
  const addUpTo = (ref: number): void => {
    for (; next <= ref; next++) if (labels[next]!.length > 0) made.addSeries(next, labels[next]!)
  }
  for (const [i, entry] of order.entries()) {
    if (typeof entry === 'number') addUpTo(entry)
    else {
      addUpTo(entry.refs.reduce((most, ref) => Math.max(most, ref), 0))
      made.addGroup(entry)
    }
    if (i % WRITE_ENTRIES === 0) made.write()
  }
  addUpTo(labels.length - 1)
  made.addGiven(labels.length - 1)
  made.write()
  made.syncNow()
  made.close()
  if (!hasFile) return
  replaceKeeping(file, readWhole(aside), work.quarantine)
  removeFile(aside)
}
