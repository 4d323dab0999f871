/**
 * Slow, short and failing system calls: a small library in front of libc, compiled here and preloaded into a process of
 * the caller's. What it does is asked for by environment variables, for the files below one folder alone.
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilerMissing } from './c-compiler.ts';

/** What the calls on files below the folder do. Times in milliseconds; a count of 0 is never. */
export interface SyscallFaults {
  /** How long each read(2) takes. */
  readonly readMs?: number;
  /** How long each fsync(2) and fdatasync(2) takes. */
  readonly syncMs?: number;
  /** Bytes that a write(2) takes at most. */
  readonly writeBytesMax?: number;
  /** Each n-th write(2) is interrupted. */
  readonly writeInterruptEvery?: number;
  /** Each n-th write(2) finds no space, nor does the one that follows: libuv reports the first as a short write. */
  readonly writeNoSpaceEvery?: number;
  /** The n-th fsync(2) or fdatasync(2) fails with EIO, once. */
  readonly syncFailAt?: number;
}

export interface SyscallShim {
  /** For the environment of a process whose calls on files below `folder` are to fail; its other calls do not. */
  environment(folder: string, faults: SyscallFaults): Record<string, string>;
}

const SOURCE = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_long writes, syncs;

static long setting(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

static int is_ours(int fd) {
  static __thread int is_asking;
  const char *folder = getenv("HOTPATH_SHIM_FOLDER");
  char link[64], path[4096];
  if (!folder || is_asking) return 0;
  is_asking = 1;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int saved = errno;
  ssize_t length = readlink(link, path, sizeof path - 1);
  errno = saved;
  is_asking = 0;
  return length > 0 && strncmp(path, folder, strlen(folder)) == 0;
}

static void wait_ms(long ms) {
  struct timespec left = { ms / 1000, (ms % 1000) * 1000000 };
  while (nanosleep(&left, &left) != 0) {}
}

ssize_t read(int fd, void *buffer, size_t size) {
  static ssize_t (*next)(int, void *, size_t);
  if (!next) next = dlsym(RTLD_NEXT, "read");
  long ms = setting("HOTPATH_SHIM_READ_MS");
  if (ms && is_ours(fd)) wait_ms(ms);
  return next(fd, buffer, size);
}

ssize_t write(int fd, const void *buffer, size_t size) {
  static ssize_t (*next)(int, const void *, size_t);
  if (!next) next = dlsym(RTLD_NEXT, "write");
  if (is_ours(fd)) {
    long call = ++writes;
    long interrupt = setting("HOTPATH_SHIM_WRITE_INTERRUPT_EVERY");
    long no_space = setting("HOTPATH_SHIM_WRITE_NO_SPACE_EVERY");
    size_t most = setting("HOTPATH_SHIM_WRITE_BYTES_MAX");
    if (interrupt && call % interrupt == 0) return errno = EINTR, -1;
    if (no_space && call >= no_space && call % no_space < 2) return errno = ENOSPC, -1;
    if (most && size > most) size = most;
  }
  return next(fd, buffer, size);
}

static int sync_with(const char *name, int fd) {
  int (*next)(int) = dlsym(RTLD_NEXT, name);
  if (is_ours(fd)) {
    wait_ms(setting("HOTPATH_SHIM_SYNC_MS"));
    if (++syncs == setting("HOTPATH_SHIM_SYNC_FAIL_AT")) return errno = EIO, -1;
  }
  return next(fd);
}

int fsync(int fd) { return sync_with("fsync", fd); }
int fdatasync(int fd) { return sync_with("fdatasync", fd); }
`;

/** Why it cannot be had here, or `undefined`. */
export function whyNoSyscallShim(): string | undefined {
  if (process.platform !== 'linux') return 'slow and failing system calls need Linux';
  return compilerMissing();
}

/**
 * Compiles the library.
 *
 * @param folder an existing one for the result; it must be there for as long as processes start with it
 * @throws {Error} the compiler fails
 */
export function buildSyscallShim(folder: string): SyscallShim {
  const source = join(folder, 'syscalls.c');
  const library = join(folder, 'syscalls.so');
  writeFileSync(source, SOURCE);
  const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`cc exited with ${status}: ${stderr}`);
  return {
    environment: (filesBelow, faults) => ({
      LD_PRELOAD: library,
      HOTPATH_SHIM_FOLDER: filesBelow,
      HOTPATH_SHIM_READ_MS: String(faults.readMs ?? 0),
      HOTPATH_SHIM_SYNC_MS: String(faults.syncMs ?? 0),
      HOTPATH_SHIM_WRITE_BYTES_MAX: String(faults.writeBytesMax ?? 0),
      HOTPATH_SHIM_WRITE_INTERRUPT_EVERY: String(faults.writeInterruptEvery ?? 0),
      HOTPATH_SHIM_WRITE_NO_SPACE_EVERY: String(faults.writeNoSpaceEvery ?? 0),
      HOTPATH_SHIM_SYNC_FAIL_AT: String(faults.syncFailAt ?? 0),
    }),
  };
}
