export const HELP = `hotpath-profile: where a Node program spends its time and its memory

  hotpath-profile run [options] <program> [-- arguments]   CPU profile of a program, from start to end
  hotpath-profile heap [options] <program> [-- arguments]  what it allocates, collected objects included
  hotpath-profile attach [options] <pid>                   CPU profile of a running Node process (Node 22 or later)
  hotpath-profile leak [options] <module#export>           whether memory stays behind with every call of a function

Options
  --out DIR            where files go, made when missing       [hotpath-profile]
  --top N              functions in the table                  [20]
  --interval-us N      run, attach: microseconds per sample    [1000]
  --interval-bytes N   heap: bytes per sample                  [32768]
  --duration S         attach: seconds                         [10]
  --port N             attach: port of its inspector           [9229]
  --iterations N       leak: calls in a round                  [what 20 ms hold]
  --help, --version

Examples
  hotpath-profile run app.js --out profiles
  hotpath-profile run node_modules/.bin/eslint -- src
  hotpath-profile attach 4711 --duration 30
  hotpath-profile heap app.js
  hotpath-profile leak ./dist/cache.js#lookup

run, heap and attach write a flame graph (.svg; open it in a browser) and the profile itself (.cpuprofile, .heapprofile:
Chrome DevTools, VS Code; .speedscope.json: speedscope.app). Ctrl-C ends the profile and writes what there is; a program
that handles it takes its time, and a second Ctrl-C cuts that short.
Exit status: that of the program; for leak 0, 1 where there is a leak, 3 where it stays open, 2 where it cannot be
checked; 2 for wrong usage.
`;
