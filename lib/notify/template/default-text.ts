// The templates that are there without any file, under Alertmanager's names, because users' own templates call and replace
// them. Each gives what Alertmanager's gives (test/golden/notify: recorded from amtool), but for the name of the program,
// the place of its page, and a link to acknowledge where an alert has one.

/** `{{ define NAME }}TEXT{{ end }}` */
const define = (name: string, text: string): string => `{{ define ${JSON.stringify(name)} }}${text}{{ end }}`
const MORE = '{{ with leftOut . }}and {{ . }} more\n{{ end }}'
const call = (name: string, data = '.'): string => `{{ template ${JSON.stringify(name)} ${data} }}`

const BASE: readonly (readonly [string, string])[] = [
  ['__alertmanager', 'Monitor'],
  ['__alertmanagerURL', '{{ .ExternalURL }}/alerts?receiver={{ urlquery .Receiver }}'],
  ['__subject', '[{{ toUpper .Status }}{{ if eq .Status "firing" }}:{{ len .Alerts.Firing }}{{ end }}] '
    + '{{ join " " .GroupLabels.SortedPairs.Values }} '
    + '{{ if lt (len .GroupLabels) (len .CommonLabels) }}({{ with .CommonLabels.Remove .GroupLabels.Names }}{{ join " " .Values }}{{ end }}){{ end }}'],
  ['__description', ''],
  ['__text_alert_list', `{{ range . }}Labels:\n${pairsOf('Labels', ' ')}Annotations:\n${pairsOf('Annotations', ' ')}Source: {{ .GeneratorURL }}\n${ackLine()}{{ end }}${MORE}`],
  ['__text_alert_list_markdown', `{{ range . }}\nLabels:\n${pairsOf('Labels', '  ')}\nAnnotations:\n${pairsOf('Annotations', '  ')}\nSource: {{ .GeneratorURL }}\n${ackLine()}{{ end }}\n${MORE}`],
]

function pairsOf(field: string, indent: string): string {
  return `{{ range .${field}.SortedPairs }}${indent}- {{ .Name }} = {{ .Value }}\n{{ end }}`
}

function ackLine(): string {
  return '{{ with .AckURL }}Acknowledge: {{ . }}\n{{ end }}'
}

/** Both lists, each only where it has alerts. `isTight`: without blank lines around. */
function lists(list: string, { heading = '', isTight = false } = {}): string {
  const [open, close] = isTight ? [' -', '- '] : [' ', ' ']
  const part = (field: string): string =>
    `{{ if .Alerts.${field}${open}}}\n${heading}Alerts ${field}:\n${call(list, `.Alerts.${field}`)}\n{{${close}end }}`
  return `${part('Firing')}\n${part('Resolved')}\n`
}

const ANNOTATIONS = '{{ join " " .CommonAnnotations.SortedPairs.Values }}\n'
const TEXT = `${ANNOTATIONS}${lists('__text_alert_list')}`
const TIGHT = `${ANNOTATIONS}${lists('__text_alert_list', { isTight: true })}`
const MARKDOWN = `\n${lists('__text_alert_list_markdown', { heading: '# ' })}`
const COLOR = '{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}'
const SUBJECT = call('__subject')
const NAME = call('__alertmanager')
const PAGE = call('__alertmanagerURL')

const KINDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  slack: {
    title: SUBJECT, username: NAME, fallback: `${call('slack.default.title')} | ${call('slack.default.titlelink')}`, callbackid: '', pretext: '',
    titlelink: PAGE, iconemoji: '', iconurl: '', text: '', footer: '', color: COLOR,
  },
  pagerduty: { description: SUBJECT, client: NAME, clientURL: PAGE, instances: call('__text_alert_list') },
  opsgenie: { message: SUBJECT, description: trimmed(TIGHT), source: PAGE },
  wechat: {
    message: `${SUBJECT}\n${TIGHT}AlertmanagerUrl:\n${PAGE}`, to_user: '', to_party: '', to_tag: '', agent_id: '',
  },
  victorops: { state_message: trimmed(TIGHT), entity_display_name: SUBJECT, monitoring_tool: NAME },
  pushover: { title: SUBJECT, message: TEXT, url: PAGE },
  sns: { subject: SUBJECT, message: TEXT },
  telegram: { message: `\n${lists('__text_alert_list')}` },
  discord: { content: '', title: SUBJECT, message: `\n${lists('__text_alert_list')}` },
  webex: { message: TEXT },
  msteams: { summary: SUBJECT, title: SUBJECT, text: MARKDOWN },
  msteamsv2: { title: SUBJECT, text: MARKDOWN },
  jira: { summary: SUBJECT, description: MARKDOWN, priority: jiraPriority() },
  rocketchat: { title: SUBJECT, alias: NAME, titlelink: PAGE, emoji: '', iconurl: '', text: '' },
  mattermost: {
    color: COLOR, username: NAME, title: SUBJECT, titlelink: PAGE,
    fallback: `${call('mattermost.default.title')} | ${call('mattermost.default.titlelink')}`, text: MARKDOWN,
  },
  email: { subject: SUBJECT, text: `${SUBJECT}\n\n${TEXT}\n${PAGE}\n` },
  // Monitor's own.
  sms: { message: `${SUBJECT}{{ with .CommonAnnotations.summary }}: {{ . }}{{ end }}` },
  webpush: { title: SUBJECT, message: ANNOTATIONS },
}

/** The end of the text goes with its last line break. */
function trimmed(text: string): string {
  return text.replace(/\n$/, '')
}

/** The highest priority that a severity of the firing alerts, else of the resolved ones, stands for. */
function jiraPriority(): string {
  const pass = (field: string): string => `{{- range .Alerts.${field} -}}`
    + '{{- if eq .Labels.severity "critical" }}{{ $found = "High" -}}'
    + '{{- else if and (eq .Labels.severity "warning") (ne $found "High") }}{{ $found = "Medium" -}}'
    + '{{- else if and (eq .Labels.severity "info") (not $found) }}{{ $found = "Low" }}{{ end -}}{{- end -}}'
  return `{{- $found := "" -}}${pass('Firing')}{{- if not $found -}}${pass('Resolved')}{{- end -}}{{- $found -}}`
}

/** All definitions, one text. */
export function defaultTextTemplates(): string {
  const own = Object.entries(KINDS).flatMap(([kind, parts]) => Object.entries(parts).map(([part, text]) => define(`${kind}.default.${part}`, text)))
  return [...BASE.map(([name, text]) => define(name, text)), ...own].join('\n')
}
