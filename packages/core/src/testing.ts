export { type FakeClock, fakeClock } from './testing/fake-clock.ts'
export { type TestMessage, type TestMessageFields, type TestOutcome, testMessage } from './testing/test-message.ts'
