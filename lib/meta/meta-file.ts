// The SQLite file behind the store: opened, checked and, where it is damaged, put aside, its readable rows saved into a new
// one. A write-ahead log with a sync at each commit; the file is this process' alone, which SQLite's lock sees to.
//
//   <data>/meta/monitor.db, monitor.db-wal     damaged ones: <data>/meta/quarantine/
import path from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { explainDisk } from '../std/disk-advice.ts'
import { DiskError, DiskFile, pathExists, listFolder, makeFolder, readWhole, removeFile, rename, syncFolder, writeSynced } from '../std/fs.ts'
import { MetaError } from './errors.ts'
import { COPY_NAME, META_NAME } from './file-names.ts'
import { logDamage } from './log-damage.ts'
import { migrate, TABLES } from './schema.ts'
import { Tables } from './tables.ts'

const QUARANTINE = 'quarantine'
const LOG_NAME = `${META_NAME}-wal`
/** Primary result codes of SQLite. */
const BUSY = 5
const READONLY = 8
const CORRUPT = 11
const FULL = 13
const CANNOT_OPEN = 14
const NOT_A_DATABASE = 26
/** The file's log is folded into it at a commit that finds it larger, which syncs both. */
const LOG_BYTES_MAX = 16 << 20
const PAGE_BYTES = 4096
/** Of pages; taken as they are used. */
const CACHE_KIB = 16 << 10

export interface MetaPlace {
  /** Is made where it is missing. */
  folder: string
  /** Told what an operator should know. */
  warn: (message: string) => void
}

export class MetaFile {
  readonly path: string
  readonly tables: Tables
  readonly db: DatabaseSync

  private constructor(file: string, db: DatabaseSync) {
    this.path = file
    this.db = db
    this.tables = new Tables(db)
  }

  /** Throws MetaError where the disk, another process or a newer Monitor stands in the way; damage does not. */
  static open({ folder, warn }: MetaPlace): MetaFile {
    const file = path.join(folder, META_NAME)
    try {
      makeFolder(folder)
      keepHidden(folder, warn)
      const db = openSound(file)
      syncFolder(folder)
      return new MetaFile(file, db)
    } catch (error) {
      if (!isDamage(error)) throw explain(error, `open ${file}`)
      return MetaFile.replace({ folder, warn }, error)
    }
  }

  /** Puts a damaged file, which is closed, aside and saves what can be read of it. Throws MetaError. */
  static replace({ folder, warn }: MetaPlace, damage: unknown): MetaFile {
    const file = path.join(folder, META_NAME)
    try {
      const aside = putAside(folder)
      const db = openSound(file)
      const saved = salvage(db, aside)
      warn(`${file} is damaged (${messageOf(damage)}): it was moved to ${aside}; ${saved} could be read and are kept. Compare silences, rules and acknowledgements with what you expect`)
      return new MetaFile(file, db)
    } catch (error) {
      throw explain(error, `replace the damaged ${file}`)
    }
  }

  /** All of `f` or nothing; synced when it returns. Throws what `f` or the disk throws. */
  transaction<T>(f: () => T): T {
    this.db.exec('BEGIN IMMEDIATE')
    try {
      const result = f()
      this.db.exec('COMMIT')
      return result
    } catch (error) {
      // A full disk has rolled back already.
      if (this.db.isTransaction) this.db.exec('ROLLBACK')
      throw error
    }
  }

  /** Makes COPY_NAME beside the file. Throws what the disk throws. */
  copy(): void {
    const to = path.join(path.dirname(this.path), COPY_NAME)
    if (pathExists(to)) removeFile(to)
    this.db.prepare('VACUUM INTO ?').run(to)
    // SQLite syncs no file that it copies into.
    const copied = DiskFile.openForWrite(to)
    try {
      copied.syncNow()
    } finally {
      copied.close()
    }
  }

  sizeBytes(): number {
    const pages = Number(this.db.prepare('PRAGMA page_count').get()?.['page_count'])
    return pages * Number(this.db.prepare('PRAGMA page_size').get()?.['page_size'])
  }

  close(): void {
    if (this.db.isOpen) this.db.close()
  }
}

function openSound(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: false })
  try {
    db.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${LOG_BYTES_MAX};
      PRAGMA wal_autocheckpoint = ${LOG_BYTES_MAX / PAGE_BYTES}; PRAGMA cache_size = -${CACHE_KIB}`)
    const verdict = String(db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'])
    if (verdict !== 'ok') throw new DamageError(verdict)
    migrate(db, file)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

class DamageError extends Error {
  readonly code = 'META_DAMAGE'
}

/** Whether the file itself is at fault, and not the disk's room or another process. */
export function isDamage(error: unknown): boolean {
  const code = resultCode(error)
  return error instanceof DamageError || code === CORRUPT || code === NOT_A_DATABASE
}

/** What failed, in words for an operator. */
export function explain(error: unknown, what: string): MetaError {
  if (error instanceof MetaError) return error
  const code = resultCode(error)
  if (code === FULL || (error instanceof DiskError && error.code === 'ENOSPC')) return new MetaError(`cannot ${what}: the disk is full; free space on it`, { cause: error })
  if (code === BUSY) return new MetaError(`cannot ${what}: another program has the file open; end it`, { cause: error })
  if (error instanceof DiskError) return new MetaError(`cannot ${what}: ${explainDisk(error)}`, { cause: error })
  const hint = code === READONLY || code === CANNOT_OPEN ? `; look whether user ${process.getuid?.() ?? '?'}, as whom Monitor runs, may write there (ls -l), and whether inodes are free (df -i)` : ''
  return new MetaError(`cannot ${what}: ${messageOf(error)}${hint}`, { cause: error })
}

function resultCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Copies a log of transactions that SQLite is about to end at a damaged page, and would write over. Throws DiskError. */
function keepHidden(folder: string, warn: (message: string) => void): void {
  const log = path.join(folder, LOG_NAME)
  const bytes = pathExists(log) ? readWhole(log) : new Uint8Array(0)
  const hidden = logDamage(bytes)
  if (hidden === null) return
  const quarantine = path.join(folder, QUARANTINE)
  makeFolder(quarantine)
  const kept = path.join(quarantine, `${freeNumber(quarantine, LOG_NAME)}-${LOG_NAME}`)
  writeSynced(kept, bytes)
  syncFolder(quarantine)
  warn(`${log} is damaged at byte ${hidden.at}: ${hidden.transactions} transactions from there on, the last before Monitor was killed, cannot be read; it was copied to ${kept}. Compare silences, rules and acknowledgements with what you expect`)
}

function freeNumber(quarantine: string, name: string): number {
  const taken = new Set(listFolder(quarantine))
  let n = 1
  while (taken.has(`${n}-${name}`)) n++
  return n
}

/** The place of the file in the quarantine. */
function putAside(folder: string): string {
  const quarantine = path.join(folder, QUARANTINE)
  makeFolder(quarantine)
  const n = Math.max(freeNumber(quarantine, META_NAME), freeNumber(quarantine, LOG_NAME))
  for (const suffix of ['-wal', '-shm', '']) {
    const from = path.join(folder, `${META_NAME}${suffix}`)
    if (pathExists(from)) rename(from, path.join(quarantine, `${n}-${META_NAME}${suffix}`))
  }
  syncFolder(quarantine)
  syncFolder(folder)
  return path.join(quarantine, `${n}-${META_NAME}`)
}

/** Copies what can be read, table by table from both ends; what was saved, in words. */
function salvage(db: DatabaseSync, from: string): string {
  const counts: string[] = []
  for (const table of TABLES) {
    // A file for each table: one that fails may leave its connection unusable.
    const count = ['', ' DESC'].reduce((sum, order) => sum + copyRows(db, from, table, order), 0)
    if (count > 0) counts.push(`${count} of ${table}`)
  }
  return counts.length === 0 ? 'no rows' : counts.join(', ')
}

function copyRows(db: DatabaseSync, from: string, table: string, order: string): number {
  let count = 0
  let damaged: DatabaseSync | null = null
  try {
    damaged = new DatabaseSync(from, { readOnly: true })
    const key = String(damaged.prepare('SELECT group_concat(name) AS key FROM pragma_table_info(?) WHERE pk > 0').get(table)?.['key'] ?? 'rowid')
    const columns = db.prepare('SELECT name FROM pragma_table_info(?)').all(table).map(({ name }) => `"${String(name)}"`).join(', ')
    const insert = db.prepare(`INSERT OR IGNORE INTO ${table} (${columns}) VALUES (${columns.replaceAll(/"[^"]*"/g, '?')})`)
    db.exec('BEGIN')
    for (const row of damaged.prepare(`SELECT ${columns} FROM ${table} ORDER BY ${order === '' ? key : key.replaceAll(',', ' DESC, ') + order}`).iterate()) {
      count += Number(insert.run(...(Object.values(row) as SQLInputValue[])).changes)
    }
  } catch {
    // Here the damage begins; what came before it is kept.
  } finally {
    if (db.isTransaction) db.exec('COMMIT')
    damaged?.close()
  }
  return count
}
