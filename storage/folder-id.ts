// A data folder's own number, beside the definitions that give series their refs: what names series by refs notes it, so that
// what was copied from another Monitor's folder is not taken for this one's (FORMAT.md, "series/id").
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { readTextIfThere, replaceText } from '../lib/std/fs.ts'

const FORM = /^([0-9a-f]{16}) ([0-9a-f]{8})\n$/

/** '' where there is none, or none that can be read. Throws DiskError. */
export function readFolderId(data: string): string {
  const [, id = '', sum = ''] = FORM.exec(readTextIfThere(fileOf(data)) ?? '') ?? []
  return sum === checksum(id) ? id : ''
}

/** Whether there is one that cannot be read. Throws DiskError. */
export function isFolderIdDamaged(data: string): boolean {
  return readFolderId(data) === '' && readTextIfThere(fileOf(data)) !== null
}

/** Synced when it returns. Throws DiskError. */
export function keepFolderId(data: string, id: string): void {
  replaceText(fileOf(data), `${id} ${checksum(id)}\n`)
}

function fileOf(data: string): string {
  return path.join(data, 'series', 'id')
}

function checksum(id: string): string {
  return crc32(id).toString(16).padStart(8, '0')
}
