import type { StandInMessage, StandInView } from './slack-state.ts';

/** What became of a payload that was sent to the app. */
export interface Delivery {
  /** Whether the app acknowledged it within three seconds. */
  readonly acknowledged: boolean;
  /** What the acknowledgement carried. */
  readonly response: unknown;
}

/** How calls of the Web API fail: not at all, refused connections, HTTP 500, or done without an answer. */
export type Outage = 'none' | 'refuse' | 'http500' | 'afterEffect';

/** A strict Slack of our own: Web API, Socket Mode and signed HTTP deliveries, by Slack's published rules. */
export interface SlackStandIn extends AsyncDisposable {
  readonly apiUrl: string;
  readonly teamId: string;
  readonly botToken: string;
  readonly appToken: string;
  readonly signingSecret: string;
  /** Scopes of the bot token; the manifest's until changed. */
  readonly scopes: Set<string>;
  /** Everything that went in and out, for canary greps. */
  readonly transcript: readonly string[];
  readonly sockets: number;
  /** How many Socket Mode connections were ever opened. */
  readonly socketsOpened: number;
  addUser(user: {
    id?: string;
    name: string;
    email?: string;
    teamId?: string;
    deleted?: boolean;
    bot?: boolean;
  }): string;
  addChannel(channel: { id?: string; name: string; isMember?: boolean; members?: readonly string[] }): string;
  addUserGroup(group: { id?: string; handle: string; users: string[] }): string;
  setUserGroup(id: string, users: string[]): void;
  /** The messages of a conversation as they stand now. */
  messages(channel: string): StandInMessage[];
  deleteMessage(at: { channel: string; ts: string }): void;
  ephemerals(user: string): { channel: string; text: string }[];
  waitForMessage(
    channel: string,
    matches?: (message: StandInMessage) => boolean,
    timeoutMs?: number,
  ): Promise<StandInMessage>;
  waitForEphemeral(
    user: string,
    matches?: (text: string) => boolean,
    timeoutMs?: number,
  ): Promise<{ channel: string; text: string }>;
  waitForModal(user: string, timeoutMs?: number): Promise<StandInView>;
  /**
   * Clicks a button that is on the message now, or chooses from a menu. `times` delivers the same click again, as a
   * redelivery would.
   */
  click(
    user: string,
    at: { channel: string; ts: string },
    actionId: string,
    options?: { actionTs?: string; times?: number; teamId?: string; value?: string; choose?: string },
  ): Promise<Delivery>;
  /** Clicks a button of a home view or a modal. */
  clickView(user: string, view: StandInView, actionId: string, value?: string): Promise<Delivery>;
  submit(user: string, view: StandInView, values: Record<string, string>, times?: number): Promise<Delivery>;
  command(user: string, text: string, channel?: string): Promise<Delivery>;
  openHome(user: string): Promise<Delivery>;
  home(user: string): StandInView | undefined;
  /** Sends any payload as Slack would. */
  deliver(type: 'interactive' | 'slash_commands' | 'events_api', payload: object): Promise<Delivery>;
  /** Deliveries go to this URL, signed, instead of over Socket Mode. */
  deliverTo(url: string): void;
  rateLimit(method: string, retryAfterSec: number, times?: number): void;
  outage(mode: Outage, onlyMethod?: string): void;
  /** The next call of a method is refused with this error. */
  refuseOnce(method: string, error: string): void;
  disconnectSockets(reason: 'warning' | 'refresh_requested'): void;
  stop(): Promise<void>;
}
