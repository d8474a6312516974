// How long a breach takes to a mail, over the real process and a real mail server; `npm run bench pages` has the large counts.
import { expect, it, onTestFinished } from 'vitest'
import { BreachWorld } from '../support/breach-world.ts'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'

it('has a mail accepted within 5 s of the scrape that shows the breach, where all is looked at every second', async () => {
  const world = new BreachWorld({ incidents: 20, targets: 5 })
  await world.start()
  onTestFinished(() => world.stop())
  const config = `global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}${world.config('', ', group_wait: 0s')}rules: [{name: breach, rules: [{alert: Breach, expr: incident == 1}]}]`
  const monitor = await MonitorProcess.start(tempFolder(), { config })
  onTestFinished(() => monitor.kill9())
  // One breach of each target at a time: they are seen at other moments of the second.
  for (let i = 0; i < world.incidents.length; i++) {
    world.breach(i)
    if (i % 5 === 4) await waitFor('the scrape', () => Promise.resolve(world.incidents[i]!.shownMs !== null))
  }
  await waitFor('all mails', () => Promise.resolve(world.allMailed))
  expect(Math.max(...world.delaysMs())).toBeLessThan(5000)
  expect(world.incidents.map(({ mailedMs }) => mailedMs.length)).toEqual(world.incidents.map(() => 1))
}, 120_000)
