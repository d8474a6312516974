// A data folder that a tool opens. The server must not run on it: the folder's lock says so.
import { DiskError, listFolder } from '../../lib/std/fs.ts'
import { SLOT_COUNT } from '../../storage/head/shared-heap.ts'
import { Database } from '../../storage/database.ts'
import type { Querier } from '../../storage/interface.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { ToolFailure } from './tool-io.ts'

/** No worker reads here. */
const SLOT = SLOT_COUNT - 1

export interface Store {
  db: Database
  querier: Querier
}

/** Opens a folder, which must be there unless `mayMake`, and closes it also where `use` fails. Throws what Database throws, ToolFailure. */
export async function withStore<T>(folder: string, use: (store: Store) => T | Promise<T>, { mayMake = false }: { mayMake?: boolean } = {}): Promise<T> {
  if (!mayMake) assertData(folder)
  const db = new Database({ folder, retentionMs: Infinity, outOfOrderMs: Infinity, compacts: false })
  const queryable = new StoreQueryable(db.handle(), SLOT)
  try {
    const querier = queryable.querier()
    try {
      return await use({ db, querier })
    } finally {
      querier.close()
    }
  } finally {
    queryable.close()
    await db.close()
  }
}

/** What a data folder has, one of them at least however damaged it is; the others Prometheus'. */
const OWN_NAMES: ReadonlySet<string> = new Set(['series', 'log', 'head', 'blocks', 'format.json', 'archive', 'wal', 'chunks_head'])

/** Throws ToolFailure where there is no data. */
export function assertData(folder: string): void {
  const names = namesIn(folder)
  if (names.length === 0) throw new ToolFailure(`cannot open ${folder}: there is no data; name the folder with --storage.tsdb.path`)
  // A tool that looks must not make a data folder of what is none; Prometheus' own is told of by who opens it.
  if (!names.some((name) => OWN_NAMES.has(name))) throw new ToolFailure(`cannot open ${folder}: it is no data folder of Monitor; name that with --storage.tsdb.path`)
}

function namesIn(folder: string): string[] {
  try {
    return listFolder(folder)
  } catch (error) {
    if (!(error instanceof DiskError && error.code === 'ENOTDIR')) throw error
    throw new ToolFailure(`cannot open ${folder}: it is a file; name the data folder with --storage.tsdb.path`, { cause: error })
  }
}
