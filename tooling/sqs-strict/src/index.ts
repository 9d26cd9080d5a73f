export type { Call, Fault, Faults } from './faults.ts'
export { type StrictSqs, startStrictSqs } from './server.ts'
