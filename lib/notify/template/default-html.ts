// `email.default.html`: what a mail shows, in tables and inline styles, which is what mail programs understand.

const CELL = 'padding:12px 20px;font:14px/1.5 system-ui,sans-serif;color:#1c2024;word-break:break-word;overflow-wrap:anywhere'
const SMALL = 'font:13px/1.5 ui-monospace,Menlo,monospace;color:#1c2024'
const BUTTON = 'display:inline-block;padding:8px 16px;border-radius:4px;background:#1f6feb;color:#fff;text-decoration:none'

function alerts(field: 'Firing' | 'Resolved', color: string): string {
  return `{{ if .Alerts.${field} }}
<tr><td style="${CELL};border-left:4px solid ${color}"><strong>[{{ len .Alerts.${field} }}] ${field}</strong></td></tr>
{{ range .Alerts.${field} }}<tr><td style="${CELL};border-left:4px solid ${color};border-top:1px solid #e5e7eb">
<strong>Labels</strong><br>
<span style="${SMALL}">{{ range .Labels.SortedPairs }}{{ .Name }} = {{ .Value }}<br>{{ end }}</span>
{{ if .Annotations }}<strong>Annotations</strong><br>
{{ range .Annotations.SortedPairs }}{{ .Name }} = {{ .Value }}<br>{{ end }}{{ end }}
{{ with .GeneratorURL }}<a href="{{ . }}">Source</a>{{ end }}{{ with .AckURL }}<br><a href="{{ . }}" style="${BUTTON};margin-top:8px">Acknowledge</a>{{ end }}
</td></tr>
{{ end }}{{ with leftOut .Alerts.${field} }}<tr><td style="${CELL};border-left:4px solid ${color};border-top:1px solid #e5e7eb">and {{ . }} more</td></tr>
{{ end }}{{ end }}`
}

/** The definition of the template. */
export function defaultHtmlTemplate(): string {
  return `{{ define "email.default.html" }}<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{ template "__subject" . }}</title>
</head>
<body style="margin:0;background:#f3f4f6">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:16px">
<table role="presentation" width="600" cellpadding="0" cellspacing="0" style="width:100%;max-width:600px;table-layout:fixed;background:#fff;border:1px solid #e5e7eb">
<tr><td style="${CELL};color:#fff;{{ if .Alerts.Firing }}background:#b42318{{ else }}background:#12743b{{ end }}">
<strong>{{ len .Alerts }} alert{{ if gt (len .Alerts) 1 }}s{{ end }}</strong>
{{ range .GroupLabels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }}</td></tr>
<tr><td style="${CELL}"><a href="{{ template "__alertmanagerURL" . }}" style="${BUTTON}">View in {{ template "__alertmanager" . }}</a></td></tr>
${alerts('Firing', '#b42318')}
${alerts('Resolved', '#12743b')}
<tr><td style="${CELL};color:#6b7280;border-top:1px solid #e5e7eb">Sent by <a href="{{ .ExternalURL }}">{{ template "__alertmanager" . }}</a></td></tr>
</table>
</td></tr></table>
</body>
</html>
{{ end }}`
}
