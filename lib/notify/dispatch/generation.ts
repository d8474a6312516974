// What one configuration makes of the pipeline: routes, inhibition, integrations and the dispatcher over them.
import type { PipelineConfig } from '../../config/alertmanager-config.ts'
import { integrationTarget } from '../../config/integration-target.ts'
import type { IntegrationConfig, ReceiverConfig } from '../../config/receiver-config.ts'
import type { Receiver } from '../receiver.ts'
import { Dispatcher, type DispatcherGround } from './dispatcher.ts'
import { Fallback } from './fallback.ts'
import { Farewells } from './farewells.ts'
import { Inhibitor } from './inhibitor.ts'
import { Integration, type IntegrationGround } from './integration.ts'
import { Route } from './route.ts'

/** Makes what an integration's section asks for. */
export type ReceiverMaker = (config: IntegrationConfig) => Receiver

/** What outlives a configuration. */
export interface GenerationGround extends IntegrationGround, Pick<DispatcherGround, 'silences' | 'escalations' | 'heedClock' | 'externalUrl'> {
  metrics: DispatcherGround['metrics']
  /** Integrations of which it was said that they are gone. */
  gone: Set<string>
}

export interface Generation {
  config: PipelineConfig
  root: Route
  inhibitor: Inhibitor
  /** By receiver. */
  integrations: ReadonlyMap<string, readonly Integration[]>
  farewells: Farewells
  dispatcher: Dispatcher
}

export function makeGeneration(config: PipelineConfig, makeReceiver: ReceiverMaker, ground: GenerationGround): Generation {
  const { log, logger, gone, metrics } = ground
  const integrations = new Map(config.receivers.map((receiver) => [receiver.name, integrationsOf(receiver, makeReceiver, ground)]))
  const all = [...integrations].flatMap(([receiver, own]) => own.map(({ name, receiver: { kind } }) => ({ name, receiver, kind })))
  metrics.deliveries.configured(all)
  log.owed.onlyBy(new Set(all.map(({ name }) => name)))
  const root = new Route(config.route, null)
  const inhibitor = new Inhibitor(config.inhibitRules)
  const fallback = config.fallback && new Fallback(config.fallback, integrations, log)
  const farewells = new Farewells({ root, integrations, fallback, log, logger, gone })
  const dispatcher = new Dispatcher({ ...ground, root, inhibitor, integrations, fallback, farewells, timeIntervals: config.timeIntervals })
  return { config, root, inhibitor, integrations, farewells, dispatcher }
}

function integrationsOf({ name, integrations, places }: ReceiverConfig, makeReceiver: ReceiverMaker, ground: IntegrationGround): Integration[] {
  const counts = new Map<string, number>()
  const targets = new Map<string, number>()
  return integrations.map((section, i) => {
    const receiver = makeReceiver(section)
    const { kind } = receiver
    const count = counts.get(kind) ?? 0
    counts.set(kind, count + 1)
    const { index, isFormer } = places?.[i] ?? { index: count, isFormer: false }
    // Twice in one receiver, as for another way to the same people, they are two.
    const digest = integrationTarget(section)
    const nth = targets.get(digest) ?? 0
    targets.set(digest, nth + 1)
    const target = nth === 0 ? digest : `${digest}#${nth}`
    return new Integration({ name: `${name}/${kind}/${index}`, target, isFormer }, receiver, ground)
  })
}
