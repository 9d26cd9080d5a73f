import { spawn } from 'node:child_process'

const pollMs = 500

/**
 * Calls back once when the shell that npm started us in is gone: a SIGTERM or SIGKILL sent to npm alone ends npm and that shell, and
 * nobody tells us. Only under npm, since a command started by hand may well outlive its shell.
 *
 * @param {() => void} gone
 */
export function whenNpmIsGone(gone) {
  if (process.env.npm_lifecycle_event === undefined) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    gone()
  }, pollMs)
  timer.unref()
}

/**
 * Ends a process group when this process dies, however it dies: the guard reads from a pipe that closes with us.
 *
 * @param {number} group
 * @returns {() => void} ends the guard: the group ended by itself
 */
export function guardGroup(group) {
  const guard = spawn('sh', ['-c', 'read -r never; kill -s TERM -- "-$0"', String(group)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without a shell there is no guard, which harms nothing until we are killed.
  guard.on('error', () => {})
  guard.unref()
  return () => guard.kill('SIGKILL')
}
