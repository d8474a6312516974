// The lists of the 1-hour tier as they are read after damage.
import fs from 'node:fs'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { assert } from '../../../lib/std/assert.ts'
import { useDisk } from '../../../lib/std/fs.ts'
import { writeHourIndex } from '../../../storage/tier/hour-index.ts'
import { openingFault, verifyHourFile } from '../../../storage/tier/hour-verify.ts'
import { hourFileName, dayOf, readManifest, readStored, writeManifest, writeStored, type HourManifest } from '../../../storage/tier/hour-manifest.ts'
import { testSeed } from '../../support/seed.ts'
import { tempFolder } from '../../support/temp-folder.ts'

/** One bit in so many; which, is drawn anew each time. */
const STRIDE = 5
const NAME = hourFileName(dayOf(Date.parse('2026-11-28T00:00:00Z')), 7)
const MANIFEST: HourManifest = {
  nextNumber: 8, droppedT: -Infinity,
  files: [{ name: NAME, bytes: 1234, rows: 56, series: 7, lacking: 0, minT: 1_700_000_000_000, maxT: 1_700_003_600_000 }],
  deletions: [{ sets: [[{ name: 'job', op: '=', value: 'a' }]], from: 1, to: 2, below: 8 }], replaced: [{ name: NAME, atMs: 3 }],
}

describe('lists of the 1-hour tier', () => {
  it('are never read as another list for a flipped bit', () => {
    const folder = tempFolder()
    writeManifest(folder, MANIFEST)
    writeStored(folder, new Set([NAME]))
    const f = <T>(file: string, read: () => T, want: T): void => {
      const bytes = fs.readFileSync(path.join(folder, file))
      let noticed = 0
      for (let bit = testSeed() % STRIDE; bit < bytes.length * 8; bit += STRIDE) {
        const flipped = Buffer.from(bytes)
        flipped[bit >>> 3]! ^= 1 << (bit & 7)
        fs.writeFileSync(path.join(folder, file), flipped)
        try {
          assert(isDeepStrictEqual(read(), want), `bit ${bit} of ${file}`)
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error
          noticed++
        }
      }
      expect(noticed).toBeGreaterThan(bytes.length * 4 / STRIDE)
      fs.writeFileSync(path.join(folder, file), bytes)
    }
    f('archive.json', () => readManifest(folder), MANIFEST)
    f('stored.json', () => readStored(folder), new Set([NAME]))
  })

  it('of folders from before there was a checksum are read', () => {
    const folder = tempFolder()
    writeManifest(folder, MANIFEST)
    const file = path.join(folder, 'archive.json')
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/,\s*"crc32": \d+/, ''))
    expect(fs.readFileSync(file, 'utf8')).not.toContain('crc32')
    expect(readManifest(folder)).toEqual(MANIFEST)
  })
})

it('leaves no sidecar open where the file of hours itself cannot be opened', () => {
  const folder = tempFolder()
  const [listed] = MANIFEST.files
  writeHourIndex(path.join(folder, `${NAME}.index`), { ...listed!, series: [], groups: [], footerCrc: 0 })
  fs.writeFileSync(path.join(folder, NAME), 'rows')
  let open = 0
  const real = useDisk({
    ...fs,
    openSync: (file: fs.PathLike, flags: fs.OpenMode) => {
      if (String(file).endsWith(NAME)) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
      open++
      return fs.openSync(file, flags)
    },
    closeSync: (fd: number) => {
      open--
      fs.closeSync(fd)
    },
  })
  onTestFinished(() => void useDisk(real))
  for (const look of [openingFault, verifyHourFile] as const) expect(() => look(folder, listed!, false)).toThrow('too many open files')
  expect(open).toBe(0)
})
