/** What the clients of the service ask for, and when. Pure: seeded, the same for every service. */

import { createRandom } from '../../workloads/random.ts';
import { userOfRank } from '../seed.ts';

/** Shares of the routes; what is left are sign-ups. 95 of 100 only read. */
const SHARES = { find: 0.75, posts: 0.1, page: 0.1, update: 0.04 };
/** Popularity falls with the rank to this power. */
const ZIPF = 1;

export interface LoadRequest {
  /** When it is to be sent, in milliseconds from the start. */
  readonly atMs: number;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: string;
  /** The user who is read or changed, where the answer is that user alone. */
  readonly userId?: number;
  /** What a change makes of the name: written by no other request. */
  readonly name?: string;
}

export interface RequestOptions {
  readonly seed: number;
  readonly users: number;
  /** Mean rate; `Infinity` makes every request due at once, for clients that ask as fast as they are answered. */
  readonly perSecond: number;
}

/** Inverse of the cumulated popularity of ranks 1 to `count`. */
function zipfRanks(count: number): (uniform: number) => number {
  const cumulated = new Float64Array(count);
  let sum = 0;
  for (let index = 0; index < count; index++) cumulated[index] = sum += 1 / (index + 1) ** ZIPF;
  return (uniform) => {
    const wanted = uniform * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulated[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}

/**
 * An endless stream of requests whose gaps are exponential (Poisson arrivals): clients do not wait for each other.
 *
 * @param label begins every name that is written, so that those of two loads differ.
 */
export function* requestsOf(
  { seed, users, perSecond }: RequestOptions,
  label: string,
): Generator<LoadRequest, never> {
  const next = createRandom(seed);
  const rankOf = zipfRanks(users);
  const { find, posts, page, update } = SHARES;
  let atMs = 0;
  for (let index = 0; ; index++) {
    atMs += perSecond === Infinity ? 0 : (-Math.log(1 - next()) * 1000) / perSecond;
    const route = next();
    const id = userOfRank(rankOf(next()), users);
    if (route < find) yield { atMs, method: 'GET', path: `/users/${id}`, userId: id };
    else if (route < find + posts) yield { atMs, method: 'GET', path: `/users/${id}/posts` };
    else if (route < find + posts + page) yield { atMs, method: 'GET', path: `/users?after=${id - 1}` };
    else {
      const name = `${label} ${index}`;
      const body = JSON.stringify({ name, email: `name${index}@example.com` });
      if (route < find + posts + page + update) {
        yield { atMs, method: 'PUT', path: `/users/${id}`, body, userId: id, name };
      } else yield { atMs, method: 'POST', path: '/users', body };
    }
  }
}
