// What Monitor is called and which version this is, from package.json.
import path from 'node:path'
import { readTextIfThere } from '../lib/std/fs.ts'

function readVersion(): string {
  const text = readTextIfThere(path.join(import.meta.dirname, '../package.json'))
  const parsed: unknown = JSON.parse(text ?? '{}')
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : 'unknown'
}

export const VERSION: string = readVersion()
