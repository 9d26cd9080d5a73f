/** What SQS takes and gives, as far as it is looked at here. */
export interface Message {
  readonly MessageAttributes?:
    | Readonly<Record<string, { readonly DataType: string; readonly StringValue?: string }>>
    | undefined
}

export interface Sent extends Message {
  readonly MessageBody: string
}

/** Asks the local SQS as anybody may who can reach it. */
export async function ask<T>(endpoint: string, action: string, body: object): Promise<T> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${action}` },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${action}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

/** Our message id in the attribute that carries our fields (protocol.md 2); empty where there is none. */
export function idOf({ MessageAttributes }: Message): string {
  const fields: { id?: unknown } = JSON.parse(MessageAttributes?.qr?.StringValue ?? '{}')
  return typeof fields.id === 'string' ? fields.id : ''
}

/** The same message under another id. */
export function withId(message: Sent, id: string): Sent {
  const { qr, ...others } = message.MessageAttributes ?? {}
  const fields = { ...JSON.parse(qr?.StringValue ?? '{}'), id }
  return {
    ...message,
    MessageAttributes: { ...others, qr: { DataType: 'String', StringValue: JSON.stringify(fields) } },
  }
}
