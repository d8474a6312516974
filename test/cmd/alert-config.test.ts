import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { loadAlertConfig } from '../../cmd/alert-config.ts'
import { loadConfig } from '../../lib/config/load.ts'
import { tempFolder } from '../support/temp-folder.ts'

it('warns of settings whose template is none, and of files of templates that are not there, before a message fails by it', () => {
  const folder = tempFolder()
  fs.writeFileSync(path.join(folder, 'own.tmpl'), '{{ define "own" }}x{{ end }}')
  fs.writeFileSync(path.join(folder, 'alertmanager.yml'), `
route: {receiver: team}
templates: [own.tmpl, 'none-*.tmpl', gone.tmpl]
receivers:
- name: team
  slack_configs: [{api_url: "http://x", title: '{{ template "own" . }}', text: '{{ .Status', fields: [{title: a, value: '{{ nothing }}'}]}]
`)
  const { alerting } = loadConfig('alerting: {config_file: alertmanager.yml}', path.join(folder, 'monitor.yml'), { strict: true }).config
  expect(loadAlertConfig(alerting, true).warnings).toEqual([
    `templates: there is no ${path.join(folder, 'gone.tmpl')}; no templates are read from it`,
    'receiver "team": slack: fields text: no message can be made: template: :1: unclosed action',
    'receiver "team": slack: attachmentFields 0 value: no message can be made: template: :1: function "nothing" not defined',
  ])
})
