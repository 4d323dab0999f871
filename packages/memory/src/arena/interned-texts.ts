/** The strings that an arena has interned, in the order in which they came, so that a rewind can forget the last ones. */
export class InternedTexts<H> {
  readonly #order: string[] = [];
  readonly #handles = new Map<string, H>();

  get count(): number {
    return this.#order.length;
  }

  get(text: string): H | undefined {
    return this.#handles.get(text);
  }

  /** Adds a string that is not there yet. */
  add(text: string, handle: H): void {
    this.#handles.set(text, handle);
    this.#order.push(text);
  }

  /** Forgets all but the first `count`. */
  truncate(count: number): void {
    for (const text of this.#order.splice(count)) this.#handles.delete(text);
  }

  clear(): void {
    if (this.#order.length === 0) return;
    this.#order.length = 0;
    this.#handles.clear();
  }
}
