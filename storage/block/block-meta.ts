// What a block says of itself (FORMAT.md, "meta.json"), and the names of block folders.
import { crc32 } from 'node:zlib'
import { assert } from '../../lib/std/assert.ts'
import { BlockError } from '../errors.ts'

export const META_FILE = 'meta.json'
export const INDEX_FILE = 'index'
export const CHUNKS_FILE = 'chunks'
export const TOMBSTONES_FILE = 'tombstones'
export const TEMPORARY_PREFIX = '.tmp-'
/** In `sources`, before the ULID of a block of Prometheus that was taken over. */
export const IMPORTED_PREFIX = 'prometheus:'
const VERSION = 1

export interface BlockMeta {
  /** Oldest and newest sample, Unix ms, both inclusive. */
  minT: number
  maxT: number
  /** 1: cut from the head; more: compacted. */
  level: number
  /** Names of the blocks it was compacted from, and what of Prometheus' was taken over in it (IMPORTED_PREFIX). */
  sources: readonly string[]
  series: number
  /** Staleness markers included. */
  samples: number
  /** Timestamp columns. */
  groups: number
  /** Of index and chunks together. */
  bytes: number
  /** Groups of the head of this generation or an older one hold nothing before coveredT that is not in blocks. */
  coveredGeneration: number
  coveredT: number
  /** Of a tier's block: why its rows do not say all, where samples that they were made of could not be read. */
  damaged?: string
  /** What contentSum of index and chunks is, which tells them from those of other blocks; blocks from before this was told have none. */
  pages?: readonly [index: number, chunks: number]
}

/** What the writer cannot count itself. */
export interface BlockOrigin extends Pick<BlockMeta, 'level' | 'sources' | 'coveredGeneration' | 'coveredT' | 'damaged'> {
  /** What time the block answers for, where that is not what it holds; then it may hold nothing. */
  range?: { minT: number; maxT: number }
}

export interface BlockName {
  minT: number
  maxT: number
  level: number
  number: number
}

/** Levels have five digits: one more for each time that a block is cleaned of what is deleted. */
export const LEVELS = 100_000
/** Times have up to 16 digits. */
const TIME_END = 1e16

/** Of the block that is made of these. */
export function levelAbove(sources: readonly Pick<BlockMeta, 'level'>[]): number {
  return Math.min(LEVELS - 1, Math.max(...sources.map(({ level }) => level)) + 1)
}

export function formatBlockName({ minT, maxT, level, number }: BlockName): string {
  assert(minT >= 0 && maxT >= minT && maxT < TIME_END, `a block of ${minT} to ${maxT} cannot be named`)
  return `${digits(minT, 13)}-${digits(maxT, 13)}-${level}-${digits(number, 8)}`
}

/** null for what is no block's name, such as a folder being written. */
export function parseBlockName(name: string): BlockName | null {
  const parts = /^(\d{13,16})-(\d{13,16})-(\d{1,5})-(\d{8,10})$/.exec(name)
  if (parts === null) return null
  return { minT: Number(parts[1]), maxT: Number(parts[2]), level: Number(parts[3]), number: Number(parts[4]) }
}

function digits(n: number, width: number): string {
  return String(n).padStart(width, '0')
}

export function formatMeta(meta: BlockMeta): string {
  const { pages, ...fields } = meta
  return `${JSON.stringify({ version: VERSION, ...fields, crc32: checksum(meta), ...(pages && { pages: [...pages, crc32(pages.join())] }) }, null, 2)}\n`
}

/** Over the fields as they are read, so that an editor may space them as it likes, but not change them. */
function checksum({ minT, maxT, level, sources, series, samples, groups, bytes, coveredGeneration, coveredT, damaged }: BlockMeta): number {
  return crc32(JSON.stringify([minT, maxT, level, sources, series, samples, groups, bytes, coveredGeneration, coveredT, ...(damaged === undefined ? [] : [damaged])]))
}

/** Throws BlockError for what is no block's meta.json of this version. */
export function parseMeta(text: string, file: string): BlockMeta {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new BlockError(`cannot read ${file}: no JSON`, { cause })
  }
  if (typeof value !== 'object' || value === null || !('version' in value)) throw new BlockError(`cannot read ${file}: no block's description`)
  if (value.version !== VERSION) throw new BlockError(`cannot read ${file}: version ${String(value.version)}, this Monitor knows ${VERSION}`)
  const number = (key: string): number => {
    const field: unknown = Reflect.get(value, key)
    if (typeof field !== 'number') throw new BlockError(`cannot read ${file}: ${key} is no number`)
    return field
  }
  const sources: unknown = Reflect.get(value, 'sources')
  const damaged: unknown = Reflect.get(value, 'damaged')
  const meta: BlockMeta = {
    minT: number('minT'), maxT: number('maxT'), level: number('level'),
    sources: Array.isArray(sources) ? sources.map(String) : [],
    series: number('series'), samples: number('samples'), groups: number('groups'), bytes: number('bytes'),
    coveredGeneration: number('coveredGeneration'), coveredT: number('coveredT'), ...(typeof damaged === 'string' && { damaged }),
  }
  const pages = parsePages(Reflect.get(value, 'pages'))
  if (number('crc32') !== checksum(meta) || pages === null) throw new BlockError(`cannot read ${file}: its fields do not match their checksum`)
  return pages === undefined ? meta : { ...meta, pages }
}

/** With a checksum of its own, as one that does not know of it leaves it out. undefined: there is none; null: it is damaged. */
function parsePages(value: unknown): readonly [number, number] | null | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value) || value.length !== 3 || !value.every((sum) => typeof sum === 'number')) return null
  const [index, chunks, sum] = value as [number, number, number]
  return sum === crc32([index, chunks].join()) ? [index, chunks] : null
}
