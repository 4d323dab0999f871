import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { integerOption, kindOf, objectOption } from '../option-checks.ts';
import type { FlameUnit } from './amounts.ts';
import type { CallNode } from './call-node.ts';
import { depthOf, framesOf } from './frames.ts';
import { layoutOf } from './layout.ts';
import { renderSvg } from './svg.ts';

export interface FlameGraphOptions {
  /** Shown above the graph. Default `Flame graph`, or `Before and after`. */
  readonly title?: string;
  /** What the tree's numbers count: milliseconds, bytes, or anything. Default `ms`. */
  readonly unit?: FlameUnit;
  /**
   * An earlier tree. The graph then shows the change: a frame is red where the function takes more itself than
   * before, blue where it takes less, and as wide as the larger of both, so that what is gone shows too. The amounts
   * are compared as they are: both trees should stand for the same work. Functions are matched by name and file.
   */
  readonly before?: CallNode;
  /**
   * Frames drawn at most, the widest ones, an integer from 1 to 20,000; it bounds the file, at about 300 bytes a
   * frame. Default 3000.
   */
  readonly maxFrames?: number;
  /**
   * Levels drawn, an integer from 1 to 2000. In a deeper tree a function's direct calls of itself are folded into
   * one frame first. Default 250.
   */
  readonly maxDepth?: number;
}

const UNITS: readonly FlameUnit[] = ['ms', 'bytes', 'count'];

/**
 * Draws a call tree as one SVG file that needs nothing else: a click zooms, a search box marks functions and tells
 * their share, keys walk the frames, and it follows the reader's light or dark mode. Any name is safe in it. Frames
 * too narrow to see, or beyond `maxFrames`, are drawn as one beside their siblings.
 *
 * Takes time and memory in proportion to the tree, however deep; the text is under `maxFrames` × 2 kB.
 *
 * @throws {ArgumentTypeError} an option has the wrong type.
 * @throws {ArgumentRangeError} an option is out of its range.
 *
 * @example
 * ```ts
 * const leaf = { name: 'parse', url: 'file:///app/parse.js', line: 3, column: 1, self: 40, total: 40, children: [] };
 * const root = { name: 'main', url: 'file:///app/main.js', line: 1, column: 1, self: 2, total: 42, children: [leaf] };
 * await writeFile('flame.svg', flameGraph(root, { title: 'Start-up' }));
 * ```
 */
export function flameGraph(root: CallNode, options: FlameGraphOptions = {}): string {
  objectOption('root', root);
  objectOption('options', options);
  const { before, unit = 'ms', maxFrames = 3000, maxDepth = 250 } = options;
  const { title = before === undefined ? 'Flame graph' : 'Before and after' } = options;
  if (before !== undefined) objectOption('before', before);
  if (typeof title !== 'string') {
    throw new ArgumentTypeError(`title: expected a string, got ${kindOf(title)}`);
  }
  if (!UNITS.includes(unit)) throw new ArgumentRangeError(`unit: expected ${UNITS.join(', ')}, got ${unit}`);
  const limits = {
    maxFrames: integerOption('maxFrames', maxFrames, 1, 20_000),
    maxDepth: integerOption('maxDepth', maxDepth, 1, 2000),
  };
  const depth = Math.max(depthOf(root), before === undefined ? 0 : depthOf(before));
  const frames = framesOf(root, before, depth > maxDepth);
  return renderSvg(layoutOf(frames, limits), { title, unit, isDifference: before !== undefined });
}
