// PromQL by example: the project's own `.test` files, whose values come from Prometheus 3.5.3 or are derived by hand
// in a comment, and the shared part of Prometheus' own, where it lies beside the checkout.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { engineSubject } from '../conformance/engine-subject.ts'
import { runStored, runTestFile, type CaseResult } from '../conformance/run-file.ts'
import type { BatchShape } from '../support/memory-storage.ts'

const own = path.join(import.meta.dirname, 'promql')
const shared = path.resolve(import.meta.dirname, '../../../shared/promqltest')

function filesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.test')) : []
}

function read(folder: string, file: string): string {
  return readFileSync(path.join(folder, file), 'utf8')
}

function failuresOf(results: readonly CaseResult[]): string[] {
  return results.flatMap(({ line, expr, mismatch, rerun }) => (
    mismatch === null ? [] : [`line ${line}: ${rerun ?? expr}\n  got  ${mismatch.got}\n  want ${mismatch.want}`]
  ))
}

describe('PromQL', () => {
  const shapes: BatchShape[] = ['equal', 'each', 'union']
  describe.each(shapes)('over batches of shape %s', (shape) => {
    it.each(filesIn(own))('answers %s', (file) => {
      const results = runTestFile(read(own, file), engineSubject(), { shape })
      expect(results.length).toBeGreaterThan(10)
      expect(failuresOf(results)).toEqual([])
    })
  })

  const sharedFiles = filesIn(shared)
  it.skipIf(sharedFiles.length === 0).each(sharedFiles)('answers the shared %s, pinned and in ranges too', (file) => {
    expect(failuresOf(runTestFile(read(shared, file), engineSubject(), { isStrict: true }))).toEqual([])
  })
  const storedFiles = [...filesIn(own).map((file) => ({ folder: own, file })), ...sharedFiles.map((file) => ({ folder: shared, file }))]
  it.each(storedFiles.filter(({ file }) => /histogram|start/.test(file)))('answers the same from the real store after a restart: $file', async ({ folder, file }) => {
    const results = await runStored(read(folder, file), engineSubject())
    expect(results.length).toBeGreaterThan(10)
    expect(failuresOf(results)).toEqual([])
  }, 120_000)
  if (sharedFiles.length === 0) it.skip('shared conformance files: ../shared/promqltest is absent')
})
