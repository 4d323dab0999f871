import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The addition of two f32 vectors as a C compiler makes it; prints the nanoseconds of one round, the median of many.
 *
 * On equal terms with the kernel: the three vectors lie one behind the other, as in the heap (three blocks of malloc begin at
 * the same offset in their pages, which makes their loads and stores collide), and every page was written before the clock
 * starts. With `huge` the memory is in pages of 2 MB where the system gives them to who asks, which no JavaScript can.
 */
const SOURCE = `
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <sys/mman.h>
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e9 + t.tv_nsec; }
__attribute__((noinline)) static void add(float *restrict out, const float *restrict a, const float *restrict b, long n) {
  for (long i = 0; i < n; i++) out[i] = a[i] + b[i];
}
static int order(const void *x, const void *y) { double d = *(const double *)x - *(const double *)y; return (d > 0) - (d < 0); }
int main(int argc, char **argv) {
  long n = atol(argv[1]);
  int rounds = atoi(argv[2]);
  size_t page = 1 << 21, vector = ((size_t)n * 4 + 63) / 64 * 64, all = (3 * vector + page - 1) / page * page;
  char *memory = aligned_alloc(page, all);
#ifdef MADV_HUGEPAGE
  if (atoi(argv[3])) madvise(memory, all, MADV_HUGEPAGE);
#endif
  float *a = (float *)memory, *b = (float *)(memory + vector), *out = (float *)(memory + 2 * vector);
  double *times = malloc(rounds * sizeof(double));
  for (long i = 0; i < n; i++) { a[i] = (float)(i % 1000) / 1000; b[i] = (float)(i % 777) / 777; out[i] = 0; }
  for (int r = 0; r < rounds; r++) { double t = now(); add(out, a, b, n); times[r] = now() - t; }
  qsort(times, rounds, sizeof(double), order);
  printf("%f %f\\n", times[rounds / 2], out[n - 1]);
}
`;

export function compilerMissing(): string | undefined {
  const { error, status } = spawnSync('cc', ['--version'], { stdio: 'ignore' });
  return error === undefined && status === 0 ? undefined : 'there is no C compiler (cc) on the PATH';
}

/** Compiles the loop with `-O3 -march=native` and returns what measures it: nanoseconds of the median round. */
export function compileTriad(folder: string, length: number, isHuge: boolean): (rounds: number) => number {
  const file = join(folder, 'triad.c');
  const program = join(folder, 'triad');
  writeFileSync(file, SOURCE);
  execFileSync('cc', ['-O3', '-march=native', '-o', program, file]);
  return (rounds) =>
    Number(
      execFileSync(program, [String(length), String(rounds), String(Number(isHuge))], {
        encoding: 'utf8',
      }).split(' ')[0],
    );
}
