/** A client of another process's inspector, over the WebSocket that newer Nodes have. */

import { CommandError } from './output.ts';

type Reply = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly result?: Reply;
  readonly error?: { readonly message: string };
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

export class InspectorClient {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>;
  /** Called with the method of each event. */
  onEvent: (method: string) => void = () => {};
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(String(data)) as Message));
    this.closed = new Promise((resolve) => {
      socket.addEventListener('close', () => {
        const gone = new CommandError('the process exited before its profile could be read');
        for (const { reject } of this.#waiting.values()) reject(gone);
        this.#waiting.clear();
        resolve();
      });
    });
  }

  /** @throws {CommandError} the other side refused, or did not answer in time. */
  static async connect(url: string, limitMs: number): Promise<InspectorClient> {
    const socket = new WebSocket(url);
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      const fail = (): void => reject(new CommandError(`cannot connect to ${url}`));
      timer = setTimeout(fail, limitMs);
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', fail);
    }).finally(() => clearTimeout(timer));
    return new InspectorClient(socket);
  }

  /** @throws {CommandError} the other side refused, or is gone. */
  post(method: string, params: object = {}): Promise<Reply> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) {
        reject(new CommandError('the process exited before its profile could be read'));
        return;
      }
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  close(): void {
    this.#socket.close();
  }

  #receive({ id, method, result = {}, error }: Message): void {
    if (id === undefined) {
      if (method !== undefined) this.onEvent(method);
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new CommandError(`its inspector refused: ${error.message}`));
  }
}
