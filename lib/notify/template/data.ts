// What notification templates are executed on (alertmanager template/template.go, Data): a notification as values of Go.
import type { Notification, NotifiedAlert } from '../../model/notification.ts'
import { goTime, ZERO_TIME_NS } from '../../template/go-time.ts'
import { CallError, GoFunction, GoList, GoMap, GoObject, type Methods, type Value } from '../../template/value.ts'

const NAME_LABEL = 'alertname'
const STRINGS = 'template.Strings'

/** Labels in the order that people see: the alert's name first. */
function sortedPairs(labels: ReadonlyMap<string, string>): [string, string][] {
  const name = labels.get(NAME_LABEL)
  const rest = [...labels].filter(([label]) => label !== NAME_LABEL).toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return name === undefined ? rest : [[NAME_LABEL, name], ...rest]
}

const fn = (call: () => Value): GoFunction => new GoFunction([], call)

function strings(items: readonly string[]): GoList {
  return new GoList(items, STRINGS, new Map([['Join', new GoFunction(['string'], (separator) => items.join(separator as string))]]))
}

function pairsText(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value]) => `${name}=${value}`).join(', ')
}

function pairs(items: readonly (readonly [string, string])[]): GoList {
  const objects = items.map(([name, value]) => new GoObject({ typeName: 'template.Pair', fields: new Map([['Name', name], ['Value', value]]) }))
  return new GoList(objects, 'template.Pairs', new Map([
    ['Names', fn(() => strings(items.map(([name]) => name)))], ['Values', fn(() => strings(items.map(([, value]) => value)))],
    ['String', fn(() => pairsText(items))],
  ]))
}

function without(labels: ReadonlyMap<string, string>, names: Value): Value {
  if (!(names instanceof GoList)) throw new CallError('Remove wants a list of names')
  return kv(new Map([...labels].filter(([name]) => !names.items.includes(name))))
}

/** template.KV. */
function kv(labels: ReadonlyMap<string, string>): GoMap {
  const sorted = (): [string, string][] => sortedPairs(labels)
  const methods: Methods = new Map([
    ['SortedPairs', fn(() => pairs(sorted()))],
    ['Remove', new GoFunction(['interface {}'], (names) => without(labels, names))],
    ['Names', fn(() => strings(sorted().map(([name]) => name)))],
    ['Values', fn(() => strings(sorted().map(([, value]) => value)))],
    ['String', fn(() => pairsText(sorted()))],
  ])
  return new GoMap(labels, 'string', 'template.KV', methods)
}

const ALERT_JSON: ReadonlyMap<string, string> = new Map([
  ['Status', 'status'], ['Labels', 'labels'], ['Annotations', 'annotations'], ['StartsAt', 'startsAt'], ['EndsAt', 'endsAt'],
  ['GeneratorURL', 'generatorURL'], ['Fingerprint', 'fingerprint'], ['AckURL', 'ackURL,omitempty'],
])
const DATA_JSON: ReadonlyMap<string, string> = new Map([
  ['Receiver', 'receiver'], ['Status', 'status'], ['Alerts', 'alerts'], ['NotificationReason', 'notification_reason'], ['GroupLabels', 'groupLabels'],
  ['CommonLabels', 'commonLabels'], ['CommonAnnotations', 'commonAnnotations'], ['RouteLabels', 'routeLabels'], ['ExternalURL', 'externalURL'],
])

function time(ms: number): GoObject {
  return goTime(ms === 0 ? ZERO_TIME_NS : BigInt(Math.round(ms * 1000)) * 1000n)
}

function alertValue(alert: NotifiedAlert): GoObject {
  return new GoObject({
    typeName: 'template.Alert', jsonNames: ALERT_JSON,
    fields: new Map<string, Value>([
      ['Status', alert.status], ['Labels', kv(alert.labels)], ['Annotations', kv(alert.annotations)], ['StartsAt', time(alert.startsAtMs)],
      ['EndsAt', time(alert.endsAtMs)], ['GeneratorURL', alert.generatorUrl], ['Fingerprint', alert.fingerprint],
      // Monitor's own.
      ['AckURL', alert.ackUrl],
    ]),
  })
}

/** Go's regexp.QuoteMeta. */
export function quoteMeta(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')
}

type Status = NotifiedAlert['status']

/** So many alerts, those that fire before those that have ended, as they stand. */
function firstAlerts(alerts: readonly NotifiedAlert[], firingCount: number, countMax: number): readonly NotifiedAlert[] {
  if (alerts.length <= countMax) return alerts
  const room = { firing: countMax, resolved: Math.max(0, countMax - firingCount) }
  return alerts.filter(({ status }) => room[status]-- > 0)
}

/**
 * `routeLabels`: the route's labels once their templates are executed. Of more than `alertsMax` alerts templates see as many, the firing ones first;
 * `len` counts all.
 */
export function notificationData(notification: Notification, routeLabels: ReadonlyMap<string, string>, alertsMax: number = Infinity): GoObject {
  const { alerts: all } = notification
  const firingCount = all.reduce((count, { status }) => count + (status === 'firing' ? 1 : 0), 0)
  const counts = { firing: firingCount, resolved: all.length - firingCount }
  const alerts = firstAlerts(all, firingCount, alertsMax).map((alert) => ({ status: alert.status, value: alertValue(alert) }))
  const valuesOf = (some: typeof alerts): Value[] => some.map(({ value }) => value)
  const having = (status: Status): GoFunction => fn(() => new GoList(valuesOf(alerts.filter((alert) => alert.status === status)), '[]template.Alert', undefined, counts[status]))
  const list = new GoList(valuesOf(alerts), 'template.Alerts', new Map([['Firing', having('firing')], ['Resolved', having('resolved')]]), all.length)
  return new GoObject({
    typeName: '*template.Data', jsonNames: DATA_JSON,
    fields: new Map<string, Value>([
      ['Receiver', quoteMeta(notification.receiver)], ['Status', notification.status], ['Alerts', list],
      ['NotificationReason', notification.reason], ['GroupLabels', kv(notification.groupLabels)], ['CommonLabels', kv(notification.commonLabels)],
      ['CommonAnnotations', kv(notification.commonAnnotations)], ['RouteLabels', kv(routeLabels)], ['ExternalURL', notification.externalUrl],
    ]),
  })
}
