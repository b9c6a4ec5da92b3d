/** @param names as TypeScript has them between the two words */
export function importLine(names: string, module: string): string {
  return `import ${names} from '${module}';\n`;
}
