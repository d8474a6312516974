// Receivers of bad-receivers.ts in a process of their own: what they do must not hold up who measures. Started with fork; says what
// there is, then answers each message with what has come.
import { BadReceivers, type BadReceiver } from './bad-receivers.ts'

/** By fault: messages by alert. */
export type CameTo = Readonly<Record<string, Readonly<Record<string, number>>>>

export type FromBadReceivers = { kind: 'receivers'; receivers: [string, BadReceiver][] } | { kind: 'came'; came: CameTo }

const bad = new BadReceivers()
const receivers = await bad.start()
const say = (message: FromBadReceivers): void => void process.send!(message)
process.on('message', () => say({ kind: 'came', came: Object.fromEntries(Array.from(receivers.keys(), (fault) => [fault, Object.fromEntries(bad.cameTo(fault))])) }))
process.on('disconnect', () => process.exit(0))
say({ kind: 'receivers', receivers: [...receivers] })
