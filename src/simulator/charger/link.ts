import { WebSocket } from 'ws';
import type { Protocol } from '../../domain/ocpp/record.js';
import { messageOf } from '../../platform/errors.js';
import type { Payload } from './call.js';

/** What a charger hears from its connection. `closed` is called exactly once per connection, also a failed one. */
export interface LinkListener {
  opened(): void;
  closed(code: number, reason: string): void;
  /** The server's CALL; returns the text to reply with. */
  called(messageId: string, action: string, payload: Payload, text: string): string;
  result(messageId: string, payload: Payload, text: string): void;
  error(messageId: string, code: string, text: string): void;
}

export interface LinkOptions {
  /** The CSMS endpoint; the charge point id is appended to its path, percent-encoded (OCPP-J 1.6, 3.1.1). */
  readonly url: string;
  readonly chargePointId: string;
  readonly protocol: Protocol;
  /** HTTP Basic (security profile 1 and 2); the user name is the charge point id. */
  readonly password?: Buffer | undefined;
}

const CALL = 2;
const CALL_RESULT = 3;
const CALL_ERROR = 4;
const HANDSHAKE_MS = 10_000;
/** Chargers do not wait long for the server's own close frame. */
const GOODBYE_MS = 1_000;

/**
 * One WebSocket connection speaking OCPP-J, written against the specification alone: it shares nothing with
 * the pipeline it is meant to judge. Frames it cannot read are ignored, as chargers do.
 */
export class Link {
  private readonly socket: WebSocket;
  private over = false;

  constructor(
    { url, chargePointId, protocol, password }: LinkOptions,
    private readonly listener: LinkListener,
  ) {
    this.socket = new WebSocket(`${url.replace(/\/$/, '')}/${encodeURIComponent(chargePointId)}`, protocol, {
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_MS,
      // Not the `auth` option of the client: it takes text, and a password of 1.6 is bytes.
      ...(password === undefined
        ? {}
        : {
            headers: {
              authorization: `Basic ${Buffer.concat([Buffer.from(`${chargePointId}:`), password]).toString('base64')}`,
            },
          }),
    });
    let fault = '';
    this.socket.on('open', () => {
      if (!this.over) this.listener.opened();
    });
    this.socket.on('message', (data) => {
      if (!this.over) this.receive(data.toString());
    });
    this.socket.on('error', (error) => {
      fault = messageOf(error);
    });
    this.socket.on('close', (code, reason) => this.end(code, fault || reason.toString()));
  }

  send(text: string): void {
    this.socket.send(text);
  }

  /** Says goodbye. The listener is told at once, the rest of the closing handshake is nobody's business. */
  close(code = 1000, reason = ''): void {
    if (this.socket.readyState === WebSocket.CONNECTING) this.socket.terminate();
    else this.socket.close(code, reason);
    setTimeout(() => this.socket.terminate(), GOODBYE_MS).unref();
    this.end(code, reason);
  }

  /** Cuts the cable: what was sent may or may not arrive, no answer will be seen. */
  cut(reason: string): void {
    this.socket.terminate();
    this.end(1006, reason);
  }

  private end(code: number, reason: string): void {
    if (this.over) return;
    this.over = true;
    this.listener.closed(code, reason);
  }

  private receive(text: string): void {
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (!Array.isArray(frame) || typeof frame[1] !== 'string') return;
    const messageId = frame[1];
    switch (frame[0]) {
      case CALL:
        this.socket.send(
          this.listener.called(messageId, String(frame[2]), (frame[3] ?? {}) as Payload, text),
        );
        break;
      case CALL_RESULT:
        this.listener.result(messageId, (frame[2] ?? {}) as Payload, text);
        break;
      case CALL_ERROR:
        this.listener.error(messageId, String(frame[2]), text);
        break;
    }
  }
}

export const callText = (messageId: string, action: string, payload: Payload): string =>
  JSON.stringify([CALL, messageId, action, payload]);

export const resultText = (messageId: string, payload: Payload): string =>
  JSON.stringify([CALL_RESULT, messageId, payload]);

export const errorText = (messageId: string, code: string, description: string): string =>
  JSON.stringify([CALL_ERROR, messageId, code, description, {}]);
