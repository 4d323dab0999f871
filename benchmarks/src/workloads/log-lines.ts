/** Lines as a JSON logger writes them, 107 bytes of ASCII each. */

/** Line number `index` of a seeded log. Built anew at each call: a log line is a string that did not exist before. */
export function logLine(seed: number, index: number): string {
  return `{"level":30,"time":${1_764_000_000_000 + index},"pid":4711,"hostname":"node-${seed}","reqId":${1_000_000 + index},"msg":"request completed"}\n`;
}
