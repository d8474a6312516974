// `alerting` of the configuration: the Alertmanagers that alerts are sent to, and what becomes of them here. Source: prometheus
// config/config.go.
import { readInlinePipeline } from './alertmanager-file.ts'
import { readDnsSdConfigs, readFileSdConfigs, readHttpSdConfigs, readStaticConfigs, refuseOtherKinds } from './discovery-section.ts'
import { readHttpClient } from './http-client.ts'
import { readLifecycle } from './lifecycle-section.ts'
import type { MapReader } from './reader.ts'
import { readRelabelConfigs } from './relabel-section.ts'
import type { AlertingConfig, AlertmanagerConfig } from './scrape-config.ts'

const TIMEOUT_MS = 10_000

export function readAlerting(reader: MapReader, folder: string): AlertingConfig {
  const config = {
    alertRelabelConfigs: readRelabelConfigs(reader, 'alert_relabel_configs', 'utf8'),
    alertmanagers: reader.maps('alertmanagers').map((section) => readAlertmanager(section, folder)),
    lifecycle: readLifecycle(reader),
    ...readInlinePipeline(reader, folder),
  }
  reader.finish()
  return config
}

function readAlertmanager(reader: MapReader, folder: string): AlertmanagerConfig {
  reader.oneOf('api_version', ['v2'], 'v2')
  const config: AlertmanagerConfig = {
    scheme: reader.oneOf('scheme', ['http', 'https'], 'http'),
    pathPrefix: reader.text('path_prefix', ''),
    timeoutMs: reader.durationMs('timeout', TIMEOUT_MS) || TIMEOUT_MS,
    http: readHttpClient(reader, folder),
    staticConfigs: readStaticConfigs(reader, true),
    fileSdConfigs: readFileSdConfigs(reader, folder),
    httpSdConfigs: readHttpSdConfigs(reader, folder),
    dnsSdConfigs: readDnsSdConfigs(reader),
    relabelConfigs: readRelabelConfigs(reader, 'relabel_configs', 'utf8'),
    alertRelabelConfigs: readRelabelConfigs(reader, 'alert_relabel_configs', 'utf8'),
  }
  refuseOtherKinds(reader)
  reader.finish()
  return config
}
