import type { Delivery, SlackStandIn } from './slack-stand-in.ts';
import { shown } from './slack-methods.ts';
import { newTs, next, type SlackState, type StandInView } from './slack-state.ts';
import { until } from './until.ts';

type Deliver = SlackStandIn['deliver'];
type Driver = Omit<
  SlackStandIn,
  | 'apiUrl'
  | 'teamId'
  | 'botToken'
  | 'appToken'
  | 'signingSecret'
  | 'scopes'
  | 'transcript'
  | 'sockets'
  | 'socketsOpened'
  | 'deliver'
  | 'deliverTo'
  | 'rateLimit'
  | 'outage'
  | 'refuseOnce'
  | 'disconnectSockets'
  | 'stop'
  | typeof Symbol.asyncDispose
>;

/** The people of the stand-in: what they see, and what they do. */
export function createDriver(state: SlackState, deliver: Deliver): Driver {
  return { ...furnish(state), ...watch(state), ...act(state, deliver) };
}

function furnish(state: SlackState) {
  const id = (prefix: string, given: string | undefined): string => given ?? `${prefix}0STAND${next(state)}`;
  return {
    addUser: (user: Parameters<SlackStandIn['addUser']>[0]): string => {
      const userId = id('U', user.id);
      const { name, email = null, teamId = state.teamId, deleted = false, bot = false } = user;
      state.users.set(userId, { id: userId, name, email, teamId, deleted, bot });
      return userId;
    },
    addChannel: (channel: {
      id?: string;
      name: string;
      isMember?: boolean;
      members?: readonly string[];
    }): string => {
      const channelId = id('C', channel.id);
      state.channels.set(channelId, {
        name: channel.name,
        isMember: channel.isMember ?? true,
        members: channel.members ?? [],
      });
      return channelId;
    },
    addUserGroup: (group: { id?: string; handle: string; users: string[] }): string => {
      const groupId = id('S', group.id);
      state.userGroups.set(groupId, { handle: group.handle, users: group.users });
      return groupId;
    },
    setUserGroup: (groupId: string, users: string[]): void => {
      const group = state.userGroups.get(groupId);
      if (!group) throw new Error(`no user group ${groupId}`);
      group.users = users;
    },
    deleteMessage: (at: { channel: string; ts: string }): void => {
      const index = state.messages.findIndex(({ channel, ts }) => channel === at.channel && ts === at.ts);
      if (index < 0) throw new Error('no such message');
      state.messages.splice(index, 1);
    },
  };
}

function watch(state: SlackState) {
  const messages: SlackStandIn['messages'] = (channel) =>
    state.messages.filter((message) => message.channel === channel);
  const ephemerals: SlackStandIn['ephemerals'] = (user) =>
    state.ephemerals.filter((message) => message.user === user);
  const waitForMessage: SlackStandIn['waitForMessage'] = (
    channel,
    matches = () => true,
    timeoutMs = 30_000,
  ) =>
    until(`a message in ${channel}`, () => messages(channel).find((message) => matches(message)), timeoutMs);
  const waitForEphemeral: SlackStandIn['waitForEphemeral'] = (
    user,
    matches = () => true,
    timeoutMs = 30_000,
  ) =>
    until(
      `an ephemeral message to ${user}`,
      () => ephemerals(user).find(({ text }) => matches(text)),
      timeoutMs,
    );
  const waitForModal: SlackStandIn['waitForModal'] = (user, timeoutMs = 30_000) =>
    until(
      `a modal of ${user}`,
      () => [...state.modals.values()].findLast((view) => view.user === user),
      timeoutMs,
    );
  const home: SlackStandIn['home'] = (user) => state.homes.get(user);
  return { messages, ephemerals, waitForMessage, waitForEphemeral, waitForModal, home };
}

function act(state: SlackState, deliver: Deliver) {
  const trigger = (user: string): string => {
    const id = `${next(state)}.${next(state)}.trigger`;
    state.triggers.set(id, { user, atMs: Date.now(), used: false });
    return id;
  };
  const common = (userId: string, teamId?: string) => {
    const user = state.users.get(userId);
    if (!user) throw new Error(`no user ${userId}`);
    return {
      api_app_id: state.appId,
      token: 'verification-token',
      team: { id: teamId ?? state.teamId, domain: 'stand-in' },
      user: { id: userId, username: user.name, name: user.name, team_id: user.teamId },
      enterprise: null,
      is_enterprise_install: false,
    };
  };
  const repeatedly = async (times: number, payload: object): Promise<Delivery> => {
    const all = await Promise.all(Array.from({ length: times }, () => deliver('interactive', payload)));
    return all[0] ?? { acknowledged: false, response: null };
  };

  const click: SlackStandIn['click'] = async (user, at, actionId, options = {}) => {
    const message = state.messages.find(({ channel, ts }) => channel === at.channel && ts === at.ts);
    if (!message) throw new Error('no such message');
    const { times = 1, actionTs = newTs(state), teamId, value, choose } = options;
    const found =
      choose === undefined
        ? buttonOn(message.blocks, actionId, value)
        : optionOn(message.blocks, actionId, choose);
    return repeatedly(times, {
      ...common(user, teamId),
      type: 'block_actions',
      container: { type: 'message', message_ts: at.ts, channel_id: at.channel, is_ephemeral: false },
      trigger_id: trigger(user),
      channel: { id: at.channel, name: state.channels.get(at.channel)?.name ?? 'directmessage' },
      message: shown(state, message),
      state: { values: {} },
      actions: [{ type: 'button', ...found, action_ts: actionTs }],
    });
  };
  const clickView: SlackStandIn['clickView'] = async (user, view, actionId, value) =>
    deliver('interactive', {
      ...common(user),
      type: 'block_actions',
      container: { type: 'view', view_id: view.id },
      trigger_id: trigger(user),
      view: { ...view.view, id: view.id, state: { values: {} } },
      actions: [
        {
          ...buttonOn(view.view['blocks'] as Record<string, unknown>[], actionId, value),
          type: 'button',
          action_ts: newTs(state),
        },
      ],
    });
  const submit: SlackStandIn['submit'] = async (user, view, values, times = 1) => {
    const delivery = await repeatedly(times, {
      ...common(user),
      type: 'view_submission',
      trigger_id: trigger(user),
      view: { ...view.view, id: view.id, hash: view.hash, state: { values: stateOf(view, values) } },
    });
    const answer = delivery.response as { response_action?: string } | undefined;
    if (delivery.acknowledged && answer?.response_action === undefined) state.modals.delete(view.id);
    return delivery;
  };
  const command: SlackStandIn['command'] = async (user, text, channel = 'C0ANY') =>
    deliver('slash_commands', {
      ...flat(common(user)),
      command: '/holdpoint',
      text,
      channel_id: channel,
      channel_name: 'any',
      trigger_id: trigger(user),
      response_url: 'https://hooks.slack.invalid/commands/1',
    });
  const openHome: SlackStandIn['openHome'] = async (user) =>
    deliver('events_api', {
      type: 'event_callback',
      team_id: state.teamId,
      api_app_id: state.appId,
      event_id: `Ev${next(state)}`,
      event_time: Math.floor(Date.now() / 1000),
      authorizations: [{ team_id: state.teamId, user_id: state.botUser, is_bot: true }],
      event: { type: 'app_home_opened', user, channel: `D${user}`, tab: 'home', event_ts: newTs(state) },
    });
  return { click, clickView, submit, command, openHome };
}

/** Finds a button that is really there: nobody can click what is not shown. */
function buttonOn(
  blocks: readonly Record<string, unknown>[],
  actionId: string,
  value?: string,
): Record<string, unknown> {
  for (const block of blocks) {
    const elements = [...((block['elements'] as unknown[]) ?? []), block['accessory']].filter(Boolean);
    for (const element of elements as Record<string, unknown>[])
      if (element['action_id'] === actionId && (value === undefined || element['value'] === value))
        return { ...element, block_id: block['block_id'] };
  }
  throw new Error(`there is no button ${actionId}`);
}

/** Chooses from a menu that is really there. */
function optionOn(
  blocks: readonly Record<string, unknown>[],
  actionId: string,
  value: string,
): Record<string, unknown> {
  for (const { elements, block_id: blockId } of blocks)
    for (const element of (elements as Record<string, unknown>[] | undefined) ?? []) {
      const options = (element['options'] as { value: string }[] | undefined) ?? [];
      const chosen = options.find((option) => option.value === value);
      if (element['action_id'] === actionId && chosen)
        return { type: 'overflow', action_id: actionId, block_id: blockId, selected_option: chosen };
    }
  throw new Error(`there is no ${value} in a menu ${actionId}`);
}

/** Input values, found by the action id of their element. */
function stateOf(view: StandInView, values: Record<string, string>): Record<string, object> {
  type Option = { value: string };
  type Element = { action_id: string; type: string; options?: Option[]; initial_option?: Option };
  const blocks = view.view['blocks'] as { block_id: string; element?: Element }[];
  const entered = ({ action_id: id, type, options, initial_option: initial }: Element): object => {
    if (type !== 'static_select') return { type, value: values[id] ?? null };
    // A value that is not offered is sent all the same: a client that was tampered with may.
    const chosen =
      values[id] === undefined
        ? initial
        : (options?.find((one) => one.value === values[id]) ?? { value: values[id] });
    return { type, selected_option: chosen ?? null };
  };
  return Object.fromEntries(
    blocks.flatMap(({ block_id: blockId, element }) =>
      element ? [[blockId, { [element.action_id]: entered(element) }]] : [],
    ),
  );
}

/** A slash command's payload is flat. */
function flat(common: {
  team: { id: string };
  user: { id: string; name: string };
  api_app_id: string;
  token: string;
}) {
  return {
    token: common.token,
    team_id: common.team.id,
    team_domain: 'stand-in',
    user_id: common.user.id,
    user_name: common.user.name,
    api_app_id: common.api_app_id,
    is_enterprise_install: 'false',
  };
}
