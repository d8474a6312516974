// Rules made by API: opened over the metadata store, their file beside the data.
import path from 'node:path'
import { engineFeatures } from '../lang/parse/features.ts'
import type { Config } from '../lib/config/scrape-config.ts'
import type { MetaStore } from '../lib/meta/interface.ts'
import { ApiRules } from '../lib/rules/json-rule/api-rules.ts'
import { ruleChecks } from '../lib/rules/rule-checks.ts'
import type { Clock } from '../lib/std/clock.ts'
import { makeFolder } from '../lib/std/fs.ts'
import type { Logger } from '../lib/std/log.ts'
import { freshUuid } from '../lib/std/random.ts'
import type { Flags } from './flags.ts'
import type { NotifyRunner } from './notify-runner.ts'

export function openAlertRules(flags: Flags, config: Config, { meta, notify, clock, logger }: { meta: MetaStore; notify: NotifyRunner; clock: Clock; logger: Logger }): Promise<ApiRules> {
  const folder = path.join(path.resolve(flags.dataFolder), 'rules')
  makeFolder(folder)
  const checks = ruleChecks(engineFeatures([...flags.features, ...config.features]))
  return ApiRules.open({ meta, file: path.join(folder, 'api.yml'), checks, clock, logger, newId: freshUuid, notifyWarnings: (targets) => notify.notifyWarnings(targets) })
}
