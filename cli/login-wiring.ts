import { createInterface } from 'node:readline';
import { configOf } from './command-wiring.ts';
import { login, type LoginDeps, logout } from './commands/login.ts';
import { openBrowser } from './login/open-browser.ts';
import { userSignIns } from './login/sign-ins.ts';
import type { Invocation } from './main.ts';
import { programVersion } from './version.ts';

/** `holdpoint login` */
export function loginCommand(invocation: Invocation): Promise<number> {
  return withTerminal(invocation, login);
}

/** `holdpoint logout` */
export function logoutCommand(invocation: Invocation): Promise<number> {
  return withTerminal(invocation, logout);
}

async function withTerminal(
  invocation: Invocation,
  run: (argv: readonly string[], deps: LoginDeps) => Promise<number>,
): Promise<number> {
  const { argv, env, out, err } = invocation;
  const terminal = process.stdin.isTTY ? createInterface({ input: process.stdin }) : null;
  const signIns = userSignIns(env);
  try {
    return await run(argv, {
      signIns,
      server: () => serverFor(invocation, signIns),
      openBrowser: (address) => openBrowser(address, env),
      pasted: terminal,
      version: programVersion(),
      out,
      err,
    });
  } finally {
    terminal?.close();
  }
}

async function serverFor(invocation: Invocation, signIns: LoginDeps['signIns']): Promise<string | null> {
  const { server, configFile, dataDir, env } = invocation;
  if (server !== undefined) return server;
  const here = configFile !== undefined || dataDir !== undefined;
  const named = here ? null : env['HOLDPOINT_SERVER'] || (await signIns.current());
  if (named) return named;
  const { file, console: settings } = await configOf(invocation);
  return here || file !== null ? settings.publicUrl : null;
}
