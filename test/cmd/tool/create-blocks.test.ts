// `monitor tsdb create-blocks-from`, openmetrics and rules. Of the first: what dump then prints is what promtool 3.5.3 prints of the blocks that it
// makes of the same text, but for samples that it drops because they come late in the file.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { InlineRunner } from '../../../cmd/inline-runner.ts'
import { runTool } from '../../../cmd/tool/tool.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { open } from '../../storage/store.ts'
import { freePort } from '../../support/monitor-process.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { start } from '../../web/requests.ts'

const NOW = 1_795_869_381_000

interface Run {
  code: number | null
  out: string
  err: string
}

async function tsdb(...argv: string[]): Promise<Run> {
  let out = ''
  let err = ''
  const code = await runTool(['tsdb', ...argv], { out: (text) => (out += text), err: (text) => (err += text), clock: new FakeClock(NOW) })
  return { code, out, err }
}

async function make(text: string, ...flags: string[]): Promise<{ made: Run; data: string; file: string }> {
  const folder = tempFolder()
  const file = `${folder}/input.om`
  writeFileSync(file, text)
  return { made: await tsdb('create-blocks-from', 'openmetrics', file, `${folder}/data`, ...flags), data: `${folder}/data`, file }
}

const dump = async (data: string): Promise<string[]> => (await tsdb('dump', `--storage.tsdb.path=${data}`)).out.split('\n').filter((line) => line !== '').toSorted()

describe('monitor tsdb create-blocks-from openmetrics', () => {
  it('makes a block of each two hours', async () => {
    const { made, data } = await make(`# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{code="200",service="user"} 123 1609954636
http_requests_total{code="500",service="user"} 456 1609954730
http_requests_total{service="user",code="200"} 124 1609964636
# TYPE h histogram
h_bucket{le="1",e="a\\"b\\\\c"} +Inf 1609954636.123 # {trace_id="x"} 0.5 1609954636
h_bucket{le="+Inf"} NaN 1609954636.123
# EOF`)
    expect(made).toMatchObject({ code: 0, err: '' })
    expect(made.out).toMatch(/^BLOCK.*\n1609954636000-1609954730000-1-00000001 .* 4 +4 .*\n1609964636000-1609964636000-1-00000002 .* 1 +1 .*\n$/)
    expect(await dump(data)).toEqual([
      '{__name__="h_bucket", e="a\\"b\\\\c", le="1.0"} +Inf 1609954636123',
      '{__name__="h_bucket", le="+Inf"} NaN 1609954636123',
      '{__name__="http_requests_total", code="200", service="user"} 123 1609954636000',
      '{__name__="http_requests_total", code="200", service="user"} 124 1609964636000',
      '{__name__="http_requests_total", code="500", service="user"} 456 1609954730000',
    ])
  })

  it('fills a folder that has data, with labels of its own', async () => {
    const { data, file } = await make('m{a="1"} 1 100\n# EOF\n')
    const more = await tsdb('create-blocks-from', 'openmetrics', file, `--storage.tsdb.path=${data}`, '--label=a=2', '--label', 'from=backup', '-q')
    expect(more).toEqual({ code: 0, out: '', err: '' })
    expect(await dump(data)).toEqual(['{__name__="m", a="1"} 1 100000', '{__name__="m", a="2", from="backup"} 1 100000'])
  })

  it('takes samples in any order, and of two at one time the first', async () => {
    const { made, data } = await make('x 5 20\nx 1 10\nx 2 10\nx 1 10\ny 1 30\n{"x.y","d.n"="1"} 3 0.5\n# EOF\n')
    expect(made).toMatchObject({ code: 0, err: '2 samples were left out: their series had one at the same time, further up in the file\n' })
    expect(await dump(data)).toEqual(['{__name__="x"} 1 10000', '{__name__="x"} 5 20000', '{__name__="x.y", "d.n"="1"} 3 500', '{__name__="y"} 1 30000'])
  })

  it('makes longer blocks where there would be too many', async () => {
    const hours = Array.from({ length: 270 }, (_, i) => i * 2)
    const { made, data } = await make(`${hours.map((hour) => `x ${hour} ${hour * 3600}\n`).join('')}# EOF\n`)
    expect(made.out.split('\n')).toHaveLength(2 + 270 / 3)
    expect(await dump(data)).toEqual(hours.map((hour) => `{__name__="x"} ${hour} ${hour * 3_600_000}`).toSorted())
  })

  it('says what is wrong with the text, where, and makes nothing', async () => {
    const f = async (text: string, message: string): Promise<void> => {
      const { made, data, file } = await make(text)
      expect(made).toEqual({ code: 1, out: '', err: `cannot read ${file}: ${message}\n` })
      expect(existsSync(data)).toBe(false)
    }
    await f('a 1 1\n# TYPE b counter\nb_total{x="y"} 456\n# EOF\n', 'line 3: the sample has no timestamp: each needs one here, in Unix seconds: "b_total{x=\\"y\\"} 456"')
    await f('a 1 1\n', 'line 1: data does not end with # EOF while parsing: ""')
    await f('a{ 1 1\n# EOF\n', 'line 1: expected label name while parsing: "a{ 1 1"')
    await f('a 1 1609954636000\n# EOF\n', 'line 1: the timestamp lies in the future: 1609954636000; OpenMetrics has Unix seconds, not milliseconds: "a 1 1609954636000"')
    await f('a 1 -5\n# EOF\n', 'line 1: the timestamp lies before 1970: -5: "a 1 -5"')
    await f('a{x="1",x="2"} 1 5\n# EOF\n', 'line 1: label name "x" is not unique while parsing: "a{x=\\"1\\",x=\\"2\\"} 1 5"')
    expect(await make('# EOF\n')).toMatchObject({ made: { code: 0, out: '', err: '' } })
    expect(await tsdb('create-blocks-from', 'text', 'x')).toMatchObject({ code: 2, err: expect.stringContaining('tsdb create-blocks-from wants: openmetrics FILE [DATA], or rules FILE … --start=TIME') })
    expect(await tsdb('create-blocks-from', 'openmetrics', '/no/such', '--label=x')).toMatchObject({ code: 2, err: expect.stringContaining('--label wants NAME=VALUE, got "x"') })
    expect(await tsdb('create-blocks-from', 'openmetrics', '/no/such')).toMatchObject({ code: 1, err: expect.stringMatching(/^cannot read \/no\/such: no such file or directory \(ENOENT\)/) })
  })
})

/** promtool 3.5.3 made test/golden/rule-blocks.txt of this history and these rules; slots hang on the name of the file. */
const RULES = 'test/golden/rule-blocks.yml'
const [START, END] = [NOW / 1000 - 21_600, NOW / 1000 - 3600]

function history(): string {
  const lines: string[] = []
  for (let at = NOW - 8 * 3_600_000; at < NOW; at += 60_000) for (const [host, by] of [['a', 7], ['b', 13]] as const) lines.push(`requests_total{host="${host}"} ${((at / 60_000) % 1000) * by} ${at / 1000}\n`)
  return `${lines.join('')}# EOF\n`
}

describe('monitor tsdb create-blocks-from rules', () => {
  /** A server over the history. */
  async function serveHistory(): Promise<string> {
    const { data } = await make(history())
    const db = open(data)
    const queries = new InlineRunner({}, db)
    onTestFinished(async () => {
      await queries.stop()
      await db.close()
    })
    return (await start(() => ({ queries }))).base
  }

  it('makes of a server\'s answers the samples that promtool makes', async () => {
    const url = await serveHistory()
    const data = `${tempFolder()}/data`
    const made = await tsdb('create-blocks-from', 'rules', RULES, `--url=${url}`, `--start=${START}`, `--end=${END}`, '--eval-interval=15m', `--output-dir=${data}`)
    expect(made).toMatchObject({ code: 0, err: '' })
    expect(made.out).toMatch(/^BLOCK.*\n(?:\d+-\d+-1-0000000[1-4] .*\n){3,4}$/)
    const want = readFileSync('test/golden/rule-blocks.txt', 'utf8').split('\n').filter((line) => line !== '')
    expect(want.length).toBeGreaterThan(100)
    expect(await dump(data)).toEqual(want)
    const again = await tsdb('create-blocks-from', 'rules', RULES, `--url=${url}`, `--start=${START}`, `--end=${END}`, '--eval-interval=15m', `--output-dir=${data}`, '-q')
    expect(again).toEqual({ code: 0, out: '', err: '' })
    expect(await dump(data)).toEqual(want)
  })

  it('says what is wrong, where, and makes nothing', async () => {
    const folder = tempFolder()
    const url = await serveHistory()
    const f = async (rules: string, flags: readonly string[], want: object): Promise<void> => {
      writeFileSync(`${folder}/r.yml`, rules)
      expect(await tsdb('create-blocks-from', 'rules', `${folder}/r.yml`, `--output-dir=${folder}/data`, ...flags)).toMatchObject({ out: '', ...want })
      if (existsSync(`${folder}/data`)) expect(await dump(`${folder}/data`)).toEqual([])
    }
    const group = (rule: string): string => `groups: [{ name: g, rules: [${rule}] }]`
    const times = [`--start=${START}`, `--end=${END}`, `--url=${url}`]
    await f(group('{ record: x, expr: "1" }'), [], { code: 2, err: expect.stringContaining('wants --start=TIME') })
    await f(group('{ record: x, expr: "1" }'), [`--start=${START}`, `--end=${START}`], { code: 2, err: expect.stringContaining('--start is not before --end') })
    await f(group('{ record: x, expr: "1" }'), [`--start=${NOW / 1000}`], { code: 2, err: expect.stringContaining('--end, which is three hours ago unless it is given') })
    await f(group('{ record: x, expr: "1" }'), ['--start=yesterday'], { code: 2, err: expect.stringContaining('--start: cannot parse "yesterday"') })
    await f(group('{ record: x, expr: "sum(" }'), times, { code: 1, err: expect.stringMatching(/r\.yml.*: .*unclosed left parenthesis/s) })
    await f(group('{ alert: x, expr: "1" }'), times, { code: 1, err: `there are no recording rules in ${folder}/r.yml; alerting rules are not evaluated\n` })
    await f(group('{ record: x, expr: "requests_total + on(a) requests_total" }'), times, { code: 1, err: expect.stringMatching(/r\.yml, group g, x: execution: .*; no block was made\n$/) })
    await f(group('{ record: x, expr: "no_such" }'), times, { code: 0, err: 'no rule gave a sample: no block was made\n' })
    await f(group('{ record: x, expr: "1" }'), [...times.slice(0, 2), `--url=http://127.0.0.1:${await freePort()}`], { code: 1, err: expect.stringMatching(/group g, x: nothing listens on .*; no block was made\n$/) })
  })
})
