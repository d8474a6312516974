// Text 0.0.4, as the metrics registry writes it, made into OpenMetrics 1.0 (github.com/prometheus/OpenMetrics).

export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/**
 * A counter's family loses its `_total`, one without it becomes `unknown`; HELP escapes quotes too; `# EOF` ends it.
 * Expects HELP before TYPE and both before the samples, no timestamps.
 */
export function toOpenMetrics(text: string): string {
  const out: string[] = []
  let help: [name: string, text: string] | null = null
  for (const line of text.split('\n')) {
    if (line === '') continue
    if (line.startsWith('# HELP ')) {
      const space = line.indexOf(' ', 7)
      help = space < 0 ? [line.slice(7), ''] : [line.slice(7, space), line.slice(space + 1)]
    } else if (line.startsWith('# TYPE ')) {
      const [name, type] = line.slice(7).split(' ') as [string, string]
      const isTotal = type === 'counter' && name.endsWith('_total')
      const family = isTotal ? name.slice(0, -'_total'.length) : name
      out.push(`# TYPE ${family} ${type === 'untyped' || (type === 'counter' && !isTotal) ? 'unknown' : type}`)
      if (help?.[0] === name) out.push(`# HELP ${family} ${help[1].replaceAll('"', '\\"')}`)
    } else if (!line.startsWith('#')) out.push(line)
  }
  out.push('# EOF', '')
  return out.join('\n')
}
