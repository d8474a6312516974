// How many alerts are in which state.
import type { Metrics } from '../../std/metrics.ts'

export function registerLifecycleMetrics(metrics: Metrics, { counts, lostLines }: { counts: () => { open: number; acknowledged: number }; lostLines: () => number }): void {
  metrics.gauge('monitor_alerts', 'Alerts that fire, by whether someone has acknowledged them.', ['status'], (gauge) => {
    const { open, acknowledged } = counts()
    gauge.labels('open').set(open)
    gauge.labels('acknowledged').set(acknowledged)
  })
  metrics.total('monitor_alert_history_lost_total', 'Lines of the history of alerts that were lost while the disk refused them.', lostLines)
}
