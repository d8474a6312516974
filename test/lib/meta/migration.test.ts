// Files of earlier versions, each written by the Monitor of its time, become ones of this.
import fs from 'node:fs'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { tempFolder } from '../../support/temp-folder.ts'
import { openStore } from './open-store.ts'
import { ALL, alertRecord, RULE, SILENCE, T0 } from './store-conformance.ts'

it('a file of version 1 is read, and is one of this version from then on', async () => {
  const folder = tempFolder()
  fs.copyFileSync(path.join(import.meta.dirname, '../../golden/meta-version-1.db'), `${folder}/monitor.db`)
  const warnings: string[] = []
  const open = (): ReturnType<typeof openStore> => openStore(folder, { warnings })
  for (let start = 0; start < 2; start++) {
    const store = open()
    expect(await store.silences()).toEqual([SILENCE])
    expect(await store.rules()).toEqual([RULE])
    expect(await store.value('ack-key')).toBe('k')
    expect(await store.ruleTargets()).toEqual([{ ruleId: RULE.id, target: 'email:a@b.c', place: 0, isFormer: false, isDeleted: false }])
    expect(await store.notificationEntries()).toEqual([{ groupKey: '{}:{a="b"}', receiver: 'team/email/0', timeMs: T0, firing: ['f1'], resolved: ['f2'], withheld: [], memory: '', target: '', expiresAtMs: T0 + 100 }])
    expect(await store.alerts(ALL)).toEqual([
      alertRecord(3, { status: 'resolved', resolvedAtMs: T0 + 50 }), alertRecord(2, { status: 'acknowledged', acknowledgedAtMs: T0 + 9, acknowledgedBy: 'ana', escalationStep: 1 }), alertRecord(1),
    ])
    expect(await store.events(alertRecord(1).id)).toEqual([{ alertId: alertRecord(1).id, timeMs: T0, kind: 'firing', detail: '' }])
    await store.close()
  }
  const store = open()
  onTestFinished(() => store.close())
  await store.putAlerts([alertRecord(9)], [])
  expect((await store.alerts({ ...ALL, limit: 1 }))[0]).toEqual(alertRecord(9))
  expect(warnings).toEqual([])
})
