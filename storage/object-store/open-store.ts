// From what the configuration says to a store.
import type { Clock } from '../../lib/std/clock.ts'
import type { TlsOptions } from '../../lib/std/http.ts'
import type { Random } from '../../lib/std/random.ts'
import { findCredentials, type CredentialSource } from './credentials.ts'
import { FolderStore } from './folder-store.ts'
import type { ObjectStore } from './object-store.ts'
import { S3Store } from './s3-store.ts'

export interface S3Place extends CredentialSource {
  endpoint: string
  bucket: string
  region: string
  prefix: string
  isPathStyle: boolean
  tls: TlsOptions | null
}

/** Where objects are kept; structured-cloneable. */
export type StorePlace = { folder: string } | { s3: S3Place }

/** How patient requests are: those of a query are not, those of an upload are. */
export interface Patience {
  attempts: number
  firstWaitMs: number
  connections: number
  /** How long an answer may take to begin, where that is less than it may take as a whole. */
  headersMs?: number
}

const PART_BYTES = 16 << 20

export function openStore(place: StorePlace, patience: Patience, clock: Clock, random: Random): ObjectStore {
  if ('folder' in place) return new FolderStore(place.folder)
  const { s3 } = place
  return new S3Store({ ...s3, ...patience, partBytes: PART_BYTES, credentials: () => findCredentials(s3, process.env) }, clock, random)
}
