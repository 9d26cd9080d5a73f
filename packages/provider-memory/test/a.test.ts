import { x } from '../src/index.ts'
export const y = x
