// What of a data folder `monitor tsdb verify` looks at beside samples: rules made by API, and files that are none of Monitor's.
import path from 'node:path'
import { ENGINE_FEATURE_NAMES, engineFeatures } from '../../lang/parse/features.ts'
import { ConfigError } from '../../lib/config/load.ts'
import { loadRuleFile } from '../../lib/config/rule-file.ts'
import { verifyMeta, type MetaFinding } from '../../lib/meta/meta-verify.ts'
import { ruleChecks } from '../../lib/rules/rule-checks.ts'
import { listTree, readTextIfThere } from '../../lib/std/fs.ts'

const RULES = 'rules/api.yml'

/** As repairFolder reports. Throws DiskError. */
export function verifyRest(folder: string, report: (finding: MetaFinding) => void, sound: (place: string) => void): void {
  verifyMeta(folder, report, sound)
  const text = readTextIfThere(path.join(folder, RULES))
  if (text === null) return
  try {
    // Which features the server has is not known here.
    loadRuleFile(text, RULES, { checks: ruleChecks(engineFeatures(ENGINE_FEATURE_NAMES.keys())) })
    sound(RULES)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    report({ place: RULES, damage: error.message, cost: 'nothing: meta/monitor.db has the rules', remedy: 'left as it is: a start writes it anew of them' })
  }
}

/** storage/FORMAT.md has them all; `.new` is what a kill left of one that was to be replaced. */
const KNOWN: readonly RegExp[] = [
  /^(?:format|files|metadata)\.json$/, /^lock(?:\.stale\..*)?$/, /^series\/(?:definitions|id)$/, /^log\/\d{20}\.log$/, /^head\/\d{8}\.seg$/,
  /^(?:blocks|tiers\/1m)\/(?:change\.json|staged\/.*)$/, /^(?:blocks|tiers\/1m)\/\d{13,16}-\d{13,16}-\d{1,5}-\d{8,10}\/(?:meta\.json|index|chunks|tombstones)$/,
  /^(?:exemplars|inbox)\/\d{8}\.frames$/, /^archive\/(?:archive|archive-copy|stored)\.json$/, /^archive\/1h-[-\d]+\.parquet(?:\.index|\.sketches)?$/,
  /^meta\/(?:monitor\.db(?:-wal|-shm)?|told\.log|carried-\d+-\d*(?:\.old)?\.log|quarantine\/.*)$/, /^rules\/api\.yml$/, /^(?:quarantine|snapshots)\//,
]

/** Files of a data folder that nothing here writes. Throws DiskError. */
export function unknownFiles(folder: string): string[] {
  return listTree(folder).filter((file) => !KNOWN.some((name) => name.test(file.replace(/\.new$/, ''))))
}
