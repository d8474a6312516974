// A folder of the test's own, gone when the test is done.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'

export function tempFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-test-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A copy of a folder of golden data, to be written to. */
export function copyFolder(of: string): string {
  const folder = tempFolder()
  fs.cpSync(of, folder, { recursive: true })
  return folder
}
