/** Logins and keys: examples, and how it fails. */
import { json, type Operations } from './operation.js';

const tokens = {
  accessToken: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhYy0xIn0.c2lnbmF0dXJl',
  refreshToken: 'eyJhbGciOiJIUzI1NiJ9.eyJ0dXJuIjoxfQ.c2lnbmF0dXJl',
  tokenType: 'Bearer',
  expiresIn: 900,
};
const key = {
  id: 'f3b1c2d4e5a6',
  name: 'Billing export',
  prefix: 'wsk_f3b1c2d4e5a6',
  accountId: 'ac-1',
  role: 'analyst',
  stations: ['st-1'],
  expiresAt: '2027-01-01T00:00:00Z',
  createdAt: '2026-11-25T12:00:00.000Z',
  createdBy: 'ac-1',
};
const REGISTRY = ['REGISTRY_NOT_READY', 'REGISTRY_UNANSWERED'] as const;

export const AUTH: Operations = {
  'POST /api/auth/login': {
    body: json({ email: 'eve@example.com', password: 'correct horse battery' }),
    answers: { 200: json(tokens) },
    errors: ['LOGIN_FAILED', 'FORBIDDEN', 'LOGIN_LOCKED', 'KEY_BOOK_LOST', 'BROKER_UNREACHABLE', ...REGISTRY],
  },
  // Bodies stand with the schema: the token, or that it is in the cookie.
  'POST /api/auth/refresh': {
    answers: { 200: json(tokens) },
    errors: ['UNAUTHENTICATED', 'FORBIDDEN', 'TOKEN_INVALID', 'TOKEN_EXPIRED', 'TOKEN_REUSED', ...REGISTRY],
  },
  'POST /api/auth/logout': {
    errors: ['UNAUTHENTICATED', 'FORBIDDEN', 'TOKEN_INVALID', 'TOKEN_EXPIRED', ...REGISTRY],
  },
  'GET /api/auth/me': {
    answers: {
      200: json({
        id: 'ac-1',
        role: 'operator',
        accountId: 'ac-1',
        name: 'Eve',
        email: 'eve@example.com',
        stations: ['st-1'],
        by: 'login',
        expiresAt: '2026-11-25T12:15:00.000Z',
      }),
    },
    errors: [],
  },
  'POST /api/auth/password': {
    body: json({ currentPassword: 'correct horse battery', newPassword: 'another horse battery' }),
    answers: { 200: json(tokens) },
    errors: ['PASSWORD_WRONG', 'LOGIN_NEEDED', 'LOGIN_LOCKED', 'CONFLICT', ...REGISTRY],
  },
  'POST /api/auth/keys': {
    body: json({
      name: 'Billing export',
      role: 'analyst',
      stations: ['st-1'],
      expiresAt: '2027-01-01T00:00:00Z',
    }),
    answers: { 201: json({ ...key, key: 'wsk_f3b1c2d4e5a6_mZ0bq1c2r3s4t5u6v7w8x9y0A1B2C3D4E5F6' }) },
    errors: ['KEY_TOO_FAR', 'KEYS_TOO_MANY', 'NO_ACCOUNT', 'LOGIN_NEEDED', 'FORBIDDEN', ...REGISTRY],
  },
  'GET /api/auth/keys': { answers: { 200: json({ keys: [key] }) }, errors: ['REGISTRY_NOT_READY'] },
  'DELETE /api/auth/keys/:keyId': {
    errors: ['KEY_UNKNOWN', 'LOGIN_NEEDED', 'CONFLICT', ...REGISTRY],
  },
};
