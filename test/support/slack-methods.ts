import { isTooLong, problemsOf, viewProblems } from './slack-blocks.ts';
import { newTs, next, type SlackState, type StandInMessage } from './slack-state.ts';

/** Answer of a Web API method. */
export type Answer =
  | { ok: true; [key: string]: unknown }
  | { ok: false; error: string; [key: string]: unknown };

/** A Web API method: the scope it needs, and what it does. */
export interface Method {
  readonly scope: string | null;
  readonly token: 'bot' | 'app';
  run(state: SlackState, args: Record<string, string>): Answer;
}

const refuse = (error: string, messages: readonly string[] = []): Answer =>
  messages.length > 0 ? { ok: false, error, response_metadata: { messages } } : { ok: false, error };

const triggerLivesMs = 3000;

/** The methods that this project may call; any other is `unknown_method`. */
export const methods: Readonly<Record<string, Method>> = {
  'auth.test': {
    scope: null,
    token: 'bot',
    run: (state) => ({ ok: true, team_id: state.teamId, bot_id: state.botId, user_id: state.botUser }),
  },
  'chat.postMessage': { scope: 'chat:write', token: 'bot', run: postMessage },
  'chat.update': { scope: 'chat:write', token: 'bot', run: updateMessage },
  'chat.postEphemeral': { scope: 'chat:write', token: 'bot', run: postEphemeral },
  'users.info': { scope: 'users:read', token: 'bot', run: usersInfo },
  'users.lookupByEmail': { scope: 'users:read.email', token: 'bot', run: lookupByEmail },
  'usergroups.users.list': { scope: 'usergroups:read', token: 'bot', run: userGroupUsers },
  'conversations.members': { scope: 'channels:read', token: 'bot', run: channelMembers },
  'conversations.history': { scope: 'channels:history', token: 'bot', run: history },
  'conversations.open': { scope: 'im:write', token: 'bot', run: openConversation },
  'views.open': { scope: null, token: 'bot', run: viewsOpen },
  'views.update': { scope: null, token: 'bot', run: viewsUpdate },
  'views.publish': { scope: null, token: 'bot', run: viewsPublish },
};

function conversation(state: SlackState, id: string | undefined): { id: string } | string {
  if (id === undefined) return 'channel_not_found';
  if (state.users.has(id)) return { id: `D${id}` };
  if (id.startsWith('D') && state.users.has(id.slice(1))) return { id };
  const channel = state.channels.get(id);
  if (!channel) return 'channel_not_found';
  return channel.isMember ? { id } : 'not_in_channel';
}

function content(args: Record<string, string>): { text: string; blocks: Record<string, unknown>[] } | Answer {
  const text = args['text'] ?? '';
  const blocks = JSON.parse(args['blocks'] ?? '[]') as Record<string, unknown>[];
  if (text === '' && blocks.length === 0) return refuse('no_text');
  if (text.length > 4000) return refuse('msg_too_long');
  const problems = problemsOf(blocks, 'message');
  if (problems.length > 0) return refuse('invalid_blocks', problems);
  if (isTooLong(blocks, 'message')) return refuse('msg_blocks_too_long');
  return { text, blocks };
}

function postMessage(state: SlackState, args: Record<string, string>): Answer {
  const where = conversation(state, args['channel']);
  if (typeof where === 'string') return refuse(where);
  const what = content(args);
  if ('ok' in what) return what;
  const metadata: unknown = args['metadata'] === undefined ? null : JSON.parse(args['metadata']);
  const threadTs = args['thread_ts'] ?? null;
  if (threadTs !== null && !find(state, where.id, threadTs)) return refuse('thread_not_found');
  const message: StandInMessage = {
    ...what,
    ts: newTs(state),
    channel: where.id,
    metadata,
    threadTs,
    updates: 0,
  };
  state.messages.push(message);
  return { ok: true, channel: where.id, ts: message.ts, message: shown(state, message) };
}

/** A message as Slack hands it out. */
export function shown(state: SlackState, message: StandInMessage): Record<string, unknown> {
  const { ts, text, blocks, metadata, threadTs } = message;
  return {
    type: 'message',
    ts,
    text,
    blocks,
    bot_id: state.botId,
    user: state.botUser,
    app_id: state.appId,
    team: state.teamId,
    ...(metadata === null ? {} : { metadata }),
    ...(threadTs === null ? {} : { thread_ts: threadTs }),
  };
}

function find(state: SlackState, channel: string, ts: string | undefined): StandInMessage | undefined {
  return state.messages.find((message) => message.channel === channel && message.ts === ts);
}

function updateMessage(state: SlackState, args: Record<string, string>): Answer {
  const message = find(state, args['channel'] ?? '', args['ts']);
  if (!message) return refuse('message_not_found');
  const what = content(args);
  if ('ok' in what) return what;
  Object.assign(message, what, { updates: message.updates + 1 });
  return { ok: true, channel: message.channel, ts: message.ts, text: message.text };
}

function postEphemeral(state: SlackState, args: Record<string, string>): Answer {
  const where = conversation(state, args['channel']);
  if (typeof where === 'string') return refuse(where);
  const { user = '' } = args;
  if (!state.users.has(user)) return refuse('user_not_in_channel');
  const what = content(args);
  if ('ok' in what) return what;
  state.ephemerals.push({ user, channel: where.id, text: what.text });
  return { ok: true, message_ts: newTs(state) };
}

function userOf(state: SlackState, id: string): Record<string, unknown> | null {
  const user = state.users.get(id);
  if (!user) return null;
  const mayMail = state.scopes.has('users:read.email') && user.email !== null;
  return {
    id,
    team_id: user.teamId,
    name: user.name.toLowerCase().replaceAll(' ', '.'),
    real_name: user.name,
    deleted: user.deleted,
    is_bot: user.bot,
    is_stranger: user.teamId !== state.teamId,
    is_email_confirmed: true,
    profile: { real_name: user.name, ...(mayMail ? { email: user.email } : {}) },
  };
}

function usersInfo(state: SlackState, args: Record<string, string>): Answer {
  const user = userOf(state, args['user'] ?? '');
  return user ? { ok: true, user } : refuse('user_not_found');
}

function lookupByEmail(state: SlackState, args: Record<string, string>): Answer {
  const wanted = args['email']?.toLowerCase();
  const found = [...state.users.values()].find(
    (user) => user.email?.toLowerCase() === wanted && !user.deleted,
  );
  return found ? { ok: true, user: userOf(state, found.id) } : refuse('users_not_found');
}

function userGroupUsers(state: SlackState, args: Record<string, string>): Answer {
  const group = state.userGroups.get(args['usergroup'] ?? '');
  return group ? { ok: true, users: group.users } : refuse('no_such_subteam');
}

function channelMembers(state: SlackState, args: Record<string, string>): Answer {
  const channel = state.channels.get(args['channel'] ?? '');
  if (!channel) return refuse('channel_not_found');
  // Two a page, so that whoever reads the first page only is noticed.
  const from = Number(args['cursor'] ?? 0);
  const all = channel.members ?? [];
  const next = from + 2 < all.length ? String(from + 2) : '';
  return { ok: true, members: all.slice(from, from + 2), response_metadata: { next_cursor: next } };
}

function history(state: SlackState, args: Record<string, string>): Answer {
  const where = conversation(state, args['channel']);
  if (typeof where === 'string') return refuse(where);
  const oldest = Number(args['oldest'] ?? 0);
  const all = state.messages.filter(
    (message) => message.channel === where.id && message.threadTs === null && Number(message.ts) > oldest,
  );
  const withMetadata = args['include_all_metadata'] === 'true';
  const messages = all.toReversed().map((message) => {
    const { metadata, ...rest } = shown(state, message);
    return withMetadata ? { ...rest, metadata } : rest;
  });
  return { ok: true, messages, has_more: false };
}

function openConversation(state: SlackState, args: Record<string, string>): Answer {
  const user = args['users'] ?? '';
  return state.users.has(user) ? { ok: true, channel: { id: `D${user}` } } : refuse('user_not_found');
}

function viewsOpen(state: SlackState, args: Record<string, string>): Answer {
  const trigger = state.triggers.get(args['trigger_id'] ?? '');
  if (!trigger) return refuse('invalid_trigger_id');
  if (trigger.used) return refuse('exchanged_trigger_id');
  if (Date.now() - trigger.atMs > triggerLivesMs) return refuse('expired_trigger_id');
  const view = checkedView(args);
  if ('ok' in view) return view as Answer;
  trigger.used = true;
  const id = `V${next(state)}`;
  const stored = { id, user: trigger.user, view, hash: `${next(state)}` };
  state.modals.set(id, stored);
  return { ok: true, view: { ...view, id, hash: stored.hash } };
}

function viewsUpdate(state: SlackState, args: Record<string, string>): Answer {
  const old = state.modals.get(args['view_id'] ?? '');
  if (!old) return refuse('not_found');
  if (args['hash'] !== undefined && args['hash'] !== old.hash) return refuse('hash_conflict');
  const view = checkedView(args);
  if ('ok' in view) return view as Answer;
  state.modals.set(old.id, { ...old, view, hash: `${next(state)}` });
  return { ok: true, view: { ...view, id: old.id } };
}

function viewsPublish(state: SlackState, args: Record<string, string>): Answer {
  const user = args['user_id'] ?? '';
  if (!state.users.has(user)) return refuse('user_not_found');
  const view = checkedView(args);
  if ('ok' in view) return view as Answer;
  if (view['type'] !== 'home') return refuse('invalid_arguments', ['[ERROR] only a home view is published']);
  const stored = { id: `V${next(state)}`, user, view, hash: `${next(state)}` };
  state.homes.set(user, stored);
  return { ok: true, view: { ...view, id: stored.id } };
}

function checkedView(args: Record<string, string>): Record<string, unknown> | Answer {
  const view = JSON.parse(args['view'] ?? '{}') as Record<string, unknown>;
  const problems = viewProblems(view);
  if (problems.length > 0) return refuse('invalid_arguments', problems);
  return isTooLong(view['blocks'], 'modal') ? refuse('view_too_large') : view;
}
