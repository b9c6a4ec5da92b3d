/** Names of standard output where a file is expected. */
export function isStdout(name: string | undefined): boolean {
  return name === '-' || name === '/dev/stdout';
}
