import { type Level, type Logger, type LoggerOptions, pino } from 'pino';

export type { Logger } from 'pino';

/**
 * The process's logger: JSON lines on standard error, so that standard output stays for what a command prints.
 * What is logged was masked before; the paths below are a second net for headers.
 */
export function createLog(level: string, role: string): Logger {
  return pino(options(level, role), pino.destination({ dest: 2, sync: false }));
}

/** As {@link createLog}, but into a file; only warnings and errors are shown to the person at the terminal as well. */
export function createFileLog(level: string, role: string, file: string): Logger {
  const streams = [
    { level: level as Level, stream: pino.destination({ dest: file, mkdir: true, sync: false }) },
    { level: 'warn' as const, stream: pino.destination({ dest: 2, sync: false }) },
  ];
  return pino(options(level, role), pino.multistream(streams));
}

function options(level: string, role: string): LoggerOptions {
  return {
    level,
    base: { role, pid: process.pid },
    redact: {
      paths: ['req.headers.authorization', 'req.headers.cookie', 'headers.authorization', 'headers.cookie'],
      censor: '[masked]',
    },
  };
}
