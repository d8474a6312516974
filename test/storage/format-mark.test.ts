// What a newer Monitor has written is not read as if nothing of it were new: a folder's mark, and frames.
import fs from 'node:fs'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Logger } from '../../lib/std/log.ts'
import { FolderError } from '../../storage/errors.ts'
import { FRAME_OVERHEAD_BYTES, sealFrame } from '../../storage/log/frame.ts'
import { repairFolder } from '../../storage/repair/repair.ts'
import { copyFolder, tempFolder } from '../support/temp-folder.ts'
import { pushExemplars } from '../support/exemplars.ts'
import { NOW, append, batchOf, open, readAll, samplesIn, seriesOf } from './store.ts'

const GOLDEN = path.join(import.meta.dirname, '../golden/main-job-data')

async function closed(folder: string): Promise<void> {
  const db = open(folder)
  append(db, batchOf(NOW, seriesOf(db, 3), [1, 2, 3]))
  db.head.flushGroup(db.head.groups[1]!)
  append(db, batchOf(NOW + 1000, seriesOf(db, 3), [1, 2, 3]))
  await db.close()
}

function mark(folder: string, format: number, sum: number = crc32(String(format))): void {
  fs.writeFileSync(`${folder}/format.json`, JSON.stringify({ format, crc32: sum }))
}

const filesIn = (folder: string): string[] => fs.readdirSync(folder, { recursive: true }).map(String).toSorted()

/** A sound frame of a type that is not known. */
function laterFrame(): Buffer {
  const frame = Buffer.alloc(FRAME_OVERHEAD_BYTES + 8)
  sealFrame(frame, 0, 77, 8)
  return frame
}

describe('the mark of the format', () => {
  it('is made where there is none, and a folder without one is read', async () => {
    const folder = copyFolder(GOLDEN)
    expect(fs.existsSync(`${folder}/format.json`)).toBe(false)
    const db = open(folder)
    expect(samplesIn(readAll(db))).toBeGreaterThan(1000)
    await db.blocks.snapshot('s', true)
    await db.close()
    for (const at of [folder, `${folder}/snapshots/s`]) {
      expect(JSON.parse(fs.readFileSync(`${at}/format.json`, 'utf8')), at).toEqual({ format: 1, crc32: crc32('1') })
    }
  })

  it('keeps an older Monitor away: it says why, and touches nothing', async () => {
    const folder = tempFolder()
    await closed(folder)
    mark(folder, 3)
    const before = filesIn(folder)
    const message = `cannot open ${folder}: a newer Monitor has written it, in format 3, and this one reads up to 2; nothing was changed: start the newer one, or name another folder with --storage.tsdb.path`
    expect(() => open(folder)).toThrow(new FolderError(message))
    await expect(repairFolder(folder, false, () => undefined)).rejects.toThrow(new FolderError(message))
    expect(filesIn(folder)).toEqual(before)
  })

  it.each([['no JSON', '{"format"'], ['a bit has flipped', '{"format":3,"crc32":2212294583}'], ['no number', 'null']])('is made anew where it is damaged: %s', async (_, text) => {
    const folder = tempFolder()
    await closed(folder)
    fs.writeFileSync(`${folder}/format.json`, text)
    const lines: string[] = []
    const db = open(folder, { logger: new Logger({ level: 'warn', format: 'logfmt', write: (line) => void lines.push(line) }) })
    expect(samplesIn(readAll(db))).toBe(6)
    await db.close()
    expect(lines.join('')).toContain('the mark of the format of the data was damaged')
    expect(fs.readFileSync(`${folder}/quarantine/format.json`, 'utf8')).toBe(text)
    expect(JSON.parse(fs.readFileSync(`${folder}/format.json`, 'utf8'))).toMatchObject({ format: 1 })
  })
})

async function withExemplars(folder: string): Promise<void> {
  const db = open(folder, { exemplarsMax: 10 })
  for (let i = 0; i < 3; i++) pushExemplars(db, db.series(['__name__', 'm']), { labels: { id: 'x'.repeat(30) }, value: i, timeMs: NOW + i })
  await db.close()
}

describe('a sound frame of a type that is not known', () => {
  it.each(['log', 'head', 'exemplars'])('in %s ends the start, and is not left out', async (part) => {
    const folder = tempFolder()
    await closed(folder)
    if (part === 'exemplars') await withExemplars(folder)
    const file = path.join(folder, part, fs.readdirSync(`${folder}/${part}`).find((name) => fs.statSync(`${folder}/${part}/${name}`).size > 100)!)
    const size = fs.statSync(file).size
    fs.appendFileSync(file, laterFrame())
    const message = `cannot read ${file}: at ${size} is a frame of type 77, which this Monitor does not know, so a newer one has written it: start that one, or name another folder with --storage.tsdb.path`
    expect(() => open(folder)).toThrow(new FolderError(message))
    expect(() => open(folder), 'the lock is free again').toThrow(new FolderError(message))
    await expect(repairFolder(folder, false, () => undefined)).rejects.toThrow(new FolderError(message))
  })

  it('ends it in the definitions, too', async () => {
    const folder = tempFolder()
    await closed(folder)
    const file = `${folder}/series/definitions`
    const bytes = fs.readFileSync(file)
    const first = bytes.subarray(0, bytes.length - 65_536)
    const both = Buffer.concat([first, laterFrame()])
    fs.writeFileSync(file, Buffer.concat([Buffer.concat([both, Buffer.alloc(65_536 - both.length)]), both]))
    expect(() => open(folder)).toThrow(`cannot read ${file}: at ${first.length} is a frame of type 77`)
  })
})
