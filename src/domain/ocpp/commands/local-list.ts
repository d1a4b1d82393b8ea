import { z } from 'zod';
import { call, idTag, idTokenType, instant, operation } from './operation.js';

const entry = z.strictObject({
  idTag,
  idTokenType,
  status: z
    .string()
    .min(1)
    .max(20)
    .optional()
    .describe('Accepted, Blocked, Expired, Invalid ...; left out in a Differential update: remove the token'),
  expiresAt: instant.optional(),
  parentIdTag: z.string().min(1).max(36).optional(),
});

/** 1.6 section 5.15; 2.x use case D01. */
export const sendLocalList = operation({
  name: 'send-local-list',
  summary: 'Give a charger the tokens it may accept without asking',
  shape: {
    updateType: z.enum(['Full', 'Differential']).default('Full'),
    version: z
      .int()
      .min(1)
      .optional()
      .describe('The one after the last that the charger accepted, when left out'),
    entries: z.array(entry).max(10_000).default([]),
  },
  example: { updateType: 'Full', entries: [{ idTag: 'CAFEBABE', status: 'Accepted' }] },
  in16: ({ updateType, version, entries }) =>
    call('SendLocalList', {
      listVersion: version,
      updateType,
      localAuthorizationList: entries.map(({ idTag, status, expiresAt, parentIdTag }) => ({
        idTag,
        idTagInfo: status === undefined ? undefined : { status, expiryDate: expiresAt, parentIdTag },
      })),
    }),
  in2x: ({ updateType, version, entries }) =>
    call('SendLocalList', {
      versionNumber: version,
      updateType,
      // An empty list is not valid in 2.x; a Full update without one clears the charger's (D01.FR.04).
      localAuthorizationList:
        entries.length === 0
          ? undefined
          : entries.map(({ idTag, idTokenType, status, expiresAt, parentIdTag }) => ({
              idToken: { idToken: idTag, type: idTokenType ?? 'ISO14443' },
              idTokenInfo:
                status === undefined
                  ? undefined
                  : {
                      status,
                      cacheExpiryDateTime: expiresAt,
                      groupIdToken:
                        parentIdTag === undefined ? undefined : { idToken: parentIdTag, type: 'Central' },
                    },
            })),
    }),
});

/** 1.6 section 5.10; 2.x use case D02. */
export const getLocalListVersion = operation({
  name: 'get-local-list-version',
  summary: "Ask for the version of a charger's local list",
  shape: {},
  example: {},
  in16: () => call('GetLocalListVersion'),
  in2x: () => call('GetLocalListVersion'),
});
