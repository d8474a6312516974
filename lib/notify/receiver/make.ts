// The integration that a section of the configuration asks for.
import type { IntegrationConfig } from '../../config/receiver-config.ts'
import type { Receiver } from '../receiver.ts'
import { EmailReceiver } from './email.ts'
import type { ReceiverGround } from './ground.ts'
import { WebhookReceiver } from './webhook.ts'

export function makeReceiver(config: IntegrationConfig, ground: ReceiverGround): Receiver {
  switch (config.kind) {
    case 'email': return new EmailReceiver(config, ground)
    case 'webhook': return new WebhookReceiver(config, ground)
  }
}
