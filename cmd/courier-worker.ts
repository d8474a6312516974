// Entry file of the process that takes messages to receivers.
import { serveCourier } from '../lib/notify/courier/serve.ts'

serveCourier(process.argv[2]!, process.argv[3] ?? '')
