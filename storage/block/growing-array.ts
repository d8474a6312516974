// Typed arrays that grow as they are written: numbers of a million series without an object for each.

export class GrowingU32 {
  data: Uint32Array = new Uint32Array(1024)
  length = 0

  push(value: number): void {
    if (this.length === this.data.length) {
      const more = new Uint32Array(this.length * 2)
      more.set(this.data)
      this.data = more
    }
    this.data[this.length++] = value
  }
}

export class GrowingF64 {
  data: Float64Array = new Float64Array(1024)
  length = 0

  push(value: number): void {
    if (this.length === this.data.length) {
      const more = new Float64Array(this.length * 2)
      more.set(this.data)
      this.data = more
    }
    this.data[this.length++] = value
  }
}
