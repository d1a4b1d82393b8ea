/** In which form an answer is wanted. */
import { WattstreamError } from '../platform/errors.js';

/** JSON unless CSV is asked for more strongly (RFC 9110, 12.5.1). Throws NOT_ACCEPTABLE. */
export function preferred(accept: string | undefined): 'json' | 'csv' {
  const weights = new Map(
    (accept ?? '*/*').split(',').map((range) => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
      const q = parameters.find((parameter) => parameter.startsWith('q='));
      return [type, q === undefined ? 1 : Number(q.slice(2)) || 0] as const;
    }),
  );
  const weigh = (type: string): number =>
    weights.get(type) ?? weights.get(`${type.split('/')[0]}/*`) ?? weights.get('*/*') ?? 0;
  const [json, csv] = [weigh('application/json'), weigh('text/csv')];
  if (json === 0 && csv === 0)
    throw new WattstreamError('NOT_ACCEPTABLE', 'Answers come as application/json or text/csv.');
  return csv > json ? 'csv' : 'json';
}
