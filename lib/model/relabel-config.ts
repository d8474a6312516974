// relabel_configs and metric_relabel_configs entries, checked and with defaults filled in by lib/config.

export type RelabelAction =
  | 'replace' | 'lowercase' | 'uppercase' | 'keep' | 'drop' | 'keepequal' | 'dropequal'
  | 'hashmod' | 'labelmap' | 'labeldrop' | 'labelkeep'

export interface RelabelConfig {
  sourceLabels: readonly string[]
  separator: string
  /** RE2 source, unanchored as written; applied as `^(?s:…)$`. */
  regex: string
  modulus: number
  targetLabel: string
  replacement: string
  action: RelabelAction
}
