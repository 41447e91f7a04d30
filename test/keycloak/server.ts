import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../cli/embedded/postgres.ts';
import { cacheDir } from '../../cli/embedded/temporal-binary.ts';

const run = promisify(execFile);
/** Runs on Java 17 and later. */
const version = '26.4.7';

/** A Keycloak of its own, with an administrator `admin`. */
export interface Keycloak extends AsyncDisposable {
  readonly url: string;
}

/** Fetches Keycloak's distribution from Maven Central, once, into the cache. @returns where it is */
async function fetched(): Promise<string> {
  const cache = join(cacheDir(process.env), 'keycloak');
  const folder = join(cache, `keycloak-${version}`);
  if (existsSync(join(folder, 'bin', 'kc.sh'))) return folder;
  await mkdir(cache, { recursive: true });
  const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy';
  const artifact = `-Dartifact=org.keycloak:keycloak-quarkus-dist:${version}:zip`;
  await run('mvn', ['-q', '-B', copy, artifact, `-DoutputDirectory=${cache}`]);
  const archive = join(cache, `keycloak-quarkus-dist-${version}.zip`);
  const scratch = join(cache, `unpacked-${process.pid}`);
  await run('unzip', ['-q', archive, '-d', scratch]);
  await rename(join(scratch, `keycloak-${version}`), folder);
  await rm(scratch, { recursive: true });
  await rm(archive);
  return folder;
}

/** Starts Keycloak with nothing in it. It keeps its data in memory, and builds itself at the first start. */
export async function startKeycloak(): Promise<Keycloak> {
  const folder = await fetched();
  const [port, managementPort] = [await freePort(), await freePort()];
  const options = ['start-dev', '--db=dev-mem', '--http-host=127.0.0.1', `--http-port=${port}`];
  const child = spawn(
    join(folder, 'bin', 'kc.sh'),
    [...options, `--http-management-port=${managementPort}`, '--features=token-exchange,dpop'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: {
        ...process.env,
        KC_BOOTSTRAP_ADMIN_USERNAME: 'admin',
        KC_BOOTSTRAP_ADMIN_PASSWORD: 'admin',
      },
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const url = `http://127.0.0.1:${port}`;
  const late = Date.now() + 240_000;
  const answers = async (): Promise<boolean> =>
    fetch(`${url}/realms/master`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await answers())) {
    if (child.exitCode !== null || Date.now() > late) throw new Error(`Keycloak did not start:\n${output}`);
    await new Promise((done) => setTimeout(done, 500));
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once('close', resolve));
      // The shell script and the Java that it runs.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      await ended;
    },
  };
}
