import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { MetricMetadata } from '../../lib/model/metadata.ts'
import { metadataText, readMetadata, writeMetadata } from '../../storage/metadata-file.ts'
import { tempFolder } from '../support/temp-folder.ts'

const set = (...metrics: string[]): Map<string, MetricMetadata> => new Map(metrics.map((metric) => [metric, { type: 'counter', help: `of ${metric} "é"\n`, unit: 's' }]))
const refuse = (why: string): never => { throw new Error(why) }

describe('the file of metadata', () => {
  it('gives back what was written, and has what many targets say once', () => {
    const folder = tempFolder()
    const targets = Array.from({ length: 50 }, (_, i) => ({ labels: ['instance', `h${i}`, 'job', 'x'], metadata: set('a', '__proto__') }))
    const stored = { targets: [...targets, { labels: ['instance', 'other'], metadata: set('b') }], pushed: set('c') }
    writeMetadata(folder, metadataText(stored))
    expect(readMetadata(folder, refuse)).toEqual(stored)
    expect(fs.readFileSync(`${folder}/metadata.json`, 'utf8').split('of a').length - 1).toBe(1)
  })

  it('is nothing where it is not there, and goes to quarantine where it is damaged', () => {
    const folder = tempFolder()
    expect(readMetadata(folder, refuse)).toEqual({ targets: [], pushed: new Map() })
    const text = metadataText({ targets: [{ labels: ['a', 'b'], metadata: set('m') }], pushed: new Map() })
    for (const [i, bad] of ['', '{', 'null', text.replace('counter', 'gauge__'), text.replace('"version":1', '"version":2')].entries()) {
      fs.writeFileSync(`${folder}/metadata.json`, bad)
      const why: string[] = []
      expect(readMetadata(folder, (one) => why.push(one))).toEqual({ targets: [], pushed: new Map() })
      expect(why).toHaveLength(1)
      expect(fs.readdirSync(folder)).toEqual(['quarantine'])
      expect(fs.readdirSync(`${folder}/quarantine`)).toHaveLength(i + 1)
    }
  })
})
