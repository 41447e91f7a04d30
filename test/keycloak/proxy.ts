import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server that can be cut or stopped up, as if the server were down or slow. */
export interface Way extends AsyncDisposable {
  readonly url: string;
  /** `open`; `cut`: connections are refused; `slow`: they are taken, and nothing comes back. */
  turn(state: 'open' | 'cut' | 'slow'): void;
}

/** Opens a way to a server on this machine. */
export async function wayTo(target: string): Promise<Way> {
  const { hostname, port } = new URL(target);
  let state: 'open' | 'cut' | 'slow' = 'open';
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    if (state === 'cut') socket.destroy();
    if (state !== 'open') return;
    const there = connect(Number(port), hostname);
    there.on('error', () => socket.destroy());
    socket.on('close', () => there.destroy());
    there.on('close', () => socket.destroy());
    socket.pipe(there).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    turn: (next) => {
      state = next;
      drop();
    },
    async [Symbol.asyncDispose]() {
      drop();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
