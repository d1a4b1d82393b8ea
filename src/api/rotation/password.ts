/**
 * Keys of chargers: what each version of OCPP takes, and how it is told.
 *
 * 1.6: AuthorizationKey, as hexadecimal digits of the bytes that the charger sends (Security Whitepaper, TLS with Basic
 * Authentication: 16 to 20 bytes, here always 20). 2.x: SecurityCtrlr.BasicAuthPassword, a text (2.0.1 Part 2, A01 and
 * Appendix: 16 to 40 characters).
 */
import { randomBytes, randomInt } from 'node:crypto';
import type { Asked } from '../../domain/ocpp/commands/prepare.js';
import type { Protocol } from '../../domain/ocpp/record.js';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** 160 bits for 1.6, 238 for 2.x; letters and digits alone, which every make can store. */
export const randomPassword = (protocol: Protocol): string =>
  protocol === 'ocpp1.6'
    ? randomBytes(20).toString('hex')
    : Array.from({ length: 40 }, () => LETTERS[randomInt(LETTERS.length)]).join('');

/** undefined: the version takes it. */
export function complaintAbout(password: string, protocol: Protocol): string | undefined {
  if (protocol === 'ocpp1.6')
    return /^[0-9a-fA-F]{40}$/.test(password)
      ? undefined
      : 'the charger speaks OCPP 1.6: there a key is 40 hexadecimal digits';
  return /^[\x20-\x7e]{16,40}$/.test(password) ? undefined : 'is 16 to 40 printable ASCII characters';
}

export const tellPassword = (password: string, protocol: Protocol): Asked =>
  protocol === 'ocpp1.6'
    ? {
        operation: null,
        action: 'ChangeConfiguration',
        payload: { key: 'AuthorizationKey', value: password },
      }
    : {
        operation: null,
        action: 'SetVariables',
        payload: {
          setVariableData: [
            {
              component: { name: 'SecurityCtrlr' },
              variable: { name: 'BasicAuthPassword' },
              attributeValue: password,
            },
          ],
        },
      };
