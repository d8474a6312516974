// `npm run bench [NAME…]`: runs benchmarks of this folder one after the other; all of them without a name.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'

const folder = import.meta.dirname
const known = fs.readdirSync(folder).filter((name) => name.endsWith('.bench.ts')).map((name) => name.slice(0, -'.bench.ts'.length)).toSorted()
const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are ${known.join(', ')}`)
  process.exit(2)
}
for (const name of asked.length > 0 ? asked : known) {
  console.log(`\n== ${name}`)
  const { status } = spawnSync(process.execPath, [`${folder}/${name}.bench.ts`], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
