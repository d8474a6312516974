// Tests the house itself: who may import whom, how long things may grow, what must not be written. Types and length of functions are
// looked at by `npm run lint`, which CI runs beside the tests.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '..')
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' }).trim().split('\n')
const sources = files.filter((file) => /\.tsx?$/.test(file))
const product = sources.filter((file) => !file.startsWith('test/'))

/** Rooms by rank (ARCHITECTURE.md); a file imports only rooms of lower rank or its own. */
const RANKS: readonly (readonly [string, number])[] = [
  ['lib/std', 0], ['lib/model', 1], ['lib/kernels', 1], ['lib/config', 2], ['lib/format', 2], ['lib/template', 2],
  ['discovery', 3], ['storage', 3], ['lib/meta', 3], ['lang', 4],
  ['lib/scrape', 5], ['lib/ingest', 5], ['lib/rules', 5], ['lib/notify', 5],
  ['web', 6], ['cmd', 7], ['test', 8],
]
/** The one door of each package that must not spread. */
const DOORS: Readonly<Record<string, string>> = {
  undici: 'lib/std/http', bcryptjs: 'cmd/password-', nodemailer: 'lib/std/smtp|cmd/deadman/', snappy: 'test/', yaml: 'lib/config/', chevrotain: 'lang/parse/', fastify: 'web/',
  'prom-client': 'lib/std/metrics', re2js: 'lib/std/regex', 'node:sqlite': 'lib/meta/',
}
/** Text, why not, and where it is right. */
const BANNED: readonly (readonly [RegExp, string, RegExp])[] = [
  [/\bas any\b|as unknown as/, 'a type lie: check, then narrow', /^$/],
  [/\bDate\.now\(|performance\.now\(/, 'take a Clock (lib/std/clock)', /^(lib\/std\/|web\/ui\/|web\/build|cmd\/deadman\/|test\/)/],
  [/\bMath\.random\(/, 'take a Random (lib/std/random)', /^(lib\/std\/|web\/ui\/|test\/)/],
  [/\b(setTimeout|setInterval)\(/, 'take a Clock (lib/std/clock)', /^(lib\/std\/|web\/ui\/|test\/)/],
  [/\bnew RegExp\(/, 'user text must not reach RegExp: lib/std/regex', /^(lib\/std\/regex|test\/)/],
  [/from 'fast-check'/, 'take fc from test/support/property: it has the seed of the run', /^test\/support\/property\.ts$/],
  [/\bfreshSeed\b/, 'tests take testSeed (test/support/seed): an outcome can be had again', /^(?!test\/)|^test\/(prove|bench)\/|^test\/tidy/],
  [/\bFIXME\b|\bXXX\b/, 'mend it or open an issue', /^$/],
  [/\binnerHTML\b|dangerouslySetInnerHTML/, 'labels are hostile text: use text nodes', /^$/],
]

const room = (file: string): readonly [string, number] | undefined => RANKS.find(([name]) => file.startsWith(`${name}/`))
const importsOf = (text: string): string[] => [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map((m) => m[1]!)

describe('the house', () => {
  it('has a room for each file, and files for each room', () => {
    expect(sources.filter((file) => room(file) === undefined)).toEqual([])
    expect(RANKS.map(([name]) => name).filter((name) => !sources.some((file) => file.startsWith(`${name}/`)))).toEqual([])
  })

  it('imports only rooms of lower rank', () => {
    const wrong: string[] = []
    for (const file of sources) {
      const own = room(file)
      if (!own) continue
      for (const spec of importsOf(readFileSync(path.join(root, file), 'utf8'))) {
        if (!spec.startsWith('.')) continue
        const other = room(path.posix.join(path.posix.dirname(file), spec))
        if (other && other[0] !== own[0] && other[1] >= own[1]) wrong.push(`${file} imports ${spec}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('has no circle of imports', () => {
    const imports = new Map(product.map((file) => [file, importsOf(readFileSync(path.join(root, file), 'utf8')).map((spec) => path.posix.join(path.posix.dirname(file), spec))]))
    const isDone = new Map<string, boolean>()
    const circles: string[] = []
    const visit = (file: string, trail: readonly string[]): void => {
      if (isDone.get(file) === false) circles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '))
      if (isDone.has(file)) return
      isDone.set(file, false)
      for (const next of imports.get(file) ?? []) visit(next, [...trail, file])
      isDone.set(file, true)
    }
    for (const file of product) visit(file, [])
    expect(circles).toEqual([])
  })

  it('lets each package in through one door', () => {
    const wrong: string[] = []
    for (const file of product) {
      for (const spec of importsOf(readFileSync(path.join(root, file), 'utf8'))) {
        const door = DOORS[spec.startsWith('@') ? spec.split('/').slice(0, 2).join('/') : spec.split('/')[0]!]
        if (door !== undefined && !door.split('|').some((one) => file.startsWith(one))) wrong.push(`${file} imports ${spec}; its door is ${door}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('exports no value that its file alone uses', () => {
    const texts = sources.filter((file) => !file.startsWith('lib/kernels/assembly/')).map((file) => [file, readFileSync(path.join(root, file), 'utf8')] as const)
    const users = new Map<string, number>()
    for (const [, text] of texts) for (const word of new Set(text.match(/[\w$]+/g))) users.set(word, (users.get(word) ?? 0) + 1)
    // A file may also be imported by text that it runs itself.
    const isAlone = (text: string, name: string): boolean => users.get(name) === 1 && !text.includes(`import { ${name} }`)
    const found = texts.flatMap(([file, text]) => Array.from(text.matchAll(/^export (?:async |abstract )*(?:function\*?|const|class|let) ([\w$]+)/gm), (m) => m[1]!)
      .filter((name) => isAlone(text, name)).map((name) => `${file}: ${name}`))
    expect(found).toEqual([])
  })

  it('keeps the dead man\'s switch small, and off every other module', () => {
    const texts = product.filter((file) => file.startsWith('cmd/deadman/')).map((file) => readFileSync(path.join(root, file), 'utf8'))
    expect(texts.reduce((sum, text) => sum + text.trimEnd().split('\n').length, 0)).toBeLessThanOrEqual(350)
    expect(texts.flatMap(importsOf).filter((spec) => !/^node:|^\.\/[a-z]+\.ts$/.test(spec))).toEqual(['nodemailer'])
    for (const file of ['cmd/monitor.ts', 'cmd/run.ts']) expect([...readFileSync(path.join(root, file), 'utf8').matchAll(/^import .* from '(\..*)'/gm)].map(([, spec]) => spec), file).toEqual([])
  })

  it('keeps files under 400 lines', () => {
    const long = sources.filter((file) => readFileSync(path.join(root, file), 'utf8').split('\n').length > 401)
    expect(long).toEqual([])
  })

  it('writes nothing that is banned', () => {
    const found: string[] = []
    for (const file of sources) {
      if (file === 'test/tidy.test.ts') continue
      readFileSync(path.join(root, file), 'utf8').split('\n').forEach((line, i) => {
        for (const [pattern, why, allowed] of BANNED) if (pattern.test(line) && !allowed.test(file)) found.push(`${file}:${i + 1}: ${why}`)
      })
    }
    expect(found).toEqual([])
  })

  it('keeps blobs over 100 KiB out, but for golden data and the lockfile', () => {
    const big = files.filter((file) => !file.startsWith('test/golden/') && file !== 'package-lock.json' && readFileSync(path.join(root, file)).length > 102_400)
    expect(big.filter((file) => !/^docs\/.*\.png$/.test(file))).toEqual([])
  })
})
