/** One thing that is wrong, where it is, and what to do. Never contains a value that might be a secret. */
export interface ConfigProblem {
  /** The file, or `environment`. */
  readonly file: string;
  /** 1-based; null when the problem is not at a place in a file. */
  readonly line: number | null;
  /** Dotted key path, or the name of the variable; empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

/** Refused configuration. The message lists every problem, one a line. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `holdpoint.yaml:12: agents.listen: must be …` */
export function formatProblem({ file, line, path, message }: ConfigProblem): string {
  const place = line === null ? file : `${file}:${line}`;
  return path === '' ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
}
