import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { measureActivities } from '../../activities/approval-metrics.ts';
import { createActivities } from '../../activities/settling.ts';
import { testDatabase } from '../support/postgres.ts';

const file = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('every alarm and every panel asks for metrics that exist, and the runbook says what to do', async () => {
  await using db = await testDatabase();
  const text = await measureActivities(
    createActivities({
      pool: db.pool,
      cards: null,
      recording: null,
      log: { info: () => {}, warn: () => {} },
    }),
    db.pool,
  ).text();
  const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const { groups } = parse(file('deploy/prometheus-alerts.yaml')) as {
    groups: { rules: { alert: string; expr: string }[] }[];
  };
  const rules = groups.flatMap((group) => group.rules);
  assert.ok(rules.length >= 5);
  const runbook = file('docs/runbook.md');
  for (const { alert, expr } of rules) {
    assert.match(runbook, new RegExp(`^### ${alert}$`, 'm'));
    for (const [name] of expr.matchAll(/holdpoint_\w+/g)) assert.ok(known.has(name), `${alert}: ${name}`);
  }
  for (const [name] of file('deploy/grafana-dashboard.json').matchAll(/holdpoint_\w+/g))
    assert.ok(known.has(name.replace(/_bucket$/, '')), name);
});
