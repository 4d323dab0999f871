export {
  InspectorUnavailableError,
  MonitorStoppedError,
  OptionRangeError,
  OptionTypeError,
  ProfileError,
  ProfilerBusyError,
} from './errors.ts';
export { monitor, MONITOR_CHANNEL } from './monitor/monitor.ts';
export type { Monitor } from './monitor/monitor.ts';
export type { MonitorOptions } from './monitor/options.ts';
export type {
  EventLoopStats,
  GcKind,
  GcKindStats,
  GcStats,
  MemoryStats,
  MonitorStats,
  ResourceStats,
} from './monitor/stats.ts';
export { bytesPerOp } from './heap/bytes-per-op.ts';
export type { BytesPerOp, BytesPerOpOptions } from './heap/bytes-per-op.ts';
export { flameGraph } from './flame/flame-graph.ts';
export type { FlameGraphOptions } from './flame/flame-graph.ts';
export type { CallNode } from './flame/call-node.ts';
export type { FlameUnit } from './flame/amounts.ts';
