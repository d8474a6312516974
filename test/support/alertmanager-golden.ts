// What Alertmanager made of test/golden/alertmanager-cases.ts.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { AlertmanagerCase } from '../golden/alertmanager-cases.ts'

export interface AlertmanagerAnswer {
  error?: string
  matchers?: { name: string; value: string; isRegex: boolean; isEqual: boolean }[]
  text?: string
  fingerprint?: string
  /** For each of the case's times. */
  contains?: boolean[]
  /** For each of the case's sets, its routes: id, receiver, key of the group, times. */
  routes?: [id: string, receiver: string, groupKey: string, times: string][][]
  /** Of the sets in a message. */
  order?: number[]
  /** Start and end. */
  merged?: [number, number]
}

export function readAlertmanagerGolden(): [AlertmanagerCase, AlertmanagerAnswer][] {
  return JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../golden/alertmanager.json'), 'utf8')) as [AlertmanagerCase, AlertmanagerAnswer][]
}
