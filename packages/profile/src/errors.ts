import type { CpuProfile } from './cpu/cpu-profile.ts';

/** The root of every error of this package that is not about an argument. */
export class ProfileError extends Error {
  override readonly name: string = 'ProfileError';
  /** Stable: `ERR_HOTPATH_PROFILE_<CAUSE>`. */
  readonly code: string = 'ERR_HOTPATH_PROFILE';
}

/** An option has the wrong type. The message names it, what was expected and what came. */
export class ArgumentTypeError extends TypeError {
  override readonly name: string = 'ArgumentTypeError';
  readonly code = 'ERR_HOTPATH_PROFILE_ARGUMENT_TYPE';
}

/** An option has the right type and an impossible value: fractional, NaN, out of range. */
export class ArgumentRangeError extends RangeError {
  override readonly name: string = 'ArgumentRangeError';
  readonly code = 'ERR_HOTPATH_PROFILE_ARGUMENT_RANGE';
}

/** The monitor was stopped before the call. */
export class MonitorStoppedError extends ProfileError {
  override readonly name: string = 'MonitorStoppedError';
  override readonly code = 'ERR_HOTPATH_PROFILE_MONITOR_STOPPED';
}

/** This thread is already being profiled: V8 has one sampler of each kind, and results would mix. */
export class ProfilerBusyError extends ProfileError {
  override readonly name: string = 'ProfilerBusyError';
  override readonly code = 'ERR_HOTPATH_PROFILE_BUSY';
}

/** V8's inspector is missing, forbidden or refused a command; the cause says which. */
export class InspectorUnavailableError extends ProfileError {
  override readonly name: string = 'InspectorUnavailableError';
  override readonly code = 'ERR_HOTPATH_PROFILE_INSPECTOR';
}

/** What was profiled did not end in the time it was given. Nothing of it was stopped: only the wait was. */
export class ProfileTimeoutError extends ProfileError {
  override readonly name: string = 'ProfileTimeoutError';
  override readonly code = 'ERR_HOTPATH_PROFILE_TIMEOUT';
  /** What was seen until then. */
  readonly profile: CpuProfile;

  constructor(message: string, profile: CpuProfile) {
    super(message);
    this.profile = profile;
  }
}

/** A heap snapshot's file could not be written or read; the cause is the system's error. Nothing half written is left. */
export class SnapshotFileError extends ProfileError {
  override readonly name: string = 'SnapshotFileError';
  override readonly code = 'ERR_HOTPATH_PROFILE_SNAPSHOT_FILE';
}

/** What was read is not a heap snapshot, or ends before it should. */
export class SnapshotFormatError extends ProfileError {
  override readonly name: string = 'SnapshotFormatError';
  override readonly code = 'ERR_HOTPATH_PROFILE_SNAPSHOT_FORMAT';
}
