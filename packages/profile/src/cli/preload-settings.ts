/** What the profiled program is told, as JSON in {@link SETTINGS_VARIABLE}. */
export interface PreloadSettings {
  /** Whose child is to be profiled: what that one starts inherits the variable. */
  readonly parent: number;
  readonly kind: 'cpu' | 'heap';
  /** Path of the profile, absolute, which must not be there yet. */
  readonly file: string;
  /** Microseconds or bytes. */
  readonly interval: number;
}

export const SETTINGS_VARIABLE = 'HOTPATH_PROFILE_RUN';

/** What the parent writes into the pipe after a signal: the program is to end if the signal cannot reach it, or at all. */
export const END_IF_DEAF = '?';
export const END = '!';
