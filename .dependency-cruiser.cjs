/**
 * Who may import whom (the folder map in README.md). Tests may reach for twins and helpers; production code
 * follows the arrows below and nothing else.
 */
const may = {
  domain: [],
  platform: [],
  streams: ['domain', 'platform'],
  queues: ['domain', 'platform', 'streams/ports'],
  registry: ['domain', 'platform', 'streams', 'queues'],
  ingest: ['domain', 'platform', 'streams', 'queues', 'registry'],
  analytics: ['domain', 'platform', 'streams', 'queues', 'registry'],
  api: ['domain', 'platform', 'queues', 'registry', 'analytics/ports', 'streams/ports'],
  simulator: ['domain', 'platform'],
  chaos: ['domain', 'platform', 'streams', 'queues', 'registry', 'analytics', 'simulator', 'cli', 'ingest'],
  fuzz: ['domain', 'platform', 'streams', 'analytics', 'ingest', 'chaos/system/free-ports'],
  cli: ['domain', 'platform', 'streams', 'queues', 'registry', 'ingest', 'analytics', 'api', 'simulator'],
};

/** The composition roots: the only files that name concrete clients and the environment. */
const roots = '/main\\.ts$';

module.exports = {
  forbidden: [
    ...Object.entries(may).map(([folder, allowed]) => ({
      name: `${folder}-imports`,
      comment: `src/${folder} may import only: ${allowed.join(', ') || 'nothing of ours'}`,
      severity: 'error',
      from: { path: `^src/${folder}/`, pathNot: [roots, '\\.test\\.ts$', '\\.contract\\.ts$'] },
      to: { path: '^src/', pathNot: [folder, ...allowed].map((name) => `^src/${name}[/.]`) },
    })),
    {
      name: 'domain-is-pure',
      comment: 'src/domain computes: no I/O, no clock, no process',
      severity: 'error',
      from: { path: '^src/domain/', pathNot: ['\\.test\\.ts$'] },
      to: { path: '^(node:)?(fs|net|http|https|tls|child_process|os|process|timers)(/|$)' },
    },
    { name: 'no-circles', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    {
      name: 'no-tests-in-production',
      severity: 'error',
      from: { path: '^src/', pathNot: ['\\.test\\.ts$', '\\.contract\\.ts$'] },
      to: { path: '(\\.test\\.ts|\\.contract\\.ts)$|^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs'] },
  },
};
