// Writes what each package exports, with its types, to docs/api/<package>.api.md, and what a subpath has beside that to
// docs/api/<package>-<subpath>.api.md, so that a change of the public face shows in review. Run it as `pnpm api` after a build;
// `pnpm api --check` compares and fails where a report is not the one committed, or nobody's any more.

import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { entryPoints } from './entry-points.mjs';

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

const judge = (isRight, file) => {
  console.log(`${isRight ? 'ok   ' : 'FAIL '} ${file}`);
  if (!isRight) process.exitCode = 1;
};

mkdirSync(reports, { recursive: true });
const leftOver = new Set(readdirSync(reports));
for (const { package: name, folder, subpath, types } of await entryPoints()) {
  const report = subpath === '' ? name : `${name}-${subpath}`;
  const config = ExtractorConfig.prepare({
    configObjectFullPath: `${folder}/api-extractor.json`,
    packageJsonFullPath: `${folder}/package.json`,
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: types,
      compiler: { tsconfigFilePath: `${folder}/tsconfig.json`, skipLibCheck: true },
      apiReport: {
        enabled: true,
        reportFileName: report,
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
  const file = `${report}.api.md`;
  leftOver.delete(file);
  judge(!check || readIfThere(`${fresh}/${file}`) === readIfThere(`${reports}/${file}`), file);
}
for (const file of leftOver) {
  if (check) judge(false, `${file}, which nothing exports`);
  else rmSync(`${reports}/${file}`);
}
rmSync(fresh, { recursive: true, force: true });
