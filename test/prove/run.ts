// `npm run prove`: the large counts of which the suite runs a slice. Prints what each proof saw; exits 1 on any loss.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { freshSeed } from '../../lib/std/random.ts'
import { runKills } from './kills.ts'
import { runQueries } from './queries.ts'

/** Some two minutes of them. */
const QUERIES = 200_000

const seed = freshSeed()
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-prove-'))
try {
  console.log(`kill -9, seed ${seed}`)
  const report = await runKills({ folder, kills: 20, seed, print: (line) => console.log(`  ${line}`) })
  console.log(`${report.kills} kills, ${report.acknowledged} samples acknowledged, ${report.scrapesSeen} scrapes shown, ${report.lost.length} lost`)
  for (const line of report.lost.slice(0, 20)) console.log(`  LOST ${line}`)
  if (report.lost.length > 0) process.exitCode = 1
} finally {
  fs.rmSync(folder, { recursive: true, force: true })
}

console.log(`mutated queries, seed ${seed}`)
const queries = await runQueries({ count: QUERIES, seed, print: (line) => console.log(`  ${line}`) })
const answers = [...queries.statuses].toSorted(([a], [b]) => a - b).map(([status, n]) => `${n} × ${status}`).join(', ')
console.log(`${queries.queries} queries (${answers}), slowest ${Math.round(queries.slowestMs)} ms, ${queries.losses.length} answered wrongly`)
for (const { query, why } of queries.losses.slice(0, 20)) console.log(`  ${JSON.stringify(query)}: ${why}`)
if (queries.losses.length > 0) process.exitCode = 1
