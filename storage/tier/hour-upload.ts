// Keeps the object store as the list of hour files says: puts what it lacks, takes away what went out of the list, and takes a
// month's file from the folder once the store holds it, checked by length and checksum.
//
//   put (verified) ─▶ stored.json ─▶ a month's file leaves the folder
//
// A bucket may have been emptied, or made anew: each round asks it what it has. What it lacks and the folder has is put again; what
// neither has is told of, and queries over it say that they are partial.
// A crash anywhere leaves the file in the folder, and at the worst an object that is put again. With each file goes its sidecar,
// with each round the list, so that a bucket is enough to have the tier back.
import path from 'node:path'
import { faultPoint } from '../../lib/std/fault-point.ts'
import { fileSizeBytes, listFolder, readWhole, removeFile } from '../../lib/std/fs.ts'
import { bytesContent, fileContent, ObjectStoreError, type ObjectStore } from '../object-store/object-store.ts'
import { MANIFEST_FILE, monthOf, readManifest, readStored, spanOf, writeStored, type HourFile } from './hour-manifest.ts'

/** A day's file is put when the day is over and its last hours have been cut: until then it changes every two hours. */
const DAY_REST_MS = 30 * 60_000
/** After so many files in a row the store is taken for unreachable: whoever runs rounds is told of it, instead of each file waiting out its requests. */
const SILENT_MAX = 2

export interface UploadReport {
  /** Files that were put, and their bytes. */
  files: number
  bytes: number
  /** Files that the store lacks still, since a request failed. */
  waiting: number
  /** Why the first failed; '' if none did. */
  failure: string
  /** Files of the list that neither the folder nor the store has. */
  gone: readonly string[]
}

/** One round. Rejects with DiskError and SyntaxError only. */
export async function uploadHours(folder: string, store: ObjectStore, nowMs: number): Promise<UploadReport> {
  const manifest = readManifest(folder)
  const stored = new Set(readStored(folder))
  const report: UploadReport = { files: 0, bytes: 0, waiting: 0, failure: '', gone: [] }
  await tryTo(report, async () => { report.gone = await missThose(folder, store, manifest.files, stored) })
  await putFiles(folder, store, manifest.files.filter(({ name }) => !stored.has(name) && spanOf(name)!.to + DAY_REST_MS <= nowMs), { stored, report })
  const isNew = report.files > 0
  if (isNew && report.failure === '') await tryTo(report, () => store.put(MANIFEST_FILE, bytesContent(readWhole(path.join(folder, MANIFEST_FILE)))))
  await removeOld(folder, store, stored, report)
  for (const { name } of manifest.files) if (stored.has(name) && isMonth(name)) removeFile(path.join(folder, name))
  return report
}

async function putFiles(folder: string, store: ObjectStore, files: readonly HourFile[], { stored, report }: { stored: Set<string>; report: UploadReport }): Promise<void> {
  let silent = 0
  for (const [i, file] of files.entries()) {
    if (!listFolder(folder).includes(file.name)) continue
    try {
      await putFile(folder, store, file)
      stored.add(file.name)
      writeStored(folder, stored)
      faultPoint('upload.noted')
      report.files++
      report.bytes += file.bytes
      silent = 0
    } catch (error) {
      fail(report, error)
      silent = (error as ObjectStoreError).code === 'UNREACHABLE' ? silent + 1 : 0
      if (silent < SILENT_MAX) continue
      report.waiting += files.length - i - 1
      return
    }
  }
}

/** Takes names of files out of `stored` that the store has lost and the folder has; returns those that neither has. */
async function missThose(folder: string, store: ObjectStore, files: readonly HourFile[], stored: Set<string>): Promise<string[]> {
  if (stored.size === 0) return []
  const there = new Map((await store.list('1h-')).map(({ key, sizeBytes }) => [key, sizeBytes]))
  const here = new Set(listFolder(folder))
  const lost = files.filter(({ name, bytes }) => stored.has(name) && there.get(name) !== bytes)
  const again = lost.filter(({ name }) => here.has(name))
  for (const { name } of again) stored.delete(name)
  if (again.length > 0) writeStored(folder, stored)
  // A listing may be behind; nobody is told that data are gone by that alone.
  const gone: string[] = []
  for (const { name, bytes } of lost) if (!here.has(name) && (await store.head(name))?.sizeBytes !== bytes) gone.push(name)
  return gone
}

async function putFile(folder: string, store: ObjectStore, { name, bytes }: HourFile): Promise<void> {
  const index = path.join(folder, `${name}.index`)
  // It may be there from a round that a crash cut off.
  const content = fileContent(path.join(folder, name), bytes)
  if (!await store.holds(name, content)) {
    await store.put(name, content)
    faultPoint('upload.sent')
  }
  await store.put(`${name}.index`, fileContent(index, fileSizeBytes(index)))
  faultPoint('upload.checked')
}

/** Files that are in no list any more, so that no query reads them. Objects that were not put from here are not touched. */
async function removeOld(folder: string, store: ObjectStore, stored: Set<string>, report: UploadReport): Promise<void> {
  const { files, replaced } = readManifest(folder)
  const listed = new Set([...files, ...replaced].map(({ name }) => name))
  for (const name of [...stored].filter((one) => !listed.has(one))) {
    const isGone = await tryTo(report, async () => {
      await store.delete(name)
      await store.delete(`${name}.index`)
    })
    if (!isGone) continue
    stored.delete(name)
    writeStored(folder, stored)
  }
}

async function tryTo(report: UploadReport, work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    fail(report, error)
    return false
  }
}

function fail(report: UploadReport, error: unknown): void {
  if (!(error instanceof ObjectStoreError)) throw error
  report.waiting++
  if (report.failure === '') report.failure = error.message
}

function isMonth(name: string): boolean {
  const span = spanOf(name)!
  return span.text === monthOf(span.from).text
}
