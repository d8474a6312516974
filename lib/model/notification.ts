// What a receiver is told: a group of alerts after routing, grouping, inhibition, silences and the rest. The fields are
// those of Alertmanager's template data and webhook body (alertmanager template/template.go, Data).

export interface NotifiedAlert {
  status: 'firing' | 'resolved'
  labels: ReadonlyMap<string, string>
  annotations: ReadonlyMap<string, string>
  /** Unix ms. */
  startsAtMs: number
  /** Unix ms, 0 while it fires. */
  endsAtMs: number
  generatorUrl: string
  /** 16 hex digits of the label set. */
  fingerprint: string
  /** Signed address of the page that acknowledges it without login; '' where there is none. */
  ackUrl: string
}

export interface Notification {
  /** Name of the receiver in the configuration. */
  receiver: string
  /** Same for all notifications of a route's group. */
  groupKey: string
  /** `firing` where one alert fires. */
  status: 'firing' | 'resolved'
  /** Firing ones first as they are given; never empty. */
  alerts: readonly NotifiedAlert[]
  /** Why it is told now, in Alertmanager's words: `first notification`, `new alerts added`, … */
  reason: string
  groupLabels: ReadonlyMap<string, string>
  commonLabels: ReadonlyMap<string, string>
  commonAnnotations: ReadonlyMap<string, string>
  /** Of the route; values are templates. */
  routeLabels: ReadonlyMap<string, string>
  /** Where Monitor is reached, without a slash at its end. */
  externalUrl: string
  /** When the group was flushed, Unix ms: the time of the message. */
  timeMs: number
  /** That of the last message about the group that the receiver is known to have; 0: none. */
  previousMs: number
  /** What the receiver asked to be remembered with its last message of the group, if that goes on; '' for nothing. */
  memory: string
}
