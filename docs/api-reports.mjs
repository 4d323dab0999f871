// Writes what each package exports, with its types, to docs/api/<package>.api.md, so that a change of the public face shows in
// review. Run it as `pnpm api` after a build; `pnpm api --check` compares and fails where a report is not the one committed.

import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');
const reports = `${root}docs/api`;
const fresh = `${root}docs/.vitepress/cache/api`;
const silent = { default: { logLevel: 'none' } };

const readIfThere = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

mkdirSync(reports, { recursive: true });
for (const name of ['memory', 'cpu', 'io', 'database', 'cache', 'profile']) {
  const folder = `${root}packages/${name}`;
  const config = ExtractorConfig.prepare({
    configObjectFullPath: `${folder}/api-extractor.json`,
    packageJsonFullPath: `${folder}/package.json`,
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: `${folder}/dist/index.d.ts`,
      compiler: { tsconfigFilePath: `${folder}/tsconfig.json`, skipLibCheck: true },
      apiReport: {
        enabled: true,
        reportFileName: name,
        reportFolder: check ? fresh : reports,
        reportTempFolder: fresh,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: { extractorMessageReporting: silent, tsdocMessageReporting: silent },
    },
  });
  Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      message.handled = true;
    },
  });
  const same = !check || readIfThere(`${fresh}/${name}.api.md`) === readIfThere(`${reports}/${name}.api.md`);
  console.log(`${same ? 'ok   ' : 'FAIL '} ${name}.api.md`);
  if (!same) process.exitCode = 1;
}
rmSync(fresh, { recursive: true, force: true });
