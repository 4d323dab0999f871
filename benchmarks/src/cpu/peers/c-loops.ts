import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilerMissing } from '../../services/c-compiler.ts';

/**
 * The loops of the kernels as a C compiler makes them: what this machine gives, in registers of 128 bits, which are the widest that
 * WebAssembly has, and in its own. Prints the nanoseconds of one call, the least and the median of many rounds.
 *
 * On equal terms with the kernels: vectors lie one behind the other, as in the heap (blocks of malloc begin at the same offset
 * in their pages, which makes their loads and stores collide), and every page was written before the clock starts. With `huge`
 * the memory is in pages of 2 MB where the system gives them to who asks, which no JavaScript can.
 */
const SOURCE = `
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/mman.h>
#ifdef __SSE__
#include <immintrin.h>
#endif
#ifndef WIDTH
#if defined(__AVX512F__)
#define WIDTH 64
#elif defined(__AVX__)
#define WIDTH 32
#else
#define WIDTH 16
#endif
#endif
#define LANES (WIDTH / 4)
typedef float vec __attribute__((vector_size(WIDTH), aligned(4), may_alias));
#define AT(p, k) (*(vec *)((p) + i + (k) * LANES))
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e9 + t.tv_nsec; }
__attribute__((noinline)) static float add(float *restrict out, const float *restrict a, const float *restrict b, long n) {
  for (long i = 0; i < n; i++) out[i] = a[i] + b[i];
  return out[0];
}
__attribute__((noinline)) static float stream(float *restrict out, const float *restrict a, const float *restrict b, long n) {
  long i = 0;
#ifdef __SSE__
  for (; i + 4 <= n; i += 4) _mm_stream_ps(out + i, _mm_add_ps(_mm_loadu_ps(a + i), _mm_loadu_ps(b + i)));
  _mm_sfence();
#endif
  for (; i < n; i++) out[i] = a[i] + b[i];
  return out[0];
}
__attribute__((noinline)) static float dot(float *a, const float *b, const float *unused, long n) {
  vec s0 = {0}, s1 = s0, s2 = s0, s3 = s0;
  long i = 0;
  for (; i + 4 * LANES <= n; i += 4 * LANES) {
    s0 += AT(a, 0) * AT(b, 0); s1 += AT(a, 1) * AT(b, 1); s2 += AT(a, 2) * AT(b, 2); s3 += AT(a, 3) * AT(b, 3);
  }
  s0 = (s0 + s1) + (s2 + s3);
  float sum = 0;
  for (int k = 0; k < LANES; k++) sum += s0[k];
  for (; i < n; i++) sum += a[i] * b[i];
  return sum;
}
__attribute__((noinline)) static float axpy(float *restrict y, const float *restrict x, const float *restrict unused, long n) {
  static float alpha = 0.75f;
  alpha = -alpha;
  long i = 0;
  for (; i + 4 * LANES <= n; i += 4 * LANES) {
    AT(y, 0) += alpha * AT(x, 0); AT(y, 1) += alpha * AT(x, 1); AT(y, 2) += alpha * AT(x, 2); AT(y, 3) += alpha * AT(x, 3);
  }
  for (; i < n; i++) y[i] += alpha * x[i];
  return y[0];
}
__attribute__((noinline)) static float bytes(float *first, const float *unused, const float *unused2, long n) {
  static uint32_t t[4][256], bins[256];
  const uint8_t *a = (const uint8_t *)first;
  memset(t, 0, sizeof t);
  long i = 0;
  for (; i + 8 <= n; i += 8) {
    t[0][a[i]]++; t[1][a[i + 1]]++; t[2][a[i + 2]]++; t[3][a[i + 3]]++;
    t[0][a[i + 4]]++; t[1][a[i + 5]]++; t[2][a[i + 6]]++; t[3][a[i + 7]]++;
  }
  for (; i < n; i++) t[0][a[i]]++;
  for (int k = 0; k < 256; k++) bins[k] += t[0][k] + t[1][k] + t[2][k] + t[3][k];
  return bins[0];
}
static int order(const void *x, const void *y) { double d = *(const double *)x - *(const double *)y; return (d > 0) - (d < 0); }
int main(int argc, char **argv) {
  float (*loop)(float *, const float *, const float *, long) =
    !strcmp(argv[1], "add") ? add : !strcmp(argv[1], "stream") ? stream : !strcmp(argv[1], "dot") ? dot : !strcmp(argv[1], "axpy") ? axpy : bytes;
  long n = atol(argv[2]), calls = atol(argv[4]);
  int rounds = atoi(argv[3]);
  size_t page = 1 << 21, vector = ((size_t)n * 4 + 63) / 64 * 64, all = (3 * vector + page - 1) / page * page;
  char *memory = aligned_alloc(page, all);
#ifdef MADV_HUGEPAGE
  if (atoi(argv[5])) madvise(memory, all, MADV_HUGEPAGE);
#endif
  float *a = (float *)memory, *b = (float *)(memory + vector), *c = (float *)(memory + 2 * vector);
  double *times = malloc(rounds * sizeof(double));
  for (long i = 0; i < n; i++) { a[i] = (float)(i % 777) / 777; b[i] = (float)(i % 1000) / 1000; c[i] = 0; }
  if (loop == bytes) {
    uint64_t state = 88172645463325252u;
    for (long i = 0; i < n; i++) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; ((uint8_t *)a)[i] = state >> 20; }
  }
  float sink = 0;
  for (int r = 0; r < rounds; r++) {
    double t = now();
    for (long k = 0; k < calls; k++) sink += loop == add || loop == stream ? loop(c, a, b, n) : loop(a, b, c, n);
    times[r] = (now() - t) / calls;
  }
  qsort(times, rounds, sizeof(double), order);
  printf("%f %f %f\\n", times[0], times[rounds / 2], sink);
}
`;

/** `stream` is `add` with stores that go past the caches, which WebAssembly does not have; x86 alone. */
export type CLoop = 'add' | 'stream' | 'dot' | 'axpy' | 'bytes';

export interface Rounds {
  readonly rounds: number;
  /** Calls a round: many where a call is too short for the clock. */
  readonly calls: number;
}

/** Why there are no stores past the caches here. */
export function streamsMissing(): string | undefined {
  return process.arch === 'x64' ? compilerMissing() : 'the loop is written for x86';
}

/** Registers of 128 bits as WebAssembly has them, or the widest of this machine; C's baseline on x64 is SSE2. */
export type Width = '128 bits' | 'native';

/** Compiles a loop with `-O3` and returns what measures it: nanoseconds of one call, the least and the median of the rounds. */
export function compileLoop(
  folder: string,
  loop: CLoop,
  width: Width,
  isHuge = false,
): (length: number, rounds: Rounds) => { readonly least: number; readonly median: number } {
  const file = join(folder, 'loops.c');
  const program = join(folder, 'loops');
  writeFileSync(file, SOURCE);
  const flags = width === 'native' ? ['-march=native'] : ['-DWIDTH=16'];
  execFileSync('cc', ['-O3', ...flags, '-o', program, file]);
  return (length, { rounds, calls }) => {
    const [least, median] = execFileSync(
      program,
      [loop, String(length), String(rounds), String(calls), String(Number(isHuge))],
      { encoding: 'utf8' },
    )
      .split(' ')
      .map(Number);
    return { least: least!, median: median! };
  };
}
