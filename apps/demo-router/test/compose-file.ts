import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** What is looked at of a service; all else is Docker's. */
interface ComposeService {
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly target: string }
  readonly image: string
  readonly command: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly network_mode?: string
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly stop_grace_period?: string
}

interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly volumes: Readonly<Record<string, unknown>>
}

/** Reads `compose.yaml`; what it asks the environment for stays as it stands there. */
export const readCompose = (): ComposeFile =>
  parse(readFileSync(new URL('../compose.yaml', import.meta.url), 'utf8'), { merge: true })
