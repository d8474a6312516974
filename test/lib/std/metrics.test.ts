import { expect, it } from 'vitest'
import { Metrics } from '../../../lib/std/metrics.ts'

it('names metrics of the process by their types, as promtool\'s lints want it', async () => {
  const text = await new Metrics().withProcessMetrics().registry.metrics()
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({ name: name!, type: type! }))
  expect(types.length).toBeGreaterThan(20)
  expect(types.filter(({ name, type }) => name.endsWith('_total') !== (type === 'counter')).map(({ name }) => name)).toEqual([])
  expect(text).toContain('nodejs_active_resources{')
})

it('does not watch the event loop a hundred times a second for what monitor_event_loop_stall_seconds tells', async () => {
  const text = await new Metrics().withProcessMetrics().registry.metrics()
  expect(text.match(/^nodejs_eventloop_lag\w*/gm)).toEqual(['nodejs_eventloop_lag_seconds'])
})
