/** Whether a process of this machine is there, whoever's it is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's cannot be signalled.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
