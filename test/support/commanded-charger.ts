/**
 * Chargers that take commands, written by others: 1.6 and 2.0.1 with npm `ocpp-rpc` in strict mode, which holds both
 * our CALLs and its answers to the official schemas; 2.1, whose schemas it has not got right, with a raw socket.
 */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { WebSocket } from 'ws';

type Json = Record<string, unknown>;
/** `never`: the charger stays silent. An Error: a CALLERROR. */
export type Answer = Json | Error | 'never';
export type Answering = (action: string, payload: Json, nth: number) => Answer | Promise<Answer>;

export interface Got {
  readonly id: string;
  readonly action: string;
  readonly payload: Json;
}

export interface CommandedCharger {
  readonly id: string;
  /** CALLs that it was given, in order, whatever became of them. */
  readonly got: Got[];
  answer: Answering;
  /** A CALL of its own. */
  call(action: string, payload: Json): Promise<Json>;
  connect(endpoint: string): Promise<void>;
  /** The cable is cut. */
  cut(): void;
  close(): Promise<void>;
}

const require = createRequire(import.meta.url);
const { RPCClient, createRPCError } = require('ocpp-rpc') as {
  RPCClient: new (options: object) => RpcClient;
  createRPCError(code: string, description: string): Error;
};
interface RpcClient {
  handle(handler: (call: { method: string; params: Json; messageId: string }) => unknown): void;
  connect(): Promise<unknown>;
  call(method: string, params: Json): Promise<Json>;
  close(options?: object): Promise<unknown>;
  _ws?: WebSocket;
}

export const callError = (code: string, description: string): Error => createRPCError(code, description);

/** What a charger that does as it is told says. */
export function goodAnswer(protocol: string, action: string, payload: Json): Json {
  const each = (list: unknown, more: Json): Json[] =>
    (list as Json[]).map(({ component, variable }) => ({ component, variable, ...more }));
  const is16 = protocol === 'ocpp1.6';
  switch (action) {
    case 'GetConfiguration':
    case 'GetDiagnostics':
    case 'CostUpdated':
      return {};
    case 'UpdateFirmware':
      return is16 ? {} : { status: 'Accepted' };
    case 'UnlockConnector':
      return { status: 'Unlocked' };
    case 'GetLocalListVersion':
      return is16 ? { listVersion: 3 } : { versionNumber: 3 };
    case 'GetTransactionStatus':
      return { messagesInQueue: false };
    case 'GetVariables':
      return {
        getVariableResult: each(payload.getVariableData, {
          attributeStatus: 'Accepted',
          attributeValue: '1',
        }),
      };
    case 'SetVariables':
      return { setVariableResult: each(payload.setVariableData, { attributeStatus: 'Accepted' }) };
    default:
      return { status: 'Accepted' };
  }
}

export function strictCharger(id: string, protocol: 'ocpp1.6' | 'ocpp2.0.1'): CommandedCharger {
  let client: RpcClient | undefined;
  const charger: CommandedCharger = {
    id,
    got: [],
    answer: (action, payload) => goodAnswer(protocol, action, payload),
    async connect(endpoint) {
      await client?.close({ force: true }).catch(() => {});
      client = new RPCClient({
        endpoint,
        identity: id,
        protocols: [protocol],
        strictMode: true,
        reconnect: false,
        callTimeoutMs: 20_000,
      });
      client.handle(async ({ method, params, messageId }) => {
        charger.got.push({ id: messageId, action: method, payload: params });
        const answer = await charger.answer(method, params, charger.got.length);
        if (answer === 'never') return new Promise(() => {});
        if (answer instanceof Error) throw answer;
        return answer;
      });
      await client.connect();
    },
    call: (action, payload) => (client as RpcClient).call(action, payload),
    cut: () => client?._ws?.terminate(),
    async close() {
      await client?.close({ force: true, code: 1000 }).catch(() => {});
    },
  };
  return charger;
}

export function rawCharger(id: string, protocol: 'ocpp1.6' | 'ocpp2.0.1' | 'ocpp2.1'): CommandedCharger {
  let socket: WebSocket | undefined;
  let calls = 0;
  const waiting = new Map<string, (payload: Json) => void>();
  const charger: CommandedCharger = {
    id,
    got: [],
    answer: (action, payload) => goodAnswer(protocol, action, payload),
    async connect(endpoint) {
      socket?.terminate();
      const opened = new WebSocket(`${endpoint}/${encodeURIComponent(id)}`, [protocol]);
      socket = opened;
      opened.on('error', () => {});
      opened.on('message', (data) => {
        const [type, messageId, third, fourth] = JSON.parse(String(data)) as [number, string, never, Json];
        if (type === 3) waiting.get(messageId)?.(third as Json);
        if (type !== 2) return;
        charger.got.push({ id: messageId, action: third, payload: fourth });
        void Promise.resolve(charger.answer(third, fourth, charger.got.length)).then((answer) => {
          if (answer === 'never' || opened.readyState !== WebSocket.OPEN) return;
          opened.send(
            JSON.stringify(
              answer instanceof Error
                ? [
                    4,
                    messageId,
                    (answer as Error & { rpcErrorCode?: string }).rpcErrorCode ?? 'GenericError',
                    answer.message,
                    {},
                  ]
                : [3, messageId, answer],
            ),
          );
        });
      });
      await once(opened, 'open');
    },
    call(action, payload) {
      const messageId = `c${++calls}`;
      const answered = new Promise<Json>((resolve) => waiting.set(messageId, resolve));
      socket?.send(JSON.stringify([2, messageId, action, payload]));
      return answered;
    },
    cut: () => socket?.terminate(),
    async close() {
      socket?.close(1000);
    },
  };
  return charger;
}
