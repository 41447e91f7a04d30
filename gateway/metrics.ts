/** Counters and gauges of a gateway, in Prometheus' text format. Labels come from closed sets only. */
export interface Metrics {
  /** Counts a request to the agents' listener that has ended. */
  request(method: string, status: number, seconds: number): void;
  /** Counts a fault that a client was told of. */
  fault(code: string): void;
  /** Counts what a detector found in the messages of a connection. */
  masked(connection: string, detector: string, times: number): void;
  /** Counts a token that was opened for a connection. */
  restored(type: string, from: string, to: string): void;
  text(): string;
}

const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

/** One value, or one for each connection. */
export interface Gauge {
  readonly help: string;
  readonly value: () => number | ReadonlyMap<string, number>;
}

/** @param gauges are read when the metrics are asked for */
export function createMetrics(gauges: Readonly<Record<string, Gauge>>): Metrics {
  const requests = new Map<string, number>();
  const faults = new Map<string, number>();
  const masked = new Map<string, number>();
  const restored = new Map<string, number>();
  const buckets = bounds.map(() => 0);
  let count = 0;
  let sum = 0;
  return {
    request(method, status, seconds) {
      const key = `method="${method}",status="${status}"`;
      requests.set(key, (requests.get(key) ?? 0) + 1);
      count++;
      sum += seconds;
      const index = bounds.findIndex((bound) => seconds <= bound);
      if (index !== -1) buckets[index] = (buckets[index] ?? 0) + 1;
    },
    fault(code) {
      const key = `code="${code}"`;
      faults.set(key, (faults.get(key) ?? 0) + 1);
    },
    masked(connection, detector, times) {
      const key = `connection="${connection}",detector="${detector}"`;
      masked.set(key, (masked.get(key) ?? 0) + times);
    },
    restored(type, from, to) {
      const key = `type="${type}",from="${from}",to="${to}"`;
      restored.set(key, (restored.get(key) ?? 0) + 1);
    },
    text() {
      const lines = [
        ...family('holdpoint_gateway_requests_total', 'counter', 'Requests that ended.', requests),
        ...family('holdpoint_gateway_faults_total', 'counter', 'Errors that clients were told of.', faults),
        ...family('holdpoint_masking_found_total', 'counter', 'What detectors hid in messages.', masked),
        ...family('holdpoint_masking_restored_total', 'counter', 'Tokens opened for upstreams.', restored),
        '# HELP holdpoint_gateway_request_seconds Time from a request to the end of its reply.',
        '# TYPE holdpoint_gateway_request_seconds histogram',
      ];
      let below = 0;
      for (const [index, bound] of bounds.entries()) {
        below += buckets[index] ?? 0;
        lines.push(`holdpoint_gateway_request_seconds_bucket{le="${bound}"} ${below}`);
      }
      lines.push(`holdpoint_gateway_request_seconds_bucket{le="+Inf"} ${count}`);
      lines.push(`holdpoint_gateway_request_seconds_sum ${sum}`);
      lines.push(`holdpoint_gateway_request_seconds_count ${count}`);
      for (const [name, { help, value }] of Object.entries(gauges)) lines.push(...gauge(name, help, value()));
      return `${lines.join('\n')}\n`;
    },
  };
}

function gauge(name: string, help: string, value: number | ReadonlyMap<string, number>): string[] {
  if (typeof value === 'number')
    return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`];
  const byConnection = [...value].map(([connection, one]): [string, number] => [
    `connection="${connection}"`,
    one,
  ]);
  return family(name, 'gauge', help, new Map(byConnection));
}

function family(name: string, type: string, help: string, values: ReadonlyMap<string, number>): string[] {
  const samples = [...values].map(([labels, value]) => `${name}{${labels}} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples];
}
