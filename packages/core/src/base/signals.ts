/** The reason of an abort that ends what is ours alone. Without one Node makes an error with its stack, at each message several. */
export const OVER: unique symbol = Symbol('over')

/**
 * Settles as `work` does, or rejects with `signal.reason` as soon as the signal aborts; the work then goes on unheard.
 *
 * @throws what `work` rejects with · `signal.reason`
 * @example
 * const answer = await abortable(sdk.call(), signal)
 */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    work.catch(() => {})
    throw signal.reason
  }
  let onAbort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** A signal that follows others until `unlink()`: a long-lived signal would otherwise collect a listener per call. */
export interface LinkedSignal {
  readonly signal: AbortSignal
  unlink(): void
}

export function linkSignals(...given: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const joint = new AbortController()
  const links = given
    .filter((signal) => signal !== undefined)
    .map((signal) => ({ signal, follow: () => joint.abort(signal.reason) }))
  for (const { signal, follow } of links) {
    if (signal.aborted) follow()
    else signal.addEventListener('abort', follow, { once: true })
  }
  return {
    signal: joint.signal,
    unlink() {
      for (const { signal, follow } of links) signal.removeEventListener('abort', follow)
    },
  }
}
