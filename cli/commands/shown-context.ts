import type { CallContext, Changes, ShownPreview } from '../../db/held-context.ts';

/** A line of output: what it is called, and what it says. Texts are other people's words: to be made visible. */
export type ShownLine = readonly [name: string, value: string];

/** What helps to decide on a call, as its card in Slack and its page in the console show it. */
export function contextLines(context: CallContext | null): readonly ShownLine[] {
  if (!context) return [];
  const { unclear, resubmits, previous, preview, history, recent } = context;
  return [
    ...(unclear
      ? [
          [
            'Beware',
            `it may have happened already: the identical call ${unclear.callId} of ${iso(unclear.atMs)} was sent and never answered`,
          ] as const,
        ]
      : []),
    ...(resubmits
      ? [
          [
            'Follows',
            `the denied call ${resubmits.callId}: ${resubmits.by ?? 'an approver'}${resubmits.reason === null ? '' : `: ${resubmits.reason}`}`,
          ] as const,
          ...(resubmits.bounds === null ? [] : [['Bounds', resubmits.bounds] as const]),
          ...changeLines(resubmits.changes),
        ]
      : []),
    ...(previous && !resubmits
      ? [
          ['Compared', `with the last approved call, ${previous.callId} of ${iso(previous.atMs)}`] as const,
          ...changeLines(previous.changes),
        ]
      : []),
    ...(preview ? previewLines(preview) : []),
    [
      'Before',
      `such calls of this caller: ${history.approved} approved, ${history.denied} denied in ${history.days} days`,
    ],
    ...(recent.length === 0
      ? []
      : [['Session', recent.map(({ tool, verdict }) => `${tool} (${verdict})`).join(', ')] as const]),
  ];
}

function changeLines({ list, more }: Changes): readonly ShownLine[] {
  if (list.length === 0) return [['Changed', 'nothing']];
  const value = (text: string | null): string => text ?? 'nothing';
  return [
    ...list.map(
      ({ path, before, after }) =>
        ['Changed', `${path === '' ? 'arguments' : path}: ${value(before)} → ${value(after)}`] as const,
    ),
    ...(more > 0 ? [['Changed', `and ${more} more`] as const] : []),
  ];
}

function previewLines({ tool, ok, text, leftOut }: ShownPreview): readonly ShownLine[] {
  if (!ok) return [['Preview', `none by ${tool}: ${text}`]];
  return [
    ['Preview', `by ${tool}, what the server said when the call was held:`],
    ...text.split('\n').map((line) => ['', line] as const),
    ...(leftOut > 0 ? [['', `(${leftOut} characters left out at the end)`] as const] : []),
  ];
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
