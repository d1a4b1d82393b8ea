/**
 * Work of which one is done at a time, by a process, for whoever asks meanwhile. Nobody joins what has begun already: it may
 * have passed the place that they ask about. They share the next one.
 */
export function oneAtATime<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  const start = (): Promise<T> => {
    running = work().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (running === undefined) return start();
    const begin = (): Promise<T> => {
      next = undefined;
      // Whoever asked in this very moment has begun one, after all who wait here had asked.
      return running ?? start();
    };
    next ??= running.then(begin, begin);
    return next;
  };
}
