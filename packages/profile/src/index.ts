export {
  InspectorUnavailableError,
  MonitorStoppedError,
  ArgumentRangeError,
  ArgumentTypeError,
  ProfileError,
  ProfileTimeoutError,
  ProfilerBusyError,
  SnapshotFileError,
  SnapshotFormatError,
} from './errors.ts';
export { monitor, MONITOR_CHANNEL } from './monitor/monitor.ts';
export type { Monitor } from './monitor/monitor.ts';
export type { GcPauseListener } from './monitor/gc-watcher.ts';
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
export { allocations } from './heap/allocations.ts';
export type { AllocationProfile, AllocationsOptions } from './heap/allocations.ts';
export type { AllocationFrame, AllocationSite } from './heap/allocation-tree.ts';
export type { Operation } from './heap/run.ts';
export type { V8HeapNode, V8HeapProfile } from './heap/sampler.ts';
export { leakCheck } from './heap/leak-check.ts';
export type { LeakCheckOptions, LeakReport } from './heap/leak-check.ts';
export type { LeakVerdict } from './heap/leak-verdict.ts';
export { cpu } from './cpu/cpu.ts';
export type { CpuOptions, CpuWindow } from './cpu/options.ts';
export type { CpuProfile } from './cpu/cpu-profile.ts';
export type { CpuFunction } from './cpu/top.ts';
export type { SpeedscopeFile, SpeedscopeFrame, SpeedscopeProfile } from './cpu/speedscope.ts';
export type { V8CallFrame, V8CpuProfile, V8ProfileNode } from './cpu/v8-profile.ts';
export { heapSnapshot, readHeapSnapshot } from './heap/heap-snapshot.ts';
export type { HeapSnapshot, HeapSnapshotOptions } from './heap/heap-snapshot.ts';
export type { HeapKind } from './heap/snapshot-reader.ts';
export { heapDiff } from './heap/heap-diff.ts';
export type { HeapChange, HeapDiff } from './heap/heap-diff.ts';
