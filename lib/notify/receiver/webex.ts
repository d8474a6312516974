// Webex: a message to a room (developer.webex.com/docs/api/v1/messages/create-a-message).
import type { WebexConfig } from '../../config/receivers/webex.ts'
import type { Receiver } from '../receiver.ts'
import type { ReceiverGround } from './ground.ts'
import { httpReceiver, type Delivery } from './http-receiver.ts'
import { truncateBytes } from './truncate.ts'

const MESSAGE_BYTES_MAX = 7439

export function webexReceiver(config: WebexConfig, ground: ReceiverGround): Receiver {
  const deliver = async ({ expander, sender, signal, receipt }: Delivery): Promise<void> => {
    const { message, room_id } = expander.fields(config.fields)
    await sender.json(config.url, { markdown: truncateBytes(message, MESSAGE_BYTES_MAX), roomId: room_id }, signal, { receipt })
  }
  return httpReceiver(config, ground, deliver)
}
