import { readFile } from 'node:fs/promises';
import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { compilePolicy, type PolicyError } from '../policy/compile.ts';
import type { Surroundings } from '../policy/checks.ts';
import type { Policy } from '../policy/policy.ts';
import { formatPath } from '../policy/problems.ts';
import { ConfigError } from './config/config-error.ts';

/** The part of a pino logger that is used. */
export interface PolicyLog {
  info(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface PolicyFileOptions extends Surroundings {
  readonly log: PolicyLog;
}

/** The policy in force. */
export interface PolicyFileHandle {
  current(): Policy;
  /** The text that it was read from. */
  text(): string;
  /**
   * Awaited before a changed policy is in force, with its text. When it rejects, the one in force stays, and the change
   * is tried again a moment later.
   */
  beforeChange(step: (policy: Policy, text: string) => Promise<void>): void;
  /** Called after each change, once the new policy is in force. */
  onChange(listener: (policy: Policy) => void): void;
  close(): void;
}

/** Editors write in several steps; what is read sooner may be half a file. */
const settleMs = 100;
/** Some file systems report no changes. */
const pollMs = 5_000;

/**
 * Loads a policy file and follows its changes. A changed file that is wrong in any way is refused as a whole:
 * the policy in force stays, and the log says file, line and reason. Calls in flight keep the policy that they
 * were decided by.
 * @param file absolute path; may be a symbolic link that is swapped (as Kubernetes does with config maps)
 * @throws ConfigError when the first load fails
 */
export async function openPolicyFile(file: string, options: PolicyFileOptions): Promise<PolicyFileHandle> {
  const { text, policy } = await compileFile(file, options);
  const steps: ((policy: Policy, text: string) => Promise<void>)[] = [];
  const listeners: ((policy: Policy) => void)[] = [];
  let current = policy;
  let seen = text;
  let inForce = text;
  const reload = async (): Promise<void> => {
    let changed: string;
    try {
      changed = await readPolicy(file);
    } catch (error) {
      if (seen !== '')
        options.log.error({ file, err: error }, 'the policy file cannot be read; the policy in force stays');
      seen = '';
      return;
    }
    if (changed === seen) return;
    seen = changed;
    const next = compilePolicy(changed, { ...options, file });
    if ('errors' in next) return refuse(options.log, file, current, next.errors);
    if (next.policy.version === current.version) return;
    try {
      for (const step of steps) await step(next.policy, changed);
    } catch (error) {
      seen = inForce;
      const facts = { file, inForce: current.version, err: error };
      options.log.error(facts, 'the changed policy cannot be put in force yet; the one in force stays');
      return;
    }
    options.log.info({ file, from: current.version, to: next.policy.version }, 'policy changed');
    current = next.policy;
    inForce = changed;
    for (const listener of listeners) listener(current);
  };
  const close = follow(file, reload);
  return {
    current: () => current,
    text: () => inForce,
    beforeChange: (step) => void steps.push(step),
    onChange: (listener) => void listeners.push(listener),
    close,
  };
}

function refuse(log: PolicyLog, file: string, current: Policy, errors: readonly PolicyError[]): void {
  const problems = new ConfigError(errors).message;
  log.error(
    { file, inForce: current.version },
    `the changed policy is refused; the one in force stays\n${problems}`,
  );
}

/** Reads and compiles a policy file. @throws ConfigError with file and line when anything is wrong with it */
export async function compileFile(
  file: string,
  surroundings: Surroundings,
): Promise<{ text: string; policy: Policy }> {
  const text = await readPolicy(file);
  const compiled = compilePolicy(text, { ...surroundings, file });
  if ('errors' in compiled) throw new ConfigError(compiled.errors);
  return { text, policy: compiled.policy };
}

/** Reads the whole file. @throws ConfigError when it cannot be read */
export async function readPolicy(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    const message = `the policy cannot be read (${code}); create the file, or name another under \`policy\` in holdpoint.yaml`;
    throw new ConfigError([{ file, line: null, path: formatPath([]), message }]);
  }
}

/** Watches the folder (files are replaced, not rewritten) and looks by itself now and then. */
function follow(file: string, reload: () => Promise<void>): () => void {
  let settling: NodeJS.Timeout | undefined;
  let queue = Promise.resolve();
  const soon = (): void => {
    clearTimeout(settling);
    settling = setTimeout(() => {
      queue = queue.then(reload);
    }, settleMs);
    settling.unref();
  };
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dirname(file), { persistent: false }, (_, name) => {
      if (name === null || name === basename(file) || name.startsWith('..')) soon();
    });
    // Without notifications the regular look remains.
    watcher.on('error', () => watcher?.close());
  } catch {
    watcher = undefined;
  }
  const poll = setInterval(soon, pollMs);
  poll.unref();
  return () => {
    clearTimeout(settling);
    clearInterval(poll);
    watcher?.close();
  };
}
