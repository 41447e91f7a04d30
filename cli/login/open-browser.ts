import { spawn } from 'node:child_process';

/** Opens an address in the person's browser, as far as this machine has one. Never fails: the address was printed. */
export function openBrowser(address: string, env: Readonly<Record<string, string | undefined>>): void {
  const command = commandFor(process.platform, env);
  if (!command) return;
  const [program, ...args] = command;
  if (program === undefined) return;
  const child = spawn(program, [...args, address], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}

function commandFor(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] | null {
  if (platform === 'darwin') return ['open'];
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  const hasScreen = Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY']);
  // Over SSH a browser would open where nobody sits.
  return hasScreen && !env['SSH_CONNECTION'] ? ['xdg-open'] : null;
}
