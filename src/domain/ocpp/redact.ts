/**
 * Secrets out of frames, before anything is published: the one exception to byte for byte. Only the literals
 * of secrets are replaced; the rest of the text, its spaces and its order included, stays as it was.
 */
import { type Container, spansOf } from './json-spans.js';

export const REDACTED = '***';

/**
 * What must occur in a text that holds a secret: a part of every secret's name, or what precedes the
 * credentials in an address (UpdateFirmware, GetDiagnostics and GetLog take ftp://user:password@host).
 * Every text passes here: this expression is the fastest of those tried.
 */
const HINT = /assw|assphrase|uthorizationkey|ecret|impin|rivatekey|"vpn"|:\/\//i;

/**
 * Names of secrets: AuthorizationKey (1.6), BasicAuthPassword, and in SetNetworkProfile basicAuthPassword,
 * apnPassword, simPin and the vpn's password (2.x); and what vendors call theirs.
 */
const SECRET = /password|passwd|passphrase|authorizationkey|secret|simpin|privatekey/i;
/** Properties that hold the value of whatever their object names. */
const VALUES = new Set(['value', 'attributeValue', 'actualValue', 'data']);
/** Properties that name what their object's value is for: `key` (1.6), `variable.name` (2.x). */
const NAMES = new Set(['key', 'name', 'variableName', 'messageId']);
const CREDENTIALS = /(:\/\/[^\s/"@:]*:)[^\s/"@]+@/g;

/** The same text when it holds no secret. */
export function redact(text: string): string {
  if (!HINT.test(text)) return text;
  let top: Container | undefined;
  try {
    top = spansOf(text);
  } catch {
    return text;
  }
  if (top === undefined) return text;
  const cuts = cutsIn(top).sort((a, b) => a.start - b.start);
  let redacted = '';
  let from = 0;
  for (const { start, end, literal } of cuts) {
    redacted += text.slice(from, start) + literal;
    from = end;
  }
  return redacted + text.slice(from);
}

interface Cut {
  readonly start: number;
  readonly end: number;
  readonly literal: string;
}

function cutsIn(top: Container): Cut[] {
  const cuts: Cut[] = [];
  const left = [top];
  for (let container = left.pop(); container !== undefined; container = left.pop()) {
    left.push(...container.children);
    const names = isNamedSecret(container);
    for (const { name, scalar } of container.scalars) {
      const { value, start, end } = scalar;
      const secret = SECRET.test(name) || isKeyOfVpn(container, name) || (names && VALUES.has(name));
      if (secret && (typeof value === 'number' || (typeof value === 'string' && value !== ''))) {
        cuts.push({ start, end, literal: JSON.stringify(REDACTED) });
      } else if (typeof value === 'string') {
        const clean = withoutInnerSecrets(value);
        if (clean !== value) cuts.push({ start, end, literal: JSON.stringify(clean) });
      }
    }
  }
  return cuts;
}

/** The object, or the one around its list of attributes (2.x NotifyReport), names a secret. */
function isNamedSecret(container: Container): boolean {
  if (saysSecret(container)) return true;
  const around = container.parent?.isList === true ? container.parent.parent : undefined;
  return container.parent?.name === 'variableAttribute' && around !== undefined && saysSecret(around);
}

const saysSecret = (container: Container): boolean =>
  container.scalars.some(
    ({ name, scalar }) => NAMES.has(name) && typeof scalar.value === 'string' && SECRET.test(scalar.value),
  ) || container.children.some((child) => child.name === 'variable' && saysSecret(child));

const isKeyOfVpn = (container: Container, name: string): boolean =>
  name === 'key' && container.name === 'vpn';

/** Credentials in addresses, and vendors' JSON inside of a text (DataTransfer). */
function withoutInnerSecrets(value: string): string {
  const clean = value.replace(CREDENTIALS, `$1${REDACTED}@`);
  return /^\s*[{[]/.test(clean) ? redact(clean) : clean;
}

/** The same for a payload that is not text yet: events and records show this, the charger gets the real value. */
export function redactedPayload<T extends object>(payload: T): T {
  const text = JSON.stringify(payload);
  const clean = redact(text);
  return clean === text ? payload : (JSON.parse(clean) as T);
}
