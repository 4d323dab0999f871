import type { QueryOptions, QueryResult } from '../queryable.ts';
import type { ResultShape } from './decode.ts';
import { type Request, Statement, type StatementHost, type StatementOrigin } from './statement.ts';

/** Makes objects of rows as they come from the server. */
export interface RowFolder {
  /** Takes a row, given as to its decoder. */
  take(bytes: Buffer, at: number, end: number): void;
  /** All rows have come: the objects. */
  end(): object[];
}

/** Makes a folder for a result; called when its first row has come. */
export type OpenFolder = (shape: ResultShape) => RowFolder;

/** A query whose rows are to be folded. */
export interface FoldQuery {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly open: OpenFolder;
  readonly options?: QueryOptions | undefined;
}

/** A statement whose rows are folded while they come. */
export class FoldStatement extends Statement {
  readonly #open: OpenFolder;
  #folder: RowFolder | undefined;

  constructor(
    request: Request,
    origin: StatementOrigin,
    resolve: (result: QueryResult<never>) => void,
    reject: (error: unknown) => void,
    open: OpenFolder,
  ) {
    super(request, origin, resolve, reject);
    this.#open = open;
  }

  override attach(host: StatementHost): void {
    super.attach(host);
    this.#folder = undefined;
  }

  protected override takeRow(shape: ResultShape, bytes: Buffer, at: number, end: number): void {
    this.#folder ??= this.#open(shape);
    this.#folder.take(bytes, at, end);
  }

  protected override takenRows(): object[] {
    return this.#folder?.end() ?? [];
  }
}
