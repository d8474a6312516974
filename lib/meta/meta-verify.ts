// Looks at what lies in meta/ without opening it as a store: nothing is changed, and no file is moved aside.
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { listFolder, pathExists, readTextIfThere, readWhole, removeFile } from '../std/fs.ts'
import { META_NAME } from './file-names.ts'
import { logDamage } from './log-damage.ts'
import { knownVersion, versionOf } from './schema.ts'
import { damagedLines } from './told-journal.ts'

/** What is wrong with a file, for people. */
export interface MetaFinding {
  /** From the data folder on. */
  place: string
  damage: string
  cost: string
  /** What is done about it, as a participle. */
  remedy: string
}

const FAULTS_MAX = 3
const LINES = /^(?:told|carried-\d+-\d*(?:\.old)?)\.log$/

/** `data`: a data folder that no process has. `sound` hears of files that nothing is wrong with. Throws DiskError. */
export function verifyMeta(data: string, report: (finding: MetaFinding) => void, sound: (place: string) => void): void {
  const folder = path.join(data, 'meta')
  const names = listFolder(folder)
  if (names.includes(META_NAME)) verifyStore(folder, report, sound)
  else if (names.length > 0) {
    report({ place: `meta/${META_NAME}`, damage: 'it is not there', cost: 'silences, acknowledgements, the history of alerts and rules made by API', remedy: 'made anew, empty, by the next start; put it back from a copy before, if there is one' })
  }
  for (const name of names.filter((one) => LINES.test(one))) {
    const place = `meta/${name}`
    const lines = damagedLines(readTextIfThere(path.join(folder, name)) ?? '')
    if (lines === 0) sound(place)
    else report({ place, damage: `${lines} lines do not match their checksums`, cost: 'who was told by these just before the end may be told once more', remedy: 'left as it is: the next start reads the other lines, and begins it anew' })
  }
}

function verifyStore(folder: string, report: (finding: MetaFinding) => void, sound: (place: string) => void): void {
  const place = `meta/${META_NAME}`
  const file = path.join(folder, META_NAME)
  // A look at a file leaves these behind.
  const made = ['-shm', '-wal'].map((suffix) => `${file}${suffix}`).filter((one) => !pathExists(one))
  try {
    const { faults, version } = lookInto(file)
    if (faults.length > 0) report({ place, damage: faults.join('; '), cost: 'rows that cannot be read', remedy: 'kept in meta/quarantine/ by the next start, which copies what can be read of it and says how much' })
    else if (version === 0) report({ place, damage: 'it is empty', cost: 'silences, acknowledgements, the history of alerts and rules made by API, unless Monitor ended in its very first start', remedy: 'left as it is; put it back from a copy before the next start, which goes on with it, if there is one' })
    else if (version > knownVersion) report({ place, damage: `its tables are of version ${version}, this Monitor knows ${knownVersion}`, cost: '', remedy: 'left as it is: start the Monitor that made it, or a newer one' })
    else sound(place)
    verifyLog(`${file}-wal`, report)
  } finally {
    for (const one of made) removeFile(one)
  }
}

/** What a kill has left of transactions that are not folded into the file yet. */
function verifyLog(file: string, report: (finding: MetaFinding) => void): void {
  const hidden = pathExists(file) ? logDamage(readWhole(file)) : null
  if (hidden === null) return
  report({
    place: `meta/${path.basename(file)}`, damage: `a page at byte ${hidden.at} does not match its checksum, and ${hidden.transactions} transactions from there on cannot be read`,
    cost: 'what these said, the last before Monitor was killed: silences, acknowledgements, the history of alerts and rules made by API', remedy: 'copied to meta/quarantine/ by the next start, which goes on with what came before',
  })
}

function lookInto(file: string): { faults: string[]; version: number } {
  let db: DatabaseSync | null = null
  try {
    db = new DatabaseSync(file, { readOnly: true })
    const faults = db.prepare(`PRAGMA integrity_check(${FAULTS_MAX})`).all().map((row) => String(row['integrity_check']))
    return { faults: faults.filter((fault) => fault !== 'ok'), version: versionOf(db) }
  } catch (error) {
    if (!(error instanceof Error && 'errcode' in error)) throw error
    return { faults: [error.message], version: 0 }
  } finally {
    db?.close()
  }
}
