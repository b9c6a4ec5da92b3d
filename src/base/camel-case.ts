/** `skip-lines`, as users write it, → `skipLines`, as code does. */
export function toCamelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
