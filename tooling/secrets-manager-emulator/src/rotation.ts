/** What a rotation function is called with, four times per rotation. Source: "Rotation by Lambda function". */
export interface RotationStep {
  readonly Step: 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret'
  readonly SecretId: string
  readonly ClientRequestToken: string
}

const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const

/** Calls the function as the service does; the first step that fails ends the rotation. */
export async function runRotation(
  call: (step: RotationStep) => Promise<unknown>,
  SecretId: string,
  ClientRequestToken: string,
): Promise<void> {
  for (const Step of STEPS) await call({ Step, SecretId, ClientRequestToken })
}
