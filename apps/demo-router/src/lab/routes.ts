import type { FastifyInstance, FastifyReply } from 'fastify'
import type { OutageName, QueueMode } from '../dashboard/events.ts'
import { QUEUES, type QueueName } from '../github/routes.ts'
import { LabConflict } from './conflict.ts'
import type { Lab } from './lab.ts'

const OUTAGES: readonly OutageName[] = ['broker', 'keys', 'nonces']
const MODES: readonly QueueMode[] = ['plaintext', 'allow-with-alert', 'reject']

const object = (properties: Readonly<Record<string, object>>) => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties,
})

const oneOf = (values: readonly string[]) => ({ type: 'string', enum: values })
const boolean = { type: 'boolean' } as const
const queueParams = object({ queue: oneOf(QUEUES) })
const nothing = object({})

/** Adds the lab's buttons. Their bodies are JSON, which no form of another site can send without asking first. */
export function serveLab(app: FastifyInstance, labOf: () => Lab | undefined): void {
  app.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: 1_024 }, (_request, text, done) => {
    try {
      done(null, JSON.parse(String(text)))
    } catch {
      done(Object.assign(new Error('The body is not JSON.'), { statusCode: 400 }))
    }
  })

  const parent = app.errorHandler
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof LabConflict) return conflict(reply, error)
    return parent.call(app, error as Parameters<typeof parent>[0], request, reply)
  })

  const lab = (): Lab => {
    const found = labOf()
    if (found === undefined) throw new LabConflict('starting', 'The demo is not up yet.')
    return found
  }

  const post = <P, B>(
    path: string,
    params: object,
    body: object,
    act: (lab: Lab, params: P, body: B) => unknown,
  ): void => {
    app.post<{ Params: P; Body: B }>(
      path,
      { config: { takesJson: true }, schema: { params, body } },
      async (request, reply) => reply.send(JSON.stringify(await act(lab(), request.params as P, request.body as B))),
    )
  }

  app.addHook('onSend', async (_request, reply, payload) => {
    reply.type('application/json; charset=utf-8').header('cache-control', 'no-store')
    return payload
  })

  const anything = object({ name: { type: 'string', maxLength: 64 } })
  post<{ name: string }, object>('/lab/attacks/:name', anything, nothing, (lab, { name }) => lab.attack(name))
  post<{ queue: QueueName }, object>('/lab/queues/:queue/rotate', queueParams, nothing, (lab, { queue }) =>
    lab.rotate(queue),
  )
  post<{ queue: QueueName }, object>('/lab/queues/:queue/redrive', queueParams, nothing, (lab, { queue }) =>
    lab.redrive(queue),
  )
  post<{ queue: QueueName }, { mode: QueueMode; seals: boolean }>(
    '/lab/queues/:queue/mode',
    queueParams,
    object({ mode: oneOf(MODES), seals: boolean }),
    (lab, { queue }, mode) => lab.setMode(queue, mode),
  )
  post<{ name: OutageName }, { on: boolean }>(
    '/lab/outages/:name',
    object({ name: oneOf(OUTAGES) }),
    object({ on: boolean }),
    (lab, { name }, { on }) => lab.setOutage(name, on),
  )
  post<object, { on: boolean }>('/lab/traffic', nothing, object({ on: boolean }), (lab, _params, { on }) =>
    lab.setTraffic(on),
  )
}

const conflict = (reply: FastifyReply, { code, message }: LabConflict): FastifyReply =>
  reply.code(409).send({ error: code, message })
