import { spawn } from 'node:child_process'

/**
 * Ends a process, and removes its folder, when this process dies, however it dies: the guard reads from a pipe that closes with us.
 *
 * @returns ends the guard: the process ended by itself
 */
export function guardProcess(pid: number, folder: string): () => void {
  const guard = spawn('sh', ['-c', 'read -r never; kill -s KILL "$0"; rm -rf -- "$1"', String(pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without a shell there is no guard, which harms nothing until we are killed.
  guard.on('error', () => {})
  guard.stdin.on('error', () => {})
  guard.unref()
  return () => void guard.kill('SIGKILL')
}
