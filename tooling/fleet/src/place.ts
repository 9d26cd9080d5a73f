/** What the processes are told, as JSON in the variable FLEET. */
export interface Place {
  /** The folder of the journals. */
  readonly folder: string
  /** Whether it stays when the run is killed. */
  readonly isKept: boolean
  /** This process among the others, and its journal. */
  readonly name: string
  readonly seed: number
  /** Of the local SQS; for the sender that of the attacker, who stands in between. */
  readonly endpoint: string
  readonly sentinelPort: number
  readonly masterName: string
  readonly messages: number
  /** How long the sender takes for all of them, in milliseconds. */
  readonly sendMs: number
  readonly sabotage: string | undefined
}

export const placeVariable = 'FLEET'

export const readPlace = (): Place => JSON.parse(process.env[placeVariable] ?? '{}')

export const queue = 'fleet'

/** The account that the local SQS knows. */
export const queuePath: string = `/000000000000/${queue}`

export const keyId = 'fleet-1'
export const keyVariable = 'FLEET_KEY'

/** Short, so that what a killed receiver held comes back while the run lasts. */
export const lockMs = 5_000

/** Longer than any run. */
export const maxAgeMs = 3_600_000

interface Account {
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** Any will do: the local server does not look at them. */
export const account: Account = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
}
