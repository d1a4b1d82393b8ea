/**
 * What the suite is given: a broker whose nodes may be killed. (`setup/broker/cluster.mjs` makes them; nothing
 * there is started again by itself.)
 */
export interface BrokerNode {
  readonly name: string;
  readonly amqpUrl: string;
  readonly streamUrl: string;
  readonly managementUrl: string;
  /** Whether its process lives, also while it is paused. */
  readonly running: boolean;
  /** kill -9. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** Resolves when it answers. */
  start(): Promise<void>;
  /** SIGSTOP: its sockets stay open and mute. */
  pause(): void;
  resume(): void;
}

export interface Broker {
  /** Of all nodes, separated by commas. */
  readonly amqpUrl: string;
  readonly streamUrl: string;
  readonly nodes: readonly BrokerNode[];
  leaderOf(stream: string): Promise<BrokerNode | undefined>;
  /** A node ended that nobody here had killed or stopped. */
  onDeath(listener: (node: BrokerNode) => void): void;
}
