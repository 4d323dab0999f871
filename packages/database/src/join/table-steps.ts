import { quoteIdentifier } from '../insert/identifier.ts';
import { Folder } from './folder.ts';
import type { ChildPlan, NestPlan } from './spec.ts';
import type { TableChild, TableLevel } from './table-spec.ts';

/**
 * One query of a load, and what comes after it.
 *
 * Everything that does not multiply rows is joined: what there is one of, and a list that is the only one. Two lists side by side would
 * give the product of their lengths, so each gets a query of its own, by the keys of the objects that it belongs to.
 */
export interface Step {
  /** Where its objects are in the result; empty for the root. */
  readonly path: string;
  /** Tables that are joined in it, quoted. */
  readonly tables: readonly string[];
  /** `t."id" AS c0, …` */
  readonly selected: string;
  /** `LEFT JOIN … ON …`; empty for one table. */
  readonly joins: string;
  /** `t."id",t1."id"`: the order in which the fold needs no look-up. */
  readonly orderBy: string;
  /** The part of it that is the step's own objects'. */
  readonly ownOrder: string;
  /** Table of the step's own objects, which has the alias `t`. */
  readonly table: string;
  /** Its columns that the parents' are compared with. Empty for the root. */
  readonly on: readonly string[];
  readonly folder: Folder;
  readonly rest: readonly NextStep[];
}

/** A step for the lists of objects that a step before it made. Until then, the member holds the values of its `on` columns. */
export interface NextStep {
  /** Members on the way from the step's objects to the parents of the lists. */
  readonly way: readonly string[];
  /** The member. */
  readonly name: string;
  readonly step: Step;
}

/** Column of the parent's place in the list of keys, in every step but the root's. */
export const PLACE = 'p';
/** Member of the objects that such a step's fold makes, one a parent. */
export const LIST = 'l';

/** Splits a spec into steps. */
export function planSteps(root: TableLevel): Step {
  return new StepBuilder().build(root, []);
}

class StepBuilder {
  readonly #tables: string[] = [];
  readonly #selected: string[] = [];
  readonly #joins: string[] = [];
  readonly #orderBy: string[] = [];
  readonly #rest: NextStep[] = [];

  build(level: TableLevel, on: readonly string[]): Step {
    const plan = this.#level(level, 't', [], lists(level).length > 1);
    const isRoot = on.length === 0;
    const whole: NestPlan = isRoot
      ? plan
      : {
          path: level.path,
          key: [PLACE],
          fields: [[PLACE, PLACE]],
          children: [{ name: LIST, many: true, plan }],
        };
    return {
      path: level.path,
      tables: this.#tables,
      selected: this.#selected.join(','),
      joins: this.#joins.join(''),
      orderBy: this.#orderBy.join(','),
      ownOrder: this.#orderBy.slice(0, level.key.length).join(','),
      table: level.table,
      on,
      folder: new Folder(whole),
      rest: this.#rest,
    };
  }

  /** `split`: lists at and beside this level have queries of their own. */
  #level(level: TableLevel, alias: string, way: readonly string[], split: boolean): NestPlan {
    this.#tables.push(level.table);
    const key = level.key.map((column) => this.#select(alias, column));
    this.#orderBy.push(...level.key.map((column) => `${alias}.${quoteIdentifier(column)}`));
    const fields: (readonly [string, string | readonly string[]])[] = level.fields.map(([name, column]) => [
      name,
      this.#select(alias, column),
    ]);
    const children: ChildPlan[] = [];
    for (const child of level.children) {
      const { name, many } = child;
      if (many && split) {
        fields.push([name, child.on.map(([, parent]) => this.#select(alias, parent))]);
        const on = child.on.map(([column]) => column);
        this.#rest.push({ way, name, step: new StepBuilder().build(child.level, on) });
      } else {
        const joined = this.#join(child, alias);
        // Below a list that is joined, another choice can be made; what there is one of belongs to this level's.
        const splitBelow = many ? lists(child.level).length > 1 : split;
        children.push({ name, many, plan: this.#level(child.level, joined, [...way, name], splitBelow) });
      }
    }
    return { path: level.path, key, fields, children };
  }

  #join({ level, on }: TableChild, parent: string): string {
    const alias = `t${this.#tables.length}`;
    const equal = on.map(
      ([column, of]) => `${alias}.${quoteIdentifier(column)}=${parent}.${quoteIdentifier(of)}`,
    );
    this.#joins.push(` LEFT JOIN ${level.table} AS ${alias} ON ${equal.join(' AND ')}`);
    return alias;
  }

  #select(alias: string, column: string): string {
    const name = `c${this.#selected.length}`;
    this.#selected.push(`${alias}.${quoteIdentifier(column)} AS ${name}`);
    return name;
  }
}

/** The lists that would multiply a row of this level: its own, and those of what there is one of. */
function lists(level: TableLevel): readonly TableChild[] {
  return level.children.flatMap((child) => (child.many ? [child] : lists(child.level)));
}
