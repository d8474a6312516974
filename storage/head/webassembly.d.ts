// The part of the WebAssembly API that the head uses; the DOM library that declares it is not for servers.
declare namespace WebAssembly {
  class Memory {
    readonly buffer: SharedArrayBuffer
    constructor(descriptor: { initial: number; maximum: number; shared: true })
  }
}
