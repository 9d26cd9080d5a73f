import { type Variables, wrong } from '../config/variables.ts'

interface AwsAccess {
  readonly region?: string
  readonly credentials?: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
}

/**
 * Returns what the variables say of region and credentials. Without keys in the variables the SDK looks for an identity by itself:
 * the role of a container, an instance or a function is the better one.
 *
 * @throws Configuration: one half of the keys is missing
 */
export function awsAccess(variables: Variables): AwsAccess {
  const region = variables.get('AWS_REGION')
  const accessKeyId = variables.get('AWS_ACCESS_KEY_ID')
  const secretAccessKey = variables.get('AWS_SECRET_ACCESS_KEY')
  const sessionToken = variables.get('AWS_SESSION_TOKEN')
  const place = region === undefined ? {} : { region }
  if (accessKeyId === undefined && secretAccessKey === undefined) return place
  if (accessKeyId === undefined) throw wrong('AWS_ACCESS_KEY_ID', 'is required beside AWS_SECRET_ACCESS_KEY.')
  if (secretAccessKey === undefined) throw wrong('AWS_SECRET_ACCESS_KEY', 'is required beside AWS_ACCESS_KEY_ID.')
  return { ...place, credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) } }
}
