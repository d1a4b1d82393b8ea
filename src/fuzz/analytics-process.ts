/** The role `analytics` as it is, which ends with whoever started it. */
process.once('disconnect', () => process.exit(1));
// Without a listener a process does not look at its channel.
process.on('message', () => {});
await import('../analytics/main.js');
