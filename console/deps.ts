import type { KeyObject } from 'node:crypto';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Freeze } from '../db/kill-switch.ts';
import type { ReportOutcome, ReportProgress, ReportWanted } from '../db/mask-reports.ts';
import type { StandingSignIn } from '../db/oauth-sign-ins.ts';
import type { Pool } from '../db/pool.ts';
import type { ConnectDesk } from '../gateway/connect/desk.ts';
import type { Masked } from '../masking/masked.ts';
import type { Approvals } from '../workflows/client.ts';
import type { MaskingEngine } from '../masking/engine.ts';
import type { Policy } from '../policy/policy.ts';
import type { KeyRing } from '../recording/key-ring.ts';
import type { RecordReader } from '../recording/reader.ts';
import type { BreakGlassDesk } from './break-glass.ts';
import type { DefinitionDesk } from './definition-decision.ts';
import type { RecordAct } from './acts.ts';
import type { SignedLog } from './inclusion.ts';
import type { Identity, LookIntoSlack } from './identity.ts';
import type { RunningReports } from './mask-report.ts';
import type { ContainmentDeps } from '../db/revoke.ts';
import type { Roles } from './roles.ts';
import type { Auditors } from './sight.ts';
import type { Slots } from './slots.ts';
import type { Visits } from './visits.ts';

/** How people prove who they are. */
export type LoginSettings =
  /** By the credential in the data directory. Only on a loopback listener. */
  | { readonly mode: 'local'; readonly credential: string }
  /** By an OpenID Connect provider: code flow with PKCE, state and nonce. */
  | {
      readonly mode: 'oidc';
      readonly issuer: string;
      readonly clientId: string;
      readonly clientSecret: string;
      /** Claim that lists directory groups; `groups` when left out. */
      readonly groupsClaim?: string;
      /** `openid email profile offline_access` when left out. */
      readonly scope?: string;
    }
  /** By a SAML 2.0 identity provider: signed responses with signed assertions. */
  | {
      readonly mode: 'saml';
      readonly idpEntityId: string;
      /** Where browsers are sent to sign in. */
      readonly entryPoint: string;
      /** PEM certificates of the keys that it signs with. */
      readonly idpCerts: readonly string[];
      /** How the console is known to it. */
      readonly entityId: string;
      readonly groupsAttribute: string;
      readonly emailAttribute: string | null;
      readonly nameAttribute: string | null;
      /** What names a person for good; null takes the name id. */
      readonly subjectAttribute: string | null;
      readonly clockSkewMs: number;
      /** PEM of the key that signs requests; null where they are not signed. */
      readonly privateKey: string | null;
      /** Its certificate, for the metadata. */
      readonly publicCert: string | null;
    };

/** What it takes to read recordings. */
export interface Recordings {
  readonly reader: RecordReader;
  readonly keyRing: KeyRing;
  /** Records that somebody looked, before they see anything. */
  readonly recordAct: RecordAct;
  /** The signed log, to check what is shown against; left out where the process does not know its public key. */
  readonly log?: SignedLog | null;
}

/** The policy as this process has loaded it; each is asked anew for every page. */
export interface PolicyInForce {
  readonly policy: () => Policy;
  readonly masking: () => MaskingEngine;
  /** Names of the masking profiles, the default one first. */
  readonly profiles: () => readonly string[];
}

/** What opening sealed copies needs, besides reading recordings. */
export interface BreakGlassKeys extends Pick<BreakGlassDesk, 'voteKey' | 'votePublicKeys'> {
  /** null: requests are made and answered here, and looked at where the key is. */
  readonly privateKey: KeyObject | null;
}

/** Says what is wrong with the text of a policy. */
export type CheckPolicy = (
  text: string,
) => readonly { readonly line: number | null; readonly path: string; readonly message: string }[];

/** A policy made ready to be compared with recorded traffic. */
export interface ReadyReport {
  readonly policyVersion: string;
  /** Names of its masking profiles. */
  readonly profiles: readonly string[];
  /** Rejects with the signal's reason when it is ended early. Called once. */
  run(
    wanted: ReportWanted,
    watch: { readonly onProgress: (progress: ReportProgress) => void; readonly signal: AbortSignal },
  ): Promise<ReportOutcome>;
}

/** The text of a changed policy, with those of its rule files that came along. */
export interface ChangedPolicy {
  readonly text: string;
  readonly ruleFiles: readonly { readonly path: string; readonly text: string }[];
}

/** Makes ready a changed policy, or with null the one in force; or says what is wrong with the text. */
export type ReadyMaskReport = (
  changed: ChangedPolicy | null,
) => Promise<ReadyReport | { readonly problems: ReturnType<CheckPolicy> }>;

/** What revoking needs, besides the record of acts. */
export type Containment = Pick<ContainmentDeps, 'maskText' | 'cancelWorkflow'>;

/** How tokens of the built-in authorization server, for the API, are checked. */
export interface SignInTokens {
  /** The authorization server. */
  readonly issuer: string;
  /** Who signed in, while that stands; null for whatever is no token for this API. */
  readonly verify: (token: string) => Promise<StandingSignIn | null>;
}

/** What access tokens may be like. */
export interface TokenRules {
  readonly longestMs: number;
  /** Every scope that there is: `mcp:<connection>` and `mcp:<connection>:<class>`. */
  readonly scopes: readonly string[];
}

/** What operations are given; what is left out cannot be done, and whoever asks for it is told so. */
export interface ActDeps {
  readonly pool: Pool;
  readonly approvals: Pick<Approvals, 'decide' | 'extend' | 'cancel'>;
  readonly log: FastifyBaseLogger;
  /** Masks what people write before it is stored. */
  readonly maskText: (text: string) => Masked<string>;
  /** Where people belong in Slack; left out where no Slack is configured. */
  readonly lookIntoSlack?: LookIntoSlack | null;
  /** Who may look at recordings and at every request, where people sign in at an identity provider; nobody when left out. */
  readonly auditors?: Auditors | null;
  /** Who is what on Holdpoint itself, where people sign in at an identity provider; nobody is when left out. */
  readonly roles?: Roles;
  /** Left out: nothing is revoked here. */
  readonly containment?: Containment | null;
  /** Left out where the process has no keys: the pages then say so. */
  readonly recordings?: Recordings | null;
  /** Left out where no sealed copies are kept. */
  readonly breakGlass?: BreakGlassKeys | null;
  /** Left out where the process has loaded no policy: the pages then say so. */
  readonly rules?: PolicyInForce | null;
  /** Says what is wrong with the text of a policy; left out where the connections are not known. */
  readonly checkPolicy?: CheckPolicy | null;
  /** Left out: nothing is compared with what a policy would mask. */
  readonly maskReport?: ReadyMaskReport | null;
  /** Holdpoint's version, as the API names it. */
  readonly version?: string;
  /** Left out: nobody makes access tokens here. */
  readonly tokens?: TokenRules | null;
  /** Left out where nobody signs in at upstream servers themselves. */
  readonly connections?: ConnectDesk | null;
  /** Left out where the process cannot sign decisions on tool definitions. */
  readonly definitions?: Omit<DefinitionDesk, 'pool'> | null;
  /** Left out where proofs are to hold no keys to check votes with. */
  readonly votePublicKeys?: Readonly<Record<string, string>>;
  readonly now?: () => Date;
}

/** What the console is given. */
export interface ConsoleDeps extends ActDeps {
  readonly listen: { readonly host: string; readonly port: number };
  /** Where browsers reach the console. Port 0 stands for the port that was bound. */
  readonly publicUrl: string;
  readonly login: LoginSettings | null;
  /** Left out where there is no built-in authorization server. */
  readonly signIns?: SignInTokens | null;
}

/** How somebody proved themselves to the identity provider, as it says. */
export interface Authentication {
  readonly acr: string | null;
  readonly amr: readonly string[];
  /** null where it does not say. */
  readonly at: Date | null;
  /** The same where it is certain: what a fresh proof is measured by. */
  readonly provenAt: Date | null;
}

/** Somebody's session in one request. */
export interface Visit {
  readonly identity: Identity;
  readonly signedInAt: Date;
  readonly authentication: Authentication;
  /** To be sent back with every form. */
  readonly csrf: string;
  /** The session's secret, as the browser's cookie holds it. */
  readonly secret: string;
  readonly sealedTokens: Uint8Array | null;
  /** The freeze in force, for the banner; left out where nobody has looked. */
  readonly freeze?: Freeze | null;
}

/** What came of looking a person up again right before they decide. */
export type LookedAgain = { readonly identity: Identity } | { readonly signInAgain: string };

/** A way to sign in. */
export interface Login {
  readonly mode: LoginSettings['mode'];
  /** Names the settings, so that sessions made under others are no sessions. */
  readonly binding: string;
  /** Adds the routes under `/login`. */
  routes(app: FastifyInstance, context: ConsoleContext): void;
  /** Who the person is at this moment; asked before each decision. */
  lookAgain(visit: Visit, context: ConsoleContext): Promise<LookedAgain>;
  /** Who a command line on the same machine proves to be; left out where people sign in at an identity provider. */
  readonly atCommandLine?: (secret: string, context: ConsoleContext) => Promise<Identity | null>;
}

/** What operations need, wherever they are asked for: at a page, by the API, or at a command line beside the database. */
export interface ActContext {
  readonly pool: Pool;
  readonly approvals: Pick<Approvals, 'decide' | 'extend' | 'cancel'>;
  readonly lookIntoSlack: LookIntoSlack | null;
  readonly auditors: Auditors | null;
  /** Who may see every request. */
  readonly viewers: Auditors;
  readonly roles: Roles;
  readonly containment: Containment | null;
  readonly checkPolicy: CheckPolicy | null;
  readonly maskReport: ReadyMaskReport | null;
  /** Masking reports that this process compares; whoever made the context ends them. */
  readonly runningReports: RunningReports;
  /** Packages that this process makes. */
  readonly packageSlots: Slots;
  readonly version: string;
  readonly recordings: Recordings | null;
  readonly breakGlass: BreakGlassKeys | null;
  readonly rules: PolicyInForce | null;
  readonly definitions: Omit<DefinitionDesk, 'pool'> | null;
  readonly tokens: TokenRules | null;
  readonly connections: ConnectDesk | null;
  /** Ed25519 public keys of those who may sign votes, by key id: they go into proofs. */
  readonly votePublicKeys: Readonly<Record<string, string>>;
  readonly log: FastifyBaseLogger;
  readonly maskText: (text: string) => Masked<string>;
  readonly now: () => Date;
}

/** What every route of the console needs, made once at start. */
export interface ConsoleContext extends ActContext {
  readonly login: Login;
  readonly visits: Visits;
  /** How the tokens of `holdpoint login` are checked; null where there is no built-in authorization server. */
  readonly signIns: SignInTokens | null;
  /** The origin that browsers use, once the port is known. */
  readonly origin: () => string;
}
