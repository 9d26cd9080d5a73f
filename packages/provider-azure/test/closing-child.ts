import { azureProvider } from '@queue-runtime/provider-azure'

// Uses its queues, closes them, and has nothing more to do. With a third argument the server goes away before.
const [, , connectionString = '', queue = '', leave] = process.argv
const provider = azureProvider({ connectionString })
const signal = new AbortController().signal
const transport = provider.open(queue)
const receiving = transport.receive({ maxMessages: 1, waitMs: 20_000, signal }).catch(() => [])
await transport.probe?.({ signal })
process.stdout.write('ready\n')
if (leave !== undefined) await new Promise((resolve) => process.stdin.once('data', resolve))
await transport.close()
await receiving
process.stdin.destroy()
process.stdout.write('closed\n')
