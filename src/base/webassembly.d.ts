/** The parts of WebAssembly that edp uses; @types/node declares none of them. */
declare namespace WebAssembly {
  /** Compiled code; may be handed to other threads. */
  interface Module {
    readonly [Symbol.toStringTag]: 'WebAssembly.Module';
  }

  interface Memory {
    readonly buffer: ArrayBuffer;
    /** @returns the number of pages before; a page has 65536 bytes */
    grow(pages: number): number;
  }

  class Instance {
    constructor(module: Module, imports: Record<string, object>);
    readonly exports: object;
  }

  function compile(bytes: Uint8Array): Promise<Module>;
}
