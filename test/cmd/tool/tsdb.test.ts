// `monitor tsdb` over a folder that it filled itself from the golden Prometheus folder; what dump prints is promtool's.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { runTool } from '../../../cmd/tool/tool.ts'
import { MetaFile } from '../../../lib/meta/meta-file.ts'
import { journalLine } from '../../../lib/meta/told-journal.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { Random } from '../../../lib/std/random.ts'
import { readManifest } from '../../../storage/tier/hour-manifest.ts'
import { labelsFromRecord } from '../../../lib/model/labels.ts'
import { append, batchOf, open } from '../../storage/store.ts'
import { HOUR, T0, fill, settled } from '../../storage/tier-rows.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const GOLDEN = path.join(import.meta.dirname, '../../golden/prometheus-data')

async function tsdb(...argv: string[]): Promise<{ code: number | null; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await runTool(['tsdb', ...argv], { out: (text) => (out += text), err: (text) => (err += text), clock: new FakeClock() })
  return { code, out, err }
}

describe('monitor tsdb', () => {
  it('imports, lists, analyzes, dumps and verifies', async () => {
    const at = `--storage.tsdb.path=${tempFolder()}/data`
    const imported = await tsdb('import', 'prometheus', GOLDEN, at)
    expect(imported).toMatchObject({ code: 0, out: 'imported 4 blocks with 34530 samples, and 12395 samples of the logs\n' })
    const listed = await tsdb('list', at)
    expect(listed.out.split('\n')).toHaveLength(6)
    expect(listed.out).toMatch(/^BLOCK +MIN TIME +MAX TIME +LEVEL +SERIES +SAMPLES +BYTES +B\/SAMPLE\n/)
    expect((await tsdb('analyze', '--limit=1', at)).out).toContain('Metrics by series:\n        56  prometheus_http_requests_total\n\nLabels')
    const dumped = (await tsdb('dump', '--match=up', '--min-time=1795869381000', '--max-time=1795869383320', at)).out
    expect(dumped.split('\n').toSorted()).toEqual([
      '', '{__name__="up", instance="127.0.0.1:19390", job="classic"} 1 1795869381294',
      '{__name__="up", instance="127.0.0.1:19390", job="classic"} 1 1795869383312',
      '{__name__="up", instance="127.0.0.1:19390", job="native"} 1 1795869381259',
      '{__name__="up", instance="127.0.0.1:19390", job="native"} 1 1795869383266',
    ])
    const large = (await tsdb('dump', '--match=go_gc_heap_frees_by_size_bytes_sum', '--min-time=1795869577259', '--max-time=1795869577259', at)).out
    expect(large).toBe('{__name__="go_gc_heap_frees_by_size_bytes_sum", instance="127.0.0.1:19390", job="native"} 1.08079896e+08 1795869577259\n')
    const two = (await tsdb('dump', '--match=up{job="native"}', '--match=up', '--max-time=1795869383320', '--min-time=1795869381000', at)).out
    expect(two.trim().split('\n')).toHaveLength(4)
    let [pieces, overruns, isTaken] = [0, 0, true]
    const slow = {
      out: (): void => {
        pieces++
        if (!isTaken) overruns++
        isTaken = false
      },
      drain: async (): Promise<void> => {
        await nextTurn()
        isTaken = true
      },
      err: () => {}, clock: new FakeClock(),
    }
    expect(await runTool(['tsdb', 'dump', at], slow)).toBe(0)
    expect([pieces > 10, overruns], 'whoever reads is waited for').toEqual([true, 0])
    const verified = await tsdb('verify', at)
    expect(verified).toMatchObject({ code: 0, err: '' })
    expect(verified.out).toMatch(/^blocks\/change\.json: ok\nseries\/definitions: ok\n(blocks\/\d.*: ok\n){4}(head\/.*: ok\n)*(log\/.*: ok\n)+$/)
  })

  it('brings what is older than what is here of its series, and says what it knows already', async () => {
    const folder = tempFolder()
    const at = `--storage.tsdb.path=${folder}`
    const db = open(folder, { clock: new FakeClock(1_795_869_600_000 + HOUR), outOfOrderMs: 600_000 })
    append(db, batchOf(1_795_869_600_000 + HOUR, [db.series(labelsFromRecord({ __name__: 'up', instance: '127.0.0.1:19390', job: 'classic' }))], [1]))
    await db.close()
    const { code, out } = await tsdb('import', 'prometheus', GOLDEN, at)
    expect({ code, out }).toEqual({ code: 0, out: 'imported 4 blocks with 34530 samples, and 12395 samples of the logs\n' })
    const whole = `--storage.tsdb.path=${tempFolder()}`
    await tsdb('import', 'prometheus', GOLDEN, whole)
    const samples = [...(await tsdb('dump', '--match=up{job="classic"}', whole)).out.split('\n'), '{__name__="up", instance="127.0.0.1:19390", job="classic"} 1 1795873200000'].toSorted()
    expect((await tsdb('dump', '--match=up{job="classic"}', at)).out.split('\n').toSorted()).toEqual(samples)
    const again = await tsdb('import', 'prometheus', GOLDEN, at)
    expect(again).toMatchObject({ code: 0, out: 'imported 0 blocks with 0 samples, and 0 samples of the logs\nleft out 4 blocks that an earlier import has brought, and 12395 samples of the logs that were here\n' })
    expect(again.err).toMatch(/^(.*\/01M8H\w+: is here already, from an earlier import\n){4}/)
    expect((await tsdb('dump', '--match=up{job="classic"}', at)).out.split('\n').toSorted()).toEqual(samples)
  })

  it('dumps OpenMetrics text, which it makes blocks of again, and analyzes chosen series and their samples', async () => {
    const folder = tempFolder()
    writeFileSync(`${folder}/a.om`, '# TYPE a gauge\na{x="1"} 1e-7 1695970507.123\na{x="1"} NaN 1695970508.5\na{x="2"} 3 1695970508.5\n{"b.c","d.e"="f\\n\\"",y="1"} +Inf 1695970509\n# EOF\n')
    await tsdb('create-blocks-from', 'openmetrics', `${folder}/a.om`, `${folder}/data`, '-q')
    const { out } = await tsdb('dump-openmetrics', `${folder}/data`)
    expect(out.split('\n').toSorted()).toEqual(['', '# EOF', 'a{x="1"} 1e-07 1695970507.123', 'a{x="1"} NaN 1695970508.500', 'a{x="2"} 3 1695970508.500', '{"b.c","d.e"="f\\n\\"",y="1"} +Inf 1695970509.000'])
    writeFileSync(`${folder}/b.om`, out)
    await tsdb('create-blocks-from', 'openmetrics', `${folder}/b.om`, `${folder}/again`, '-q')
    expect((await tsdb('dump', `${folder}/again`)).out.split('\n').toSorted()).toEqual((await tsdb('dump', `${folder}/data`)).out.split('\n').toSorted())
    const analyzed = await tsdb('analyze', `${folder}/data`, '--match={x!=""}', '--extended', '--limit=2')
    expect(analyzed.out).toBe(`series: 2\nlabel pairs: 3

Metrics by series:
         2  a

Labels by values:
         2  x
         1  __name__

Labels by bytes of names and values:
        18  __name__
         4  x

Pairs by series:
         2  __name__=a
         1  x=1

samples: 3 (0 native histograms, 0 staleness markers)
from 2023-09-29T06:55:07.123Z to 2023-09-29T06:55:08.500Z

Metrics by samples:
         3  a

Pairs by churn (series that were not there, each by its share of the time):
         1  __name__=a
         1  x=2

Labels by churn:
         1  __name__
         1  x
`)
    expect((await tsdb('list', '-r', `${folder}/data`)).out).toMatch(/ \d\.\d KiB /)
  })

  it('leaves a folder alone that is none of Monitor\'s', async () => {
    const folder = tempFolder()
    writeFileSync(`${folder}/note.txt`, 'mine')
    expect(await tsdb('list', folder)).toEqual({ code: 1, out: '', err: `cannot open ${folder}: it is no data folder of Monitor; name that with --storage.tsdb.path\n` })
    expect(readdirSync(folder)).toEqual(['note.txt'])
  })

  it('finds a flipped bit, and says in which part of which block', async () => {
    const folder = tempFolder()
    await tsdb('import', 'prometheus', GOLDEN, `--storage.tsdb.path=${folder}`)
    const block = readdirSync(`${folder}/blocks`).find((name) => /^\d/.test(name))!
    const file = `${folder}/blocks/${block}/chunks`
    const bytes = readFileSync(file)
    bytes[1000]! ^= 1
    writeFileSync(file, bytes)
    const { code, out, err } = await tsdb('verify', `--storage.tsdb.path=${folder}`)
    expect(code).toBe(1)
    expect(out).toContain(`${block}: `)
    expect(out).not.toContain(`${block}: ok`)
    expect(err).toBe(`1 damaged parts; what they held is left out of answers, everything else is served. Mend what can be mended with: monitor tsdb repair --storage.tsdb.path=${folder}\n`)
    expect(await tsdb('verify', `--storage.tsdb.path=${folder}`), 'nothing was changed').toEqual({ code, out, err })
    expect(await tsdb('dump', `--storage.tsdb.path=${folder}`)).toMatchObject({ code: 1, err: expect.stringMatching(/^cannot read page .*chunks: .*\n(.*\n)*not all samples could be dumped\n$/) })
  })

  it('repairs what is damaged, after it has said what that is', async () => {
    const folder = tempFolder()
    const at = `--storage.tsdb.path=${folder}`
    await tsdb('import', 'prometheus', GOLDEN, at)
    expect(await tsdb('repair', at)).toEqual({ code: 0, out: 'nothing is damaged\n', err: '' })
    const block = readdirSync(`${folder}/blocks`).find((name) => /^\d/.test(name))!
    writeFileSync(`${folder}/blocks/${block}/meta.json`, '{}')
    const dry = await tsdb('repair', '--dry-run', at)
    expect(dry).toMatchObject({ code: 1, err: '1 damaged parts; nothing was changed. Run it again without --dry-run\n' })
    expect(dry.out).toMatch(/^blocks\/.*meta.json: no block's description\n {2}cost: what is not among \d+ samples that can be read from .*\n {2}to be built anew .*\n$/)
    const done = await tsdb('repair', at)
    expect(done).toEqual({ code: 0, out: dry.out.replace('to be built', 'now built'), err: '' })
    expect(await tsdb('repair', at)).toMatchObject({ out: 'nothing is damaged\n' })
    expect(await tsdb('verify', at)).toMatchObject({ code: 0 })
    expect(await tsdb('repair', '--storage.tsdb.path=/no/such')).toMatchObject({ code: 1, err: 'cannot open /no/such: there is no data; name the folder with --storage.tsdb.path\n' })
  })

  it('looks at what people have said, at rules by API, and at files that it does not know', async () => {
    const folder = tempFolder()
    const at = `--storage.tsdb.path=${folder}`
    await tsdb('import', 'prometheus', GOLDEN, at)
    const db = MetaFile.open({ folder: `${folder}/meta`, warn: () => undefined })
    db.close()
    mkdirSync(`${folder}/rules`)
    const entry = journalLine('{"a": 1}').toString()
    writeFileSync(`${folder}/meta/told.log`, `${entry}\n${entry}half of a li`)
    writeFileSync(`${folder}/rules/api.yml`, 'groups: [{name: a, rules: [{alert: A, expr: up == 0}]}]\n')
    writeFileSync(`${folder}/blocks/notes.txt`, '')
    const before = readdirSync(`${folder}/meta`)
    const { code, out } = await tsdb('verify', at)
    expect([code, out.split('\n').filter((line) => /^(meta|rules)|notes/.test(line))]).toEqual([0, [
      'meta/monitor.db: ok', 'meta/told.log: ok', 'rules/api.yml: ok', 'blocks/notes.txt: not looked at: nothing here writes a file of this name',
    ]])
    expect(out.match(/not looked at/g), out).toHaveLength(1)
    expect(readdirSync(`${folder}/meta`)).toEqual(before)
    const f = async (file: string, bytes: Uint8Array | string | null, want: RegExp): Promise<void> => {
      const sound = readFileSync(`${folder}/${file}`)
      if (bytes === null) rmSync(`${folder}/${file}`)
      else writeFileSync(`${folder}/${file}`, bytes)
      expect(await tsdb('verify', at), file).toMatchObject({ code: 1, out: expect.stringMatching(want) })
      writeFileSync(`${folder}/${file}`, sound)
    }
    const store = readFileSync(`${folder}/meta/monitor.db`)
    await f('meta/monitor.db', store.fill(0xff, 4096, 4196), /\nmeta\/monitor\.db: .*\n {2}lost: rows that cannot be read\n/)
    await f('meta/monitor.db', store.subarray(0, 5000), /\nmeta\/monitor\.db: .*malformed/)
    await f('meta/monitor.db', 'no database at all', /\nmeta\/monitor\.db: file is not a database\n/)
    await f('meta/monitor.db', '', /\nmeta\/monitor\.db: it is empty\n/)
    await f('meta/monitor.db', null, /\nmeta\/monitor\.db: it is not there\n/)
    await f('meta/told.log', `${entry.replace('1', '2')}${entry}`, /\nmeta\/told\.log: 1 lines do not match their checksums\n/)
    await f('rules/api.yml', 'groups: [{name: a, rules: [{alert: A, expr: up ==}]}]\n', /\nrules\/api\.yml: .*\n {2}lost: nothing: meta\/monitor\.db has the rules\n/)
  })

  it('lists and verifies tiers', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T0)
    const db = open(folder, { clock, minuteRetentionMs: Infinity, hourRetentionMs: Infinity })
    fill(db, clock, T0, T0 + 5 * HOUR, new Random(1))
    await settled(db)
    await db.close()
    const at = `--storage.tsdb.path=${folder}`
    const listed = (await tsdb('list', at)).out
    expect(listed).toMatch(/\n\n1-MINUTE TIER +MIN TIME +MAX TIME +SERIES +ROWS +BYTES +B\/ROW +PLACE\n(\d+-\d+-1-\d+ .* here\n)+\n1-HOUR TIER +MIN TIME .*\n1h-[-\d]+\.parquet .* here\n/)
    const verified = await tsdb('verify', at)
    expect(verified).toMatchObject({ code: 0, err: '' })
    expect(verified.out).toMatch(/\ntiers\/1m\/[-\d]+: ok\n(.*\n)*archive\/1h-.*\.parquet: ok\n/)
    const file = `${folder}/archive/${readManifest(`${folder}/archive`).files[0]!.name}`
    const bytes = readFileSync(file)
    bytes[100]! ^= 1
    writeFileSync(file, bytes)
    expect(await tsdb('verify', at)).toMatchObject({ code: 1, out: expect.stringContaining('parquet: the checksum of a page does not hold') })
    bytes[100]! ^= 1
    const found = async (harm: () => void): Promise<string> => {
      harm()
      const { code, out } = await tsdb('verify', at)
      writeFileSync(file, bytes)
      writeFileSync(`${file}.index`, index)
      expect(code).toBe(1)
      return out.split('\n').filter((line) => line.startsWith('archive/1h-')).join()
    }
    const index = readFileSync(`${file}.index`)
    for (const from of [10, bytes.length >> 3]) {
      expect(await found(() => writeFileSync(file, bytes.map((byte, i) => (i === bytes.length - from ? byte ^ 4 : byte))))).toContain('the footer of')
    }
    expect(await found(() => writeFileSync(file, bytes.subarray(0, bytes.length - 1)))).toContain(`has ${bytes.length - 1} bytes, its sidecar says ${bytes.length}`)
    expect(await found(() => rmSync(file))).toContain('it is not there, and no object store has it')
    expect(await found(() => rmSync(`${file}.index`))).toContain('no such file')
    expect(await found(() => writeFileSync(`${file}.index`, index.map((byte, i) => (i === 70 ? byte ^ 4 : byte))))).toContain('a checksum of the')
    expect(await tsdb('verify', at)).toMatchObject({ code: 0 })
  })

  it('says what is wrong with a command line, and where there is no data', async () => {
    expect(await tsdb()).toMatchObject({ code: 2, err: expect.stringContaining('tsdb wants a command: list, analyze, dump, dump-openmetrics, verify, repair, import') })
    expect(await tsdb('lst')).toMatchObject({ code: 2, err: expect.stringContaining('there is no command tsdb lst; did you mean list?') })
    expect(await tsdb('import', 'influx', 'x')).toMatchObject({ code: 2, err: expect.stringContaining('tsdb import wants: prometheus SOURCE') })
    expect(await tsdb('dump', '--match={', `--storage.tsdb.path=${tempFolder()}`)).toMatchObject({ code: 2, err: expect.stringContaining('--match "{": 1:2: parse error') })
    expect((await tsdb('list', 'data', '01M8H2NJEZ6H09SWT2PC2C0HMB')).err).toContain('tsdb list takes one data folder, and no "01M8H2NJEZ6H09SWT2PC2C0HMB"')
    expect((await tsdb('list', 'data', '--storage.tsdb.path=other')).err).toContain('tsdb list is given two data folders, data and other')
    expect((await tsdb('create-blocks-from', 'openmetrics', 'x.om', 'data', '--storage.tsdb.path=other')).err).toContain('tsdb create-blocks-from is given two data folders, data and other')
    expect((await tsdb('list', '')).err).toContain('tsdb list is given a data folder without a name')
    expect((await tsdb('verify', 'data', 'other')).err).toContain('tsdb verify takes one data folder, and no "other": it looks at all of the folder')
    // What would mean nothing is not passed over.
    expect(await tsdb('repair', 'data', '--match=up')).toMatchObject({ code: 2, err: expect.stringContaining('tsdb repair takes no --match') })
    expect((await tsdb('create-blocks-from', 'openmetrics', 'x.om', '--start=5')).err).toContain('tsdb create-blocks-from takes no --start')
    expect((await tsdb('create-blocks-from', 'rules', 'r.yml', '--start=5', '--label=a=b')).err).toContain('tsdb create-blocks-from rules takes no --label')
    expect((await tsdb('dump', '--min-time=5', '--max-time=3', `--storage.tsdb.path=${tempFolder()}`)).err).toContain('--min-time is after --max-time')
    expect((await tsdb('analyze', '--match=a', '--match=b')).err).toContain('tsdb analyze takes one --match')
    expect(await tsdb('list', '--storage.tsdb.path=/no/such')).toMatchObject({ code: 1, err: 'cannot open /no/such: there is no data; name the folder with --storage.tsdb.path\n' })
    const file = `${tempFolder()}/file`
    writeFileSync(file, '')
    for (const command of ['verify', 'repair']) {
      expect(await tsdb(command, `--storage.tsdb.path=${file}`)).toMatchObject({ code: 1, err: `cannot open ${file}: it is a file; name the data folder with --storage.tsdb.path\n` })
    }
    expect(await tsdb('import', 'prometheus', GOLDEN, `--storage.tsdb.path=${file}/data`)).toMatchObject({
      code: 1, err: `cannot keep data in ${file}/data: it is a file, or below one; name a folder with --storage.tsdb.path\n`,
    })
    const theirs = tempFolder()
    mkdirSync(`${theirs}/wal`)
    expect(await tsdb('import', 'prometheus', GOLDEN, `--storage.tsdb.path=${theirs}`)).toMatchObject({
      code: 1, err: `cannot keep data in ${theirs}: it is a data folder of Prometheus, which is not written to; name another with --storage.tsdb.path, and take over what is here with: monitor tsdb import prometheus ${theirs} --storage.tsdb.path=THE_OTHER\n`,
    })
    expect(readdirSync(theirs)).toEqual(['wal'])
    expect(await tsdb('import', 'prometheus', '/no/such', `--storage.tsdb.path=${theirs}/new`)).toMatchObject({ code: 1, err: 'cannot import /no/such: there is no such folder; give the folder that Prometheus has as --storage.tsdb.path\n' })
    const empty = tempFolder()
    expect(await tsdb('import', 'prometheus', empty, `--storage.tsdb.path=${empty}/data`)).toMatchObject({ code: 1, err: `cannot import ${empty}: it has neither blocks nor wal; give the folder that Prometheus has as --storage.tsdb.path\n` })
    expect(readdirSync(empty)).toEqual([])
    expect(await tsdb('analyze', '--limit=0')).toMatchObject({ code: 2, err: expect.stringContaining('--limit wants a number from 1 to 99999, got "0"') })
  })
})
