// `npm run prove`: the large counts of which the suite runs a slice. Prints what each proof saw; exits 1 on any loss.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { freshSeed } from '../../lib/std/random.ts'
import { runKills } from './kills.ts'

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
