/**
 * From what callers give to what the log gets, and back. Personal fields go in and come out in the clear; between lies a
 * key of the account. Sealing a change, step by step:
 *
 * 1. Is there a key book? The first writer ever begins one (`KeyKeeper.begin`).
 * 2. Fields that have not changed keep their ciphertext; others are sealed with the account's key, which is made, and
 *    confirmed in the current book, before anything that it seals is published. (A crash: a key that seals nothing.)
 * 3. The state names the book. Should another one be current when it is judged, the change is void (KEY_BOOK), and the
 *    writer begins again at 1 (`RegistryStore.propose`).
 */
import { randomBytes } from 'node:crypto';
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { SEALED_HASH } from '../../domain/registry/in-clear.js';
import { clearEmail, KINDS, type Kind, type StateOf, taggedEmail } from '../../domain/registry/kinds.js';
import { isErased, ownerOf, plainShapeOf } from '../../domain/registry/personal.js';
import type { Sealed } from '../../domain/registry/sealed.js';
import { isLive, type Live, lookUp, parseRef, refOf } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { Replica } from '../replica.js';
import { KeyRing, lost } from './key-ring.js';
import type { KeyBooks } from './ports.js';
import { newKey, seal, tagOf, unseal } from './seal.js';

export type FieldComplaint = { readonly field: string; readonly message: string };

export interface PersonalDataOptions {
  /** Absent: nothing personal can be written here, or read where it is sealed. */
  readonly books: KeyBooks | undefined;
  readonly replica: Pick<Replica, 'state' | 'get' | 'caughtUp'>;
  /** Makes the first key book. Resolves when the log has it. */
  readonly begin: () => Promise<void>;
  readonly logger: Logger;
}

type Fields = Record<string, unknown>;

export class PersonalData {
  readonly ring: KeyRing | undefined;
  /** By ciphertext's object: entities are replaced, never changed. */
  private readonly opened = new WeakMap<Sealed, Fields>();
  private readonly complained = new Set<string>();
  private tagged: { readonly email: string; readonly tag: string } | undefined;

  constructor(private readonly options: PersonalDataOptions) {
    const { books, replica } = options;
    this.ring = books === undefined ? undefined : new KeyRing({ books, replica });
  }

  /**
   * The state as the log is to have it; unchanged where it names nobody. `current` is what it replaces. Rejects with
   * PERSONAL_DATA_WRONG (fields in the cause's stead), ACCOUNT_ERASED, KEY_BOOK_LOST, or as key books do.
   */
  async sealed<K extends EntityKind>(
    kind: K,
    state: StateOf[K],
    current: StateOf[K] | null | undefined,
  ): Promise<StateOf[K]> {
    const { personal } = KINDS[kind] as Kind<K>;
    const owner = ownerOf(kind, state);
    if (personal === undefined || owner === undefined || isErasure(state)) return state;
    const given = state as Fields & { sealed?: Sealed };
    const { sealed: untouched, ...rest } = given;
    await this.prepared(kind, [state, current]);
    const clear = pick({ ...this.fieldsOf(kind, state, untouched), ...given }, personal);
    const hasHash = isClearHash(rest.passwordHash) && rest.passwordHash !== (current as Fields)?.passwordHash;
    const isKept =
      untouched !== undefined &&
      personal.every((field) => given[field] === undefined) &&
      (this.ring?.ownerOf(untouched.key) ?? owner) === owner;
    if (Object.keys(clear).length === 0 && !hasHash && untouched === undefined) return state;
    const book = this.isErased(owner)
      ? undefined
      : await this.currentBook(this.ringOr('Nothing personal can be written'));
    // Once more, when it is known into which book a key would go: one that was begun after the erasure gets none of it.
    if (book === undefined || this.isErased(owner)) {
      if (isKept) return rest as unknown as StateOf[K];
      throw new WattstreamError(
        'ACCOUNT_ERASED',
        `Account '${owner}' was erased: nothing personal is kept of it.`,
      );
    }
    const ring = this.ringOr('Nothing personal can be written');
    const without = Object.fromEntries(Object.entries(rest).filter(([field]) => !personal.includes(field)));
    const ref = refOf(kind, KINDS[kind].idOf(state as never));
    const hash = hasHash
      ? { passwordHash: await this.sealedHash(ring, book, owner, rest.passwordHash as string) }
      : {};
    const before = isKept ? untouched : this.unchanged(kind, current, clear, owner);
    if (before !== undefined) {
      await this.carryOver(ring, book, before.key, owner);
      return { ...without, ...hash, sealed: { ...before, book } } as unknown as StateOf[K];
    }
    if (Object.keys(clear).length === 0) return { ...without, ...hash } as unknown as StateOf[K];
    const key = await this.keyFor(ring, book, owner);
    const email = clear.email === undefined ? {} : { email: await this.tag(String(clear.email)) };
    const data = seal(ring.key(key) as Buffer, JSON.stringify(clear), ref);
    return { ...without, ...hash, sealed: { book, key, data, ...email } } as unknown as StateOf[K];
  }

  /** What is wrong with personal fields, which the log's rules cannot see. */
  complaints<K extends EntityKind>(kind: K, id: string, state: StateOf[K]): readonly FieldComplaint[] {
    const { personal } = KINDS[kind] as Kind<K>;
    const given = state as Fields & { sealed?: Sealed };
    if (personal === undefined || isErasure(state)) return [];
    const { replica } = this.options;
    const errors: FieldComplaint[] = [];
    if (given.sealed === undefined) {
      const parsed = plainShapeOf(kind).safeParse(state);
      if (!parsed.success)
        errors.push(...parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message })));
    }
    // An account that was written before addresses were sealed claims its own in the clear.
    if (kind === 'account' && typeof given.email === 'string') {
      const holder = replica.state.claims.get(clearEmail(given.email));
      if (holder !== undefined && holder !== refOf('account', id))
        errors.push({ field: 'email', message: `account ${parseRef(holder).id} has it` });
    }
    return errors;
  }

  /** In the clear, as far as keys are known here (`prepared`). What cannot be opened is absent. */
  open<K extends EntityKind>(kind: K, state: StateOf[K]): StateOf[K] {
    const { personal } = KINDS[kind] as Kind<K>;
    if (personal === undefined) return state;
    const { sealed, ...rest } = state as Fields & { sealed?: Sealed };
    const owner = ownerOf(kind, state);
    // What it said before it was sealed, in the versions before, is nobody's to see either.
    if (owner !== undefined && this.isErased(owner)) return pickNot(rest, personal) as unknown as StateOf[K];
    if (sealed === undefined) return state;
    return { ...rest, ...this.fieldsOf(kind, state, sealed) } as unknown as StateOf[K];
  }

  opening<K extends EntityKind>(entity: Live<K>): Live<K> {
    const state = this.open(entity.kind as K, entity.state);
    return state === entity.state ? entity : { ...entity, state };
  }

  /** Resolves when all keys of these states are here that are anywhere. Rejects while key books cannot be read. */
  async prepared(kind: EntityKind, states: Iterable<object | null | undefined>): Promise<void> {
    if (KINDS[kind].personal === undefined || this.ring === undefined) return;
    const wanted = new Set<string>();
    for (const state of states) {
      const key = (state as { sealed?: Sealed } | null | undefined)?.sealed?.key;
      if (key === undefined) continue;
      const owner = ownerOf(kind, state as never);
      if (owner === undefined || !this.isErased(owner)) wanted.add(key);
    }
    await this.ring.seek([...wanted]);
  }

  /** Whatever the case of the address. Rejects with KEY_BOOK_LOST, or while key books cannot be read. */
  async accountByEmail(email: string): Promise<Live<'account'> | undefined> {
    const { state } = this.options.replica;
    const ref = state.claims.get(clearEmail(email)) ?? (await this.refByTag(email));
    const entity = ref === undefined ? undefined : lookUp(state, 'account', parseRef(ref).id);
    return isLive(entity) ? entity : undefined;
  }

  /** Until addresses can be looked for. Rejects with KEY_BOOK_LOST, or while key books cannot be read. */
  async whenTagged(): Promise<void> {
    await this.ring?.tagKey();
  }

  /** Whether a state has this address, once `whenTagged`. */
  hasEmail({ email, sealed }: StateOf['account'], wanted: string): boolean {
    if (email !== undefined) return email.toLowerCase() === wanted.toLowerCase();
    return sealed?.email !== undefined && sealed.email === this.tagNow(wanted);
  }

  /** What a password is compared with; undefined: it has none. Rejects with KEY_BOOK_LOST. */
  async passwordHash(account: Live<'account'> | undefined): Promise<string | undefined> {
    const kept = account?.state.passwordHash;
    if (account === undefined || kept === undefined || !kept.startsWith(SEALED_HASH)) return kept;
    const [, id = '', data = ''] = kept.split('$');
    const ring = this.ringOr('Nobody can be known');
    await ring.seek([id]);
    const key = ring.key(id);
    if (key === undefined) throw lost(`The key of account '${account.id}' is in no key book`);
    return unseal(key, data, hashOf(account.id));
  }

  /** Key that the account's data are sealed with: kept, in this book, when this resolves. */
  private async keyFor(ring: KeyRing, book: number, owner: string): Promise<string> {
    const known = ring.keyIn(book, owner);
    if (known !== undefined) return known;
    const record = { id: randomBytes(9).toString('base64url'), owner, key: newKey().toString('base64url') };
    await this.books().append(book, [record]);
    ring.add(book, [record]);
    return record.id;
  }

  /** Seen to be in the current book: the one before may be gone before it was copied from there. */
  private async carryOver(ring: KeyRing, book: number, id: string, owner: string): Promise<void> {
    if (ring.isIn(book, id)) return;
    const key = ring.key(id);
    if (key === undefined) return;
    const record = { id, owner, key: key.toString('base64url') };
    await this.books().append(book, [record]);
    ring.add(book, [record]);
  }

  private async sealedHash(ring: KeyRing, book: number, owner: string, hash: string): Promise<string> {
    const id = await this.keyFor(ring, book, owner);
    return `${SEALED_HASH}${id}$${seal(ring.key(id) as Buffer, hash, hashOf(owner))}`;
  }

  /** The ciphertext of before, when it says the same: a change of something else changes no more than that. */
  private unchanged<K extends EntityKind>(
    kind: K,
    current: StateOf[K] | null | undefined,
    clear: Fields,
    owner: string,
  ): Sealed | undefined {
    const before = (current as { sealed?: Sealed } | null | undefined)?.sealed;
    if (before === undefined || ownerOf(kind, current as StateOf[K]) !== owner) return undefined;
    const fields = this.fieldsOf(kind, current as StateOf[K], before);
    return canonical(fields) === canonical(clear) ? before : undefined;
  }

  private fieldsOf<K extends EntityKind>(kind: K, state: StateOf[K], sealed: Sealed | undefined): Fields {
    if (sealed === undefined) return {};
    const known = this.opened.get(sealed);
    if (known !== undefined) return known;
    const key = this.ring?.key(sealed.key);
    if (key === undefined) return {};
    const ref = refOf(kind, KINDS[kind].idOf(state as never));
    const text = unseal(key, sealed.data, ref);
    if (text === undefined) {
      if (!this.complained.has(ref))
        this.options.logger.error(
          { code: 'PERSONAL_DATA_DAMAGED', entity: ref, remedy: 'Write its name and address anew.' },
          'what is sealed here does not open with its key: it is damaged, or was moved from another entity',
        );
      this.complained.add(ref);
      return {};
    }
    const fields = JSON.parse(text) as Fields;
    this.opened.set(sealed, fields);
    return fields;
  }

  private async currentBook(ring: KeyRing): Promise<number> {
    if (ring.state === undefined) await this.options.begin();
    const { state } = ring;
    if (state === undefined)
      throw new WattstreamError('KEY_BOOK_MISSING', 'There is no key book yet.', { canRetry: true });
    // Also makes sure that it can be read: what is sealed under a book that is lost would be lost too.
    if (ring.key(state.tagKey) === undefined || !ring.isRead(state.book)) await ring.refresh();
    return state.book;
  }

  private async tag(email: string): Promise<string> {
    const key = await this.ringOr('Nothing personal can be written').tagKey();
    if (key === undefined)
      throw new WattstreamError('KEY_BOOK_MISSING', 'There is no key book yet.', { canRetry: true });
    return tagOf(key, email);
  }

  /** One address is looked for in many accounts. */
  private tagNow(email: string): string | undefined {
    if (this.tagged?.email === email) return this.tagged.tag;
    const key = this.ring?.key(this.ring.state?.tagKey ?? '');
    if (key === undefined) return undefined;
    this.tagged = { email, tag: tagOf(key, email) };
    return this.tagged.tag;
  }

  private async refByTag(email: string): Promise<string | undefined> {
    const key = await this.ring?.tagKey();
    return key === undefined
      ? undefined
      : this.options.replica.state.claims.get(taggedEmail(tagOf(key, email)));
  }

  private isErased(accountId: string): boolean {
    return isErased(this.options.replica.state, accountId);
  }

  private ringOr(what: string): KeyRing {
    if (this.ring !== undefined) return this.ring;
    throw new WattstreamError('KEYS_NOT_HERE', `${what} here: this process has no key books.`);
  }

  private books(): KeyBooks {
    return this.options.books as KeyBooks;
  }
}

const isErasure = (state: object): boolean => (state as { erased?: unknown }).erased !== undefined;
const isClearHash = (hash: unknown): boolean => typeof hash === 'string' && !hash.startsWith(SEALED_HASH);
const hashOf = (accountId: string): string => `${refOf('account', accountId)}/passwordHash`;
const pick = (state: Fields, fields: readonly string[]): Fields =>
  Object.fromEntries(fields.flatMap((field) => (state[field] === undefined ? [] : [[field, state[field]]])));
const pickNot = (state: Fields, fields: readonly string[]): Fields =>
  Object.fromEntries(Object.entries(state).filter(([field]) => !fields.includes(field)));
const canonical = (fields: Fields): string => JSON.stringify(Object.entries(fields).sort());
