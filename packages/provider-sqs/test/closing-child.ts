import { sqsProvider } from '@queue-runtime/provider-sqs'

// Closes its queue in the middle of a long poll of 20 s, and has nothing more to do.
const [, , endpoint = '', queue = ''] = process.argv
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
const transport = sqsProvider({ region: 'us-east-1', endpoint, credentials }).open(queue)
const receiving = transport.receive({ maxMessages: 1, waitMs: 20_000, signal: new AbortController().signal })
await new Promise((resolve) => setTimeout(resolve, 500))
await transport.close()
await receiving
process.stdout.write('closed\n')
