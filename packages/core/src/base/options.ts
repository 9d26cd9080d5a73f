/** An option may be left out or be undefined: both mean "the default". */
export type Options<T> = { readonly [K in keyof T]?: T[K] | undefined }

/** Something with a life of its own. `close()` may be called any number of times. */
export interface Closable extends AsyncDisposable {
  /** Lets go of everything it opened. Resolves when that is done. */
  close(): Promise<void>
}

/** `signal` ends the call: it rejects with `signal.reason` (an iteration ends without an error). */
export interface CallOptions extends Options<{ signal: AbortSignal }> {}

/** `waitMs`: how long to wait for a message, in milliseconds. Default 20 000; 0 looks once. */
export interface WaitOptions extends CallOptions, Options<{ waitMs: number }> {}

/** `maxMessages`: the most messages that one call returns. Default 10. */
export interface BatchOptions extends WaitOptions, Options<{ maxMessages: number }> {}
