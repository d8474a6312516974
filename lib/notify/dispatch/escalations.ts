// Which receivers are told of an alert beside its routes, since its escalation came to them. One that an escalation no longer
// asks for is told nothing more but the end of what it was told.

export class Escalations {
  /** By fingerprint and receiver: whether it is still asked for. */
  readonly #receivers = new Map<string, Map<string, boolean>>()

  add(fingerprint: string, receiver: string): void {
    const receivers = this.#receivers.get(fingerprint) ?? new Map<string, boolean>()
    this.#receivers.set(fingerprint, receivers.set(receiver, true))
  }

  takeBack(fingerprint: string): void {
    const receivers = this.#receivers.get(fingerprint)
    for (const receiver of receivers?.keys() ?? []) receivers!.set(receiver, false)
  }

  /** The episode of the alert is over. */
  forget(fingerprint: string): void {
    this.#receivers.delete(fingerprint)
  }

  receiversOf(fingerprint: string): Iterable<string> {
    return this.#receivers.get(fingerprint)?.keys() ?? []
  }

  isOn(fingerprint: string, receiver: string): boolean {
    return this.#receivers.get(fingerprint)?.get(receiver) ?? false
  }
}
