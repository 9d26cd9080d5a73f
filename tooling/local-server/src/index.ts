export type { Answer, Call, Json, LocalRequest } from './call.ts'
export { field, text } from './call.ts'
export type { Fault, Faults } from './faults.ts'
export { type LocalServer, startLocalServer } from './server.ts'
